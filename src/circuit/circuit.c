/*
 * Handles: one per name and process, found without a lock, valid until the panel's last unref.
 *
 * A handle points to a binding, which says where the circuit lies now. When its cell was given to
 * another circuit, or its file was replaced, the next slow call makes a new binding; old ones stay
 * readable for whoever still looks at them.
 */
#include "circuit/circuit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "circuit/config.h"
#include "circuit/make.h"
#include "circuit/source.h"
#include "engine/policies.h"
#include "panel/wall.h"

static struct swg_circuit *find_handle(struct swg_panel *panel, const char *name, uint64_t hash) {
    struct swg_circuit *circuit = swgi_load_acquire(&panel->handles[hash % SWGI_HANDLE_BUCKETS]);
    while (circuit != NULL && (circuit->hash != hash || strcmp(circuit->name, name) != 0))
        circuit = circuit->next;
    return circuit;
}

/* Only ever pushed in front, so whoever loses the race looks at what is new and tries again. */
static struct swg_circuit *intern(struct swg_panel *panel, const char *name, uint64_t hash,
                                  bool unprotected) {
    _Atomic(struct swg_circuit *) *bucket = &panel->handles[hash % SWGI_HANDLE_BUCKETS];
    struct swg_circuit *circuit = find_handle(panel, name, hash);
    struct swg_circuit *fresh = circuit == NULL ? calloc(1, sizeof(*fresh)) : NULL;
    if (fresh == NULL)
        return circuit;
    fresh->panel = panel;
    fresh->hash = hash;
    fresh->unprotected = unprotected;
    swgi_copy_text(fresh->name, sizeof(fresh->name), name);
    fresh->next = swgi_load_acquire(bucket);
    while (!atomic_compare_exchange_strong(bucket, &fresh->next, fresh)) {
        circuit = find_handle(panel, name, hash);
        if (circuit != NULL) {
            free(fresh);
            return circuit;
        }
    }
    return fresh;
}

static struct swgi_map *newest(const struct swg_panel *panel) {
    return atomic_load((_Atomic(struct swgi_map *) *)&panel->map);
}

static bool is_good(const struct swgi_binding *binding, const struct swgi_map *map) {
    return binding != NULL && binding->map == map &&
           swgi_load(&binding->cell->life) == binding->life;
}

/* Publish where the circuit lies. NULL without memory. */
static const struct swgi_binding *bind_to(struct swg_circuit *circuit, struct swgi_map *map,
                                          uint32_t index, uint32_t life) {
    struct swgi_binding *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL)
        return NULL;
    *fresh = (struct swgi_binding){
        .cell = &map->cells[index],
        .tag = map->tag,
        .index = index,
        .life = life,
        .time_shift = map->virtual_on ? 0 : circuit->panel->time_shift,
        .map = map,
        .circuit = circuit,
        .older = swgi_load_acquire(&circuit->binding),
    };
    while (!atomic_compare_exchange_strong(&circuit->binding, &fresh->older, fresh)) {
        if (is_good(fresh->older, map)) {
            const struct swgi_binding *theirs = fresh->older;
            free(fresh);
            return theirs;
        }
    }
    return fresh;
}

static const struct swgi_binding *bind_existing(struct swg_circuit *circuit) {
    struct swgi_map *map = newest(circuit->panel);
    const struct swgi_binding *binding = swgi_load_acquire(&circuit->binding);
    uint32_t index, life;
    if (is_good(binding, map))
        return binding;
    if (!swgi_registry_find(map, circuit->name, circuit->hash, &index, &life))
        return NULL;
    return bind_to(circuit, map, index, life);
}

const struct swgi_binding *swgi_circuit_look(const struct swg_circuit *circuit) {
    return circuit->unprotected ? NULL : bind_existing((struct swg_circuit *)(uintptr_t)circuit);
}

#define TRY_AGAIN_NS UINT64_C(1000000000)

/* Making takes a lock: a handle without a place asks for one once a second, not at every call. */
static bool may_try(struct swg_circuit *circuit, const struct swgi_map *map) {
    int64_t now = swgi_map_clock(map);
    uint64_t last = swgi_load_relaxed(&circuit->tried_at, STAMP);
    if (last != 0 && swgi_passed(now, (int64_t)last) < TRY_AGAIN_NS)
        return false;
    return swgi_cas(&circuit->tried_at, last, (uint64_t)now);
}

/* Policies take a kilobyte, so a handle remembers them only where there are any. */
static void recall(const struct swg_circuit *circuit, struct swgi_settings *out) {
    swgi_settings_default(out);
    memcpy(out, circuit->if_new.words, SWGI_BREAKER_SETTINGS_SIZE);
    if (circuit->if_new.policies != NULL)
        memcpy(&out->policies, circuit->if_new.policies, sizeof(out->policies));
}

static void remember(struct swg_circuit *circuit, const struct swgi_settings *settings) {
    memcpy(circuit->if_new.words, settings, SWGI_BREAKER_SETTINGS_SIZE);
    if (circuit->if_new.policies == NULL && swgi_policies_wanted(&settings->policies))
        circuit->if_new.policies = malloc(sizeof(settings->policies));
    if (circuit->if_new.policies != NULL)
        memcpy(circuit->if_new.policies, &settings->policies, sizeof(settings->policies));
}

static struct swgi_making declared_making(const struct swgi_declared *declared,
                                          const struct swgi_declaration *declaration) {
    return (struct swgi_making){ .settings = &declaration->settings,
                                 .histogram_asked = declaration->histogram_asked,
                                 .declared = declared,
                                 .declaration = declaration };
}

/* Made again as the file says, or as it was made first: the handle remembers how. */
static const struct swgi_binding *make_again(struct swg_circuit *circuit) {
    struct swgi_settings settings;
    struct swgi_declaration declaration;
    struct swgi_making making = { .settings = &settings };
    struct swgi_map *map = newest(circuit->panel);
    uint32_t index, life;
    if (!map->writable || !may_try(circuit, map))
        return NULL;
    struct swgi_declared *declared = swgi_declared_of(circuit->panel);
    swgi_process_lock();
    recall(circuit, &settings);
    swgi_process_unlock();
    /* What the file no longer knows is made as it was. */
    if (declared != NULL && declared->find(declared, circuit->name, &declaration, NULL) == 0)
        making = declared_making(declared, &declaration);
    int rc = swgi_settings_check(making.settings) ? 0 : -EINVAL;
    if (rc == 0)
        rc = swgi_circuit_make(map, circuit->name, circuit->hash, &making, &index, &life, NULL);
    swgi_declared_unref(declared);
    return rc == 0 ? bind_to(circuit, map, index, life) : NULL;
}

static const struct swgi_binding *bind_beyond(struct swg_circuit *circuit) {
    struct swg_panel *panel = circuit->panel;
    if (swgi_load(&panel->beyond) != SWG_BEYOND_SHARED)
        return NULL;
    struct swg_circuit *shared =
        intern(panel, SWGI_BEYOND_NAME, swgi_name_hash(SWGI_BEYOND_NAME), false);
    return shared != NULL ? bind_existing(shared) : NULL;
}

/* One thread goes; the rest stay with the former file until it has. */
static void follow_replaced(struct swg_panel *panel) {
    if (swgi_load_relaxed(&panel->replaced, HINT) == 0 || swgi_exchange(&panel->replaced, 0) == 0)
        return;
    if (swgi_panel_follow(panel) > 0)
        swgi_circuits_follow(panel);
}

const struct swgi_binding *swgi_circuit_bind(struct swg_circuit *circuit) {
    follow_replaced(circuit->panel);
    if (circuit->unprotected)
        return NULL;
    const struct swgi_binding *binding = bind_existing(circuit);
    if (binding == NULL)
        binding = make_again(circuit);
    return binding != NULL ? binding : bind_beyond(circuit);
}

void swgi_circuits_follow(struct swg_panel *panel) {
    for (unsigned i = 0; i < SWGI_HANDLE_BUCKETS; i++)
        for (struct swg_circuit *c = swgi_load_acquire(&panel->handles[i]); c != NULL; c = c->next)
            swgi_circuit_bind(c);
}

void swgi_circuits_remember(struct swg_panel *panel) {
    for (unsigned i = 0; i < SWGI_HANDLE_BUCKETS; i++)
        for (struct swg_circuit *c = swgi_load_acquire(&panel->handles[i]); c != NULL; c = c->next)
            if (!c->unprotected && bind_existing(c) != NULL)
                swgi_circuit_remember(c);
}

/* ---- the public side */

static int refuse_name(const char *name, struct swg_error *error) {
    return swgi_fail(
        error, -EINVAL, "name",
        "\"%.140s\" is no circuit's name; allowed are 1 to 127 of A-Z a-z 0-9 . _ : @ / -",
        name != NULL ? name : "");
}

static int hand_out(struct swg_circuit *circuit, struct swg_circuit **out) {
    if (circuit == NULL)
        return -ENOMEM;
    *out = circuit;
    return 0;
}

int swg_circuit_find(struct swg_panel *panel, const char *name, struct swg_circuit **out) {
    if (panel == NULL || out == NULL || name == NULL || !swgi_name_valid(name))
        return -EINVAL;
    uint64_t hash = swgi_name_hash(name);
    struct swg_circuit *circuit = find_handle(panel, name, hash);
    uint32_t index, life;
    if (circuit == NULL && !swgi_registry_find(newest(panel), name, hash, &index, &life))
        return -ENOENT;
    if (circuit == NULL)
        circuit = intern(panel, name, hash, false);
    if (circuit != NULL && bind_existing(circuit) == NULL)
        return -ENOENT;
    return hand_out(circuit, out);
}

static void tell_beyond(struct swgi_map *map, const char *name) {
    struct swgi_event_data event = { .kind = SWG_EVENT_BEYOND, .at = swgi_map_clock(map) };
    event.wall_ms = swgi_map_wall_ms(map);
    swgi_copy_text(event.name, sizeof(event.name), name);
    swgi_copy_text(event.user, sizeof(event.user), "system");
    swgi_event_publish(map, SWGI_RING_NOTICES, &event);
}

/* No user's circuit can be called that. */
#define UNPROTECTED_NAME "(unprotected)"

/* No place, or the panel was busy: what the options say. */
static int beyond(struct swg_panel *panel, const char *name, const struct swg_error *why,
                  struct swg_circuit **out, struct swg_error *error) {
    struct swgi_map *map = newest(panel);
    int what = swgi_load(&panel->beyond);
    swgi_add_relaxed(&map->header->beyond, 1, COUNTER);
    tell_beyond(map, name);
    if (what == SWG_BEYOND_ERROR)
        return swgi_fail(error, why->code, why->key, "%s", why->text);
    if (what == SWG_BEYOND_SHARED)
        return swg_circuit_find(panel, SWGI_BEYOND_NAME, out);
    return hand_out(intern(panel, UNPROTECTED_NAME, swgi_name_hash(UNPROTECTED_NAME), true), out);
}

static int make_as(struct swg_panel *panel, const char *name, const struct swgi_making *making,
                   struct swg_circuit **out, struct swg_error *error) {
    struct swgi_map *map = newest(panel);
    uint64_t hash = swgi_name_hash(name);
    uint32_t index, life;
    struct swg_error why = SWG_ERROR_INIT;
    int rc = swgi_circuit_make(map, name, hash, making, &index, &life, &why);
    if (rc == -ENOSPC || rc == -EAGAIN)
        return beyond(panel, name, &why, out, error);
    if (rc != 0)
        return swgi_fail(error, why.code != 0 ? why.code : rc, why.key, "%s", why.text);
    struct swg_circuit *circuit = intern(panel, name, hash, false);
    if (circuit == NULL || bind_to(circuit, map, index, life) == NULL)
        return swgi_fail(error, -ENOMEM, name, "no memory for a circuit's handle");
    return hand_out(circuit, out);
}

/* A file goes before the program: what it does not know is not made. */
static int make_named(struct swg_panel *panel, const char *name, const struct swg_config *if_new,
                      struct swg_circuit **out, struct swg_error *error) {
    struct swgi_declared *declared = swgi_declared_of(panel);
    struct swgi_declaration declaration;
    struct swgi_settings settings;
    struct swgi_making making = { .settings = &settings };
    int rc;
    if (declared != NULL) {
        rc = declared->find(declared, name, &declaration, error);
        if (rc == 0)
            making = declared_making(declared, &declaration);
    } else {
        rc = swgi_config_apply_to(name, if_new, NULL, &settings, error);
        making.histogram_asked = if_new != NULL && swgi_config_sets(if_new, "breaker.histogram");
    }
    if (rc == 0)
        rc = make_as(panel, name, &making, out, error);
    swgi_declared_unref(declared);
    return rc;
}

/* One that a program made before the file was loaded becomes what the file says. */
static void obey_file(struct swg_panel *panel, const struct swg_circuit *circuit) {
    const struct swgi_binding *binding = swgi_load_acquire(&circuit->binding);
    struct swgi_declared *declared = swgi_declared_of(panel);
    struct swgi_declaration declaration;
    if (declared == NULL)
        return;
    if (binding != NULL && binding->map->writable && swgi_source_is_free(binding->cell) &&
        declared->find(declared, circuit->name, &declaration, NULL) == 0) {
        struct swgi_making making = declared_making(declared, &declaration);
        (void)swgi_circuit_install(binding->map, binding->index, binding->life, &making, NULL);
    }
    swgi_declared_unref(declared);
}

/* What an eviction would make it of again. */
void swgi_circuit_remember(struct swg_circuit *circuit) {
    const struct swgi_binding *binding = swgi_load_acquire(&circuit->binding);
    struct swgi_settings settings;
    if (binding == NULL)
        return;
    swgi_settings_load_all(binding->map, binding->cell, &settings);
    if (swgi_load(&binding->cell->life) != binding->life)
        return; /* evicted while we read */
    swgi_process_lock();
    remember(circuit, &settings);
    swgi_process_unlock();
}

int swg_circuit_get(struct swg_panel *panel, const char *name, const struct swg_config *if_new,
                    struct swg_circuit **out, struct swg_error *error) {
    if (panel == NULL || out == NULL)
        return swgi_fail(error, -EINVAL, "panel", "panel and out must not be NULL");
    if (name == NULL || !swgi_name_valid(name))
        return refuse_name(name, error);
    int rc = swgi_panel_follow(panel);
    if (rc < 0)
        return swgi_fail(error, rc, name,
                         "the panel's file was replaced and cannot be attached again");
    if (rc > 0)
        swgi_circuits_follow(panel);
    rc = swg_circuit_find(panel, name, out);
    if (rc == 0)
        obey_file(panel, *out);
    if (rc == 0)
        swgi_circuit_remember(*out);
    if (rc != -ENOENT)
        return rc == 0 ? 0 : swgi_fail(error, rc, name, "no memory for a circuit's handle");
    if (!newest(panel)->writable)
        return swgi_fail(error, -EROFS, name,
                         "there is no such circuit, and a panel opened to inspect makes none");
    rc = make_named(panel, name, if_new, out, error);
    if (rc == 0 && !(*out)->unprotected)
        swgi_circuit_remember(*out);
    return rc;
}

int swg_panel_next_circuit(struct swg_panel *panel, uint32_t *cursor, struct swg_circuit **out) {
    if (panel == NULL || cursor == NULL || out == NULL)
        return -EINVAL;
    const struct swgi_map *map = newest(panel);
    uint64_t high = swgi_load(&map->header->circuits_high);
    if (high > map->geometry.circuits)
        high = map->geometry.circuits;
    while (*cursor < high) {
        uint32_t index = (*cursor)++;
        char name[SWGI_NAME_MAX + 1];
        uint32_t life = swgi_circuit_read_name(map, index, name);
        if (life != 0 && swg_circuit_find(panel, name, out) == 0)
            return 0;
    }
    return -ENOENT;
}

const char *swg_circuit_name(const struct swg_circuit *circuit) {
    return circuit != NULL ? circuit->name : "";
}
