/*
 * Answers kept for later, by key and operation: of this process, one cache per circuit.
 *
 * What a caller gets is a counted reference to bytes that never change, so a hit copies and
 * allocates nothing. Who misses while somebody else already asks waits for that answer instead of
 * asking too. A forked child starts with an empty cache.
 *
 * Every function may be called from any thread, but free, which must be the last. Times are panel
 * time in nanoseconds. A cache that is NULL or off, and key 0, know no answers: every call leads,
 * and nothing is kept.
 */
#ifndef SWGI_CIRCUIT_CACHE_H
#define SWGI_CIRCUIT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/policy_settings.h"
#include "switchgear/switchgear.h"

/* A buffer of its own with a copy of these bytes. 0 or -ENOMEM. */
int swgi_buffer_new(struct swg_buffer *out, const void *bytes, size_t length);

/* Fewer bytes than these would hold little more than the cache's own books. */
#define SWGI_CACHE_BYTES_MIN UINT64_C(65536)
/* How long a leader that says nothing is believed in, where the caller knows no better. */
#define SWGI_CACHE_LEASE_NS UINT64_C(5000000000)

struct swgi_cache;

/* One caller's question. Set key, operation and lease, and zero the rest; a leader that fails may
 * say why in `reason`, and its followers find it there. */
struct swgi_cache_ask {
    uint64_t key; /* 0: none */
    uint32_t operation;
    uint64_t lease_ns; /* a leader silent for longer is taken for dead; 0: SWGI_CACHE_LEASE_NS */
    uint64_t ticket;   /* of who leads */
    uint64_t follows;  /* whose answer is waited for */
    int reason;        /* after FAILED, the leader's; 0 if it gave none */
};

enum swgi_cached {
    SWGI_CACHE_HIT,    /* the buffer holds an answer, to be released */
    SWGI_CACHE_LEAD,   /* make the call, then swgi_cache_put, _fail or _leave */
    SWGI_CACHE_FOLLOW, /* somebody makes it: swgi_cache_wait, or ask no more */
    SWGI_CACHE_FAILED, /* the one who made it failed */
    SWGI_CACHE_LATE    /* no answer until then */
};

/*
 * Settings: bytes_max bounds all the cache takes, its own books included, 0 (off) or
 * SWGI_CACHE_BYTES_MIN and more; only what callers still hold after its eviction is theirs. An
 * answer is fresh while it is younger than fresh_for_ns, and may be served when there is no other
 * while it is younger than the longer of both. 0, -EINVAL (bytes), -ENOMEM.
 */
int swgi_cache_new(struct swgi_cache **out, const struct swgi_cache_settings *settings);
/* NULL is fine. Returns NULL. Nobody may be waiting. */
struct swgi_cache *swgi_cache_free(struct swgi_cache *cache);
/* Other settings, keeping all that fits. On error nothing changed. Errors as above. */
int swgi_cache_resize(struct swgi_cache *cache, const struct swgi_cache_settings *settings,
                      int64_t now);

/* HIT, LEAD or FOLLOW. Never waits. Writes the buffer on HIT alone. */
enum swgi_cached swgi_cache_begin(struct swgi_cache *cache, struct swgi_cache_ask *ask, int64_t now,
                                  struct swg_buffer *buffer);
/*
 * After FOLLOW: HIT; FAILED: go without, or begin again, where one at a time becomes the next
 * leader; LATE at the instant `until`; LEAD when the leader left, was silent for its lease, or has
 * an answer that cannot be kept. A cancellation point.
 */
enum swgi_cached swgi_cache_wait(struct swgi_cache *cache, struct swgi_cache_ask *ask, int64_t now,
                                 int64_t until, struct swg_buffer *buffer);
/*
 * The leader's answer, copied and given to who waits. An answer to an earlier question than that
 * of the one kept is dropped. What does not fit, or finds no memory, is not kept, and its
 * followers call for themselves. Without a ticket it is the latest answer.
 */
void swgi_cache_put(struct swgi_cache *cache, struct swgi_cache_ask *ask, int64_t now,
                    const void *bytes, size_t length);
/* The leader's call failed: so did those of its followers. Not leading: nothing. */
void swgi_cache_fail(struct swgi_cache *cache, struct swgi_cache_ask *ask);
/* The leader's call came to nothing one could learn from: a follower, or who asks next, leads. */
void swgi_cache_leave(struct swgi_cache *cache, struct swgi_cache_ask *ask);
/* For want of another answer: the kept one, fresh or stale. false: none of that age. */
bool swgi_cache_stale(struct swgi_cache *cache, const struct swgi_cache_ask *ask, int64_t now,
                      struct swg_buffer *buffer);

struct swgi_cache_statistics {
    uint64_t hits;      /* fresh answers at once */
    uint64_t misses;    /* calls told to lead */
    uint64_t stale;     /* answers past their freshness, served for want of another */
    uint64_t coalesced; /* calls that got the answer of somebody else's */
    uint64_t evicted;   /* answers that had to make room */
    uint64_t bytes;     /* all the cache takes now */
    uint64_t entries;
};
void swgi_cache_read_statistics(struct swgi_cache *cache, struct swgi_cache_statistics *out);

#endif
