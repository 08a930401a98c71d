/*
 * Upstream: along depends_on, breadth first, as far as SWGI_UPSTREAM_MAX circuits go. The farthest cause is named, because what it
 * does to those in between is its doing, too.
 */
#include <string.h>

#include "agent/alerts_pairs.h"

struct upstream {
    unsigned count;
    const char *names[SWGI_UPSTREAM_MAX];
};

static void reach(struct upstream *upstream, const char *name) {
    for (unsigned i = 0; i < upstream->count; i++)
        if (strcmp(upstream->names[i], name) == 0)
            return;
    if (upstream->count < SWGI_UPSTREAM_MAX)
        upstream->names[upstream->count++] = name;
}

/* Circuits that nobody made yet have an entry, too. */
static const struct swgi_file_words *needs_of(const struct swgi_pairs *pairs, const char *circuit) {
    const struct swgi_measure *measure = swgi_pairs_measure(pairs, circuit);
    const struct swgi_file_circuit *entry =
        measure != NULL ? measure->entry : swgi_file_circuit(pairs->file, circuit);

    return entry != NULL ? &entry->depends_on : NULL;
}

bool swgi_pairs_depends(const struct swgi_pairs *pairs, const char *circuit) {
    const struct swgi_file_words *needs = circuit[0] != '\0' ? needs_of(pairs, circuit) : NULL;

    return needs != NULL && needs->count > 0;
}

/* All that the circuit depends on, nearest first; itself where it depends on itself. */
static void walk(const struct swgi_pairs *pairs, const char *circuit, struct upstream *upstream) {
    const char *next = circuit;

    upstream->count = 0;
    for (unsigned done = 0;; next = upstream->names[done++]) {
        const struct swgi_file_words *needs = needs_of(pairs, next);

        for (unsigned i = 0; needs != NULL && i < needs->count; i++)
            reach(upstream, needs->at[i]);
        if (done >= upstream->count)
            return;
    }
}

static bool depends(const struct swgi_pairs *pairs, const char *circuit, const char *on) {
    struct upstream upstream;

    walk(pairs, circuit, &upstream);
    for (unsigned i = 0; i < upstream.count; i++)
        if (strcmp(upstream.names[i], on) == 0)
            return true;
    return false;
}

static bool is_troubled(const struct swgi_pairs *pairs, const char *circuit, int severity) {
    for (unsigned i = 0; i < pairs->file->alerts_count; i++) {
        const struct swgi_file_alert *rule = &pairs->file->alerts[i];
        const struct swgi_pair *pair;

        if (!swgi_rule_is_cause(rule->when) || rule->severity < severity)
            continue;
        pair = swgi_pairs_find(pairs, i, circuit);
        if (pair != NULL && pair->firing)
            return true;
    }
    return false;
}

const char *swgi_pairs_cause(const struct swgi_pairs *pairs, const char *circuit, int severity) {
    struct upstream upstream;

    if (circuit[0] == '\0')
        return NULL;
    walk(pairs, circuit, &upstream);
    for (unsigned i = upstream.count; i-- > 0;)
        if (is_troubled(pairs, upstream.names[i], severity) &&
            !depends(pairs, upstream.names[i], circuit))
            return upstream.names[i];
    return NULL;
}
