/* What a circuit has in this process alone: a cache of answers, and what its fallbacks call. */
#ifndef SWGI_CIRCUIT_EXTRAS_H
#define SWGI_CIRCUIT_EXTRAS_H

#include "circuit/cache.h"
#include "engine/policies.h"

struct swgi_fallbacks {
    swg_fallback_fn *function;
    void *function_arg;
    swg_enqueue_fn *enqueue;
    void *enqueue_arg;
};

/* The cache as the circuit is configured now, or NULL: none, or no memory for it. */
struct swgi_cache *swgi_extras_cache(struct swg_circuit *circuit,
                                     const struct swgi_policies *policies, int64_t now);
/* What was registered; all NULL when nothing was. */
struct swgi_fallbacks swgi_extras_fallbacks(const struct swg_circuit *circuit);
/* With the handle. */
void swgi_extras_free(struct swg_circuit *circuit);

#endif
