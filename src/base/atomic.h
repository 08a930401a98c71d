/*
 * Every access to shared memory goes through these names.
 *
 * One reason is order: all of them are sequentially consistent but the ones that carry a reason
 * from tables/relaxed.h, the list of every weaker access and why it may be weaker. The other is
 * proof: a build with SWGI_INTERLEAVE hands control to a seeded scheduler before each access, so
 * that tests choose the interleaving.
 */
#ifndef SWGI_BASE_ATOMIC_H
#define SWGI_BASE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef SWGI_INTERLEAVE
void swgi_interleave_point(const volatile void *word);
#define SWGI_POINT(p) swgi_interleave_point(p)
/* The value comes first: it may be worked out from another access, and others may come between the
 * two. */
#define SWGI_THEN(p, v)                                                                \
    __extension__({                                                                    \
        __typeof__(atomic_load_explicit((p), memory_order_relaxed)) swgi_value_ = (v); \
        SWGI_POINT(p);                                                                 \
        swgi_value_;                                                                   \
    })
#else
#define SWGI_POINT(p)   ((void)0)
#define SWGI_THEN(p, v) (v)
#endif

enum swgi_relaxed {
#define SWGI_RELAXED(name, reason) SWGI_RELAXED_##name,
#include "tables/relaxed.h"
#undef SWGI_RELAXED
};

#define swgi_load(p)             (SWGI_POINT(p), atomic_load_explicit((p), memory_order_seq_cst))
#define swgi_load_acquire(p)     (SWGI_POINT(p), atomic_load_explicit((p), memory_order_acquire))
#define swgi_store(p, v)         (atomic_store_explicit((p), SWGI_THEN(p, v), memory_order_seq_cst))
#define swgi_store_release(p, v) (atomic_store_explicit((p), SWGI_THEN(p, v), memory_order_release))
#define swgi_add(p, v)           (atomic_fetch_add_explicit((p), SWGI_THEN(p, v), memory_order_seq_cst))
#define swgi_exchange(p, v)      (atomic_exchange_explicit((p), SWGI_THEN(p, v), memory_order_seq_cst))

/* Weaker accesses name their reason, which must stand in tables/relaxed.h. */
#define swgi_load_relaxed(p, reason) \
    (SWGI_POINT(p), (void)SWGI_RELAXED_##reason, atomic_load_explicit((p), memory_order_relaxed))
#define swgi_store_relaxed(p, v, reason) \
    ((void)SWGI_RELAXED_##reason, atomic_store_explicit((p), SWGI_THEN(p, v), memory_order_relaxed))
#define swgi_add_relaxed(p, v, reason) \
    ((void)SWGI_RELAXED_##reason,      \
     atomic_fetch_add_explicit((p), SWGI_THEN(p, v), memory_order_relaxed))

static inline bool swgi_cas(_Atomic uint64_t *word, uint64_t expected, uint64_t desired) {
    SWGI_POINT(word);
    return atomic_compare_exchange_strong_explicit(word, &expected, desired, memory_order_seq_cst,
                                                   memory_order_seq_cst);
}

static inline bool swgi_cas32(_Atomic uint32_t *word, uint32_t expected, uint32_t desired) {
    SWGI_POINT(word);
    return atomic_compare_exchange_strong_explicit(word, &expected, desired, memory_order_seq_cst,
                                                   memory_order_seq_cst);
}

#define swgi_likely(x)   __builtin_expect(!!(x), 1)
#define swgi_unlikely(x) __builtin_expect(!!(x), 0)

#endif
