/* Pairs of rules and circuits: an array to walk, and buckets to find one by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/alerts_pairs.h"
#include "base/hash.h"

static struct swgi_pair **bucket_of(struct swgi_pairs *pairs, unsigned rule, const char *circuit) {
    return &pairs->buckets[swgi_hash(circuit, strlen(circuit), rule) % SWGI_PAIRS_BUCKETS];
}

struct swgi_pair *swgi_pairs_find(const struct swgi_pairs *pairs, unsigned rule,
                                  const char *circuit) {
    struct swgi_pair *pair =
        pairs->buckets[swgi_hash(circuit, strlen(circuit), rule) % SWGI_PAIRS_BUCKETS];

    while (pair != NULL && (pair->rule != rule || strcmp(pair->circuit, circuit) != 0))
        pair = pair->next;
    return pair;
}

static bool has_room(struct swgi_pairs *pairs) {
    size_t room = pairs->room > 0 ? pairs->room * 2 : 64;
    struct swgi_pair **at;

    if (pairs->count < pairs->room)
        return true;
    at = pairs->count < SWGI_PAIRS_MAX ? realloc(pairs->at, room * sizeof(*at)) : NULL;
    if (at == NULL)
        return false;
    pairs->at = at;
    pairs->room = room;
    return true;
}

struct swgi_pair *swgi_pairs_add(struct swgi_pairs *pairs, unsigned rule, const char *circuit) {
    struct swgi_pair *pair = has_room(pairs) ? calloc(1, sizeof(*pair)) : NULL, **bucket;

    if (pair == NULL) {
        pairs->dropped++;
        return NULL;
    }
    pair->rule = rule;
    snprintf(pair->circuit, sizeof(pair->circuit), "%s",
             circuit); /* as it is: it must be found again */
    bucket = bucket_of(pairs, rule, pair->circuit);
    pair->next = *bucket;
    *bucket = pair;
    pairs->at[pairs->count++] = pair;
    return pair;
}

static void unlink_pair(struct swgi_pairs *pairs, struct swgi_pair *pair) {
    struct swgi_pair **link = bucket_of(pairs, pair->rule, pair->circuit);

    while (*link != pair)
        link = &(*link)->next;
    *link = pair->next;
}

void swgi_pairs_remove(struct swgi_pairs *pairs, size_t index) {
    struct swgi_pair *pair = pairs->at[index];

    unlink_pair(pairs, pair);
    pairs->firing -= pair->firing;
    pairs->at[index] = pairs->at[--pairs->count];
    free(pair);
}

struct swgi_pairs *swgi_pairs_new(struct swgi_file *file, swgi_pairs_fn *fn, void *arg) {
    struct swgi_pairs *pairs = calloc(1, sizeof(*pairs));

    if (pairs == NULL)
        return NULL;
    pairs->file = file;
    pairs->fn = fn;
    pairs->arg = arg;
    return pairs;
}

struct swgi_pairs *swgi_pairs_free(struct swgi_pairs *pairs) {
    if (pairs == NULL)
        return NULL;
    for (size_t i = 0; i < pairs->count; i++)
        free(pairs->at[i]);
    free(pairs->at);
    free(pairs);
    return NULL;
}

void swgi_pairs_sort(struct swgi_pairs *pairs) {
    memset(pairs->buckets, 0, sizeof(pairs->buckets));
    for (size_t i = 0; i < pairs->count; i++) {
        struct swgi_pair *pair = pairs->at[i],
                         **bucket = bucket_of(pairs, pair->rule, pair->circuit);

        pair->next = *bucket;
        *bucket = pair;
    }
}

const struct swgi_measure *swgi_pairs_measure(const struct swgi_pairs *pairs, const char *circuit) {
    size_t low = 0, high = pairs->measures_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(pairs->measures[middle]->status.name, circuit);

        if (order == 0)
            return pairs->measures[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
