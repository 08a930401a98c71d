/* A circuit's own part in this process. Made when first needed, and gone with the handle. */
#include "circuit/extras.h"

#include <errno.h>
#include <stdlib.h>

struct swgi_extras {
    _Atomic(struct swgi_cache *) cache;
    _Atomic uint32_t sequence;       /* of the settings it was made by, + 1 */
    struct swgi_fallbacks fallbacks; /* under the process lock */
};

static struct swgi_extras *get(struct swg_circuit *circuit) {
    struct swgi_extras *extras = swgi_load(&circuit->extras);
    if (extras == NULL) {
        extras = calloc(1, sizeof(*extras));
        swgi_store(&circuit->extras, extras);
    }
    return extras;
}

static struct swgi_extras *get_locked(struct swg_circuit *circuit) {
    swgi_process_lock();
    struct swgi_extras *extras = get(circuit);
    swgi_process_unlock();
    return extras;
}

/* Under the process lock, which is never held while a cache's own are. */
static struct swgi_cache *first_cache(struct swgi_extras *extras,
                                      const struct swgi_cache_settings *settings) {
    struct swgi_cache *made = NULL;
    if (settings->bytes_max == 0 || swgi_cache_new(&made, settings) != 0)
        return NULL;
    swgi_process_lock();
    struct swgi_cache *cache = swgi_load(&extras->cache);
    if (cache == NULL)
        swgi_store(&extras->cache, made);
    swgi_process_unlock();
    if (cache == NULL)
        return made;
    swgi_cache_free(made);
    return cache;
}

/* Configured anew since we looked: the cache follows, keeping what fits. */
static void follow(struct swgi_extras *extras, const struct swgi_policies *policies, int64_t now) {
    struct swgi_policy_settings settings;
    uint32_t sequence = swgi_policies_load(policies, &settings);
    struct swgi_cache *cache = swgi_load(&extras->cache);
    if (cache == NULL)
        cache = first_cache(extras, &settings.cache);
    else
        (void)swgi_cache_resize(cache, &settings.cache, now);
    if (cache != NULL || settings.cache.bytes_max == 0)
        swgi_store(&extras->sequence, sequence + 1);
}

struct swgi_cache *swgi_extras_cache(struct swg_circuit *circuit,
                                     const struct swgi_policies *policies, int64_t now) {
    struct swgi_extras *extras = swgi_load(&circuit->extras);
    if (extras == NULL)
        extras = get_locked(circuit);
    if (extras == NULL)
        return NULL;
    if (swgi_load(&extras->sequence) != swgi_load(&policies->settings_sequence) + 1)
        follow(extras, policies, now);
    return swgi_load(&extras->cache);
}

struct swgi_fallbacks swgi_extras_fallbacks(const struct swg_circuit *circuit) {
    struct swgi_fallbacks found = { 0 };
    const struct swgi_extras *extras = swgi_load(&circuit->extras);
    if (extras == NULL)
        return found;
    swgi_process_lock();
    found = extras->fallbacks;
    swgi_process_unlock();
    return found;
}

void swgi_extras_free(struct swg_circuit *circuit) {
    struct swgi_extras *extras = swgi_load(&circuit->extras);
    if (extras == NULL)
        return;
    swgi_cache_free(swgi_load(&extras->cache));
    free(extras);
}

int swg_circuit_fallback(struct swg_circuit *circuit, swg_fallback_fn *fn, void *arg) {
    if (circuit == NULL)
        return -EINVAL;
    swgi_process_lock();
    struct swgi_extras *extras = get(circuit);
    if (extras != NULL) {
        extras->fallbacks.function = fn;
        extras->fallbacks.function_arg = arg;
    }
    swgi_process_unlock();
    return extras != NULL ? 0 : -ENOMEM;
}

int swg_circuit_queue(struct swg_circuit *circuit, swg_enqueue_fn *fn, void *arg) {
    if (circuit == NULL)
        return -EINVAL;
    swgi_process_lock();
    struct swgi_extras *extras = get(circuit);
    if (extras != NULL) {
        extras->fallbacks.enqueue = fn;
        extras->fallbacks.enqueue_arg = arg;
    }
    swgi_process_unlock();
    return extras != NULL ? 0 : -ENOMEM;
}
