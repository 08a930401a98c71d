/*
 * One call for all who ask the same at once.
 *
 * Whoever misses first leads, others follow its flight. A leader that dies tells nobody, so it is
 * believed in for its lease; then a follower, or who asks next, takes its place. That a leader
 * failed is told to all its followers, so that a failing dependency is not asked once per waiter.
 */
#include <time.h>

#include "base/clock.h"
#include "circuit/cache_table.h"

struct swgi_flight *swgi_flight_find(struct swgi_cache_stripe *stripe,
                                     const struct swgi_cache_ask *ask) {
    for (uint32_t i = 0; i < SWGI_CACHE_FLIGHTS; i++) {
        struct swgi_flight *flight = &stripe->flights[i];
        if (flight->state == SWGI_FLIGHT_ON && flight->key == ask->key &&
            flight->operation == ask->operation)
            return flight;
    }
    return NULL;
}

void swgi_flight_end(struct swgi_cache_stripe *stripe, struct swgi_flight *flight,
                     enum swgi_flight_state state, struct swgi_cache_entry *answer) {
    flight->state = state;
    if (flight->waiting == 0)
        return;
    flight->answer = answer;
    if (answer != NULL)
        swgi_add(&answer->references, 1);
    pthread_cond_broadcast(&stripe->ended);
}

/* Round by round, so that how a flight ended is known for as long as can be. NULL: all are on. */
static struct swgi_flight *free_flight(struct swgi_cache_stripe *stripe, int64_t now) {
    for (uint32_t i = 0; i < SWGI_CACHE_FLIGHTS; i++) {
        struct swgi_flight *flight = &stripe->flights[stripe->hand++ % SWGI_CACHE_FLIGHTS];
        if (flight->waiting == 0 && (flight->state != SWGI_FLIGHT_ON || now >= flight->lease_until))
            return flight;
    }
    return NULL;
}

static void take_lead(struct swgi_flight *flight, const struct swgi_cache_ask *ask, int64_t now) {
    flight->key = ask->key;
    flight->operation = ask->operation;
    flight->ticket = ask->ticket;
    flight->lease_until = swgi_after(now, ask->lease_ns != 0 ? ask->lease_ns : SWGI_CACHE_LEASE_NS);
    flight->state = SWGI_FLIGHT_ON;
    flight->reason = 0;
}

/* *flight: the one that is followed. */
static enum swgi_cached join(struct swgi_cache *cache, struct swgi_cache_stripe *stripe,
                             struct swgi_cache_ask *ask, int64_t now, struct swgi_flight **flight) {
    *flight = swgi_flight_find(stripe, ask);
    if (*flight != NULL && now < (*flight)->lease_until) {
        ask->follows = (*flight)->ticket;
        return SWGI_CACHE_FOLLOW;
    }
    if (*flight == NULL)
        *flight = free_flight(stripe, now);
    ask->ticket = swgi_cache_ticket(cache);
    if (*flight != NULL)
        take_lead(*flight, ask, now);
    stripe->misses++;
    return SWGI_CACHE_LEAD;
}

static bool find_fresh(struct swgi_cache *cache, uint64_t hash, const struct swgi_cache_ask *ask,
                       int64_t now, struct swg_buffer *buffer) {
    struct swgi_cache_entry *entry = swgi_cache_find(cache, hash, ask);
    if (entry == NULL || !swgi_cache_is_fresh(cache, entry, now))
        return false;
    swgi_cache_lend(entry, buffer);
    return true;
}

enum swgi_cached swgi_cache_begin(struct swgi_cache *cache, struct swgi_cache_ask *ask, int64_t now,
                                  struct swg_buffer *buffer) {
    enum swgi_cached answer = SWGI_CACHE_HIT;
    struct swgi_flight *flight;
    ask->ticket = ask->follows = 0;
    if (ask->key == 0 || !swgi_cache_is_on(cache))
        return SWGI_CACHE_LEAD;
    uint64_t hash = swgi_cache_hash(cache, ask);
    struct swgi_cache_stripe *stripe = swgi_cache_lock(cache, hash);
    if (swgi_likely(find_fresh(cache, hash, ask, now, buffer)))
        stripe->hits++;
    else
        answer = cache->table != NULL ? join(cache, stripe, ask, now, &flight) : SWGI_CACHE_LEAD;
    pthread_mutex_unlock(&stripe->mutex);
    return answer;
}

/* ---- followers */

struct follower {
    struct swgi_cache_stripe *stripe;
    struct swgi_flight *flight;
};

static void leave_flight(struct swgi_flight *flight) {
    if (--flight->waiting == 0) {
        swgi_cache_entry_release(flight->answer);
        flight->answer = NULL;
    }
}

/* The thread was cancelled while it waited. */
static void cancelled(void *arg) {
    struct follower *follower = arg;
    leave_flight(follower->flight);
    pthread_mutex_unlock(&follower->stripe->mutex);
}

static void sleep_for(struct swgi_cache_stripe *stripe, struct swgi_flight *flight, uint64_t ns) {
    struct follower follower = { stripe, flight };
    int64_t until = swgi_after(swgi_clock_of(CLOCK_MONOTONIC), ns);
    struct timespec at = { .tv_sec = until / 1000000000, .tv_nsec = until % 1000000000 };
    pthread_cleanup_push(cancelled, &follower);
    pthread_cond_timedwait(&stripe->ended, &stripe->mutex, &at);
    pthread_cleanup_pop(0);
}

/* How the flight stands: FOLLOW while it is on. */
static enum swgi_cached verdict_of(struct swgi_cache_stripe *stripe, struct swgi_flight *flight,
                                   struct swg_buffer *buffer) {
    if (flight->state == SWGI_FLIGHT_ON)
        return SWGI_CACHE_FOLLOW;
    if (flight->state == SWGI_FLIGHT_FAILED)
        return SWGI_CACHE_FAILED;
    if (flight->answer == NULL) {
        stripe->misses++;
        return SWGI_CACHE_LEAD;
    }
    swgi_cache_lend(flight->answer, buffer);
    return SWGI_CACHE_HIT;
}

/* Until something happened to the flight, or to another one of the stripe. */
static enum swgi_cached follow(struct swgi_cache_stripe *stripe, struct swgi_flight *flight,
                               struct swgi_cache_ask *ask, int64_t now, int64_t until,
                               struct swg_buffer *buffer) {
    if (now >= until)
        return SWGI_CACHE_LATE;
    flight->waiting++;
    int64_t wake = until < flight->lease_until ? until : flight->lease_until;
    sleep_for(stripe, flight, swgi_passed(wake, now));
    enum swgi_cached verdict = verdict_of(stripe, flight, buffer);
    ask->reason = flight->reason;
    leave_flight(flight);
    return verdict;
}

/* It ended before we came to wait for it. */
static bool has_failed(const struct swgi_cache_stripe *stripe, struct swgi_cache_ask *ask) {
    for (uint32_t i = 0; i < SWGI_CACHE_FLIGHTS; i++) {
        const struct swgi_flight *flight = &stripe->flights[i];
        ask->reason = flight->reason;
        if (flight->ticket == ask->follows && flight->state == SWGI_FLIGHT_FAILED)
            return true;
    }
    return false;
}

static enum swgi_cached look_again(struct swgi_cache *cache, struct swgi_cache_stripe *stripe,
                                   struct swgi_cache_ask *ask, int64_t now,
                                   struct swg_buffer *buffer, struct swgi_flight **flight) {
    if (cache->table == NULL)
        return SWGI_CACHE_LEAD;
    if (find_fresh(cache, swgi_cache_hash(cache, ask), ask, now, buffer))
        return SWGI_CACHE_HIT;
    return join(cache, stripe, ask, now, flight);
}

/* Panel time may stand still or be another's, so what passes is told by the clock we wait by. */
static enum swgi_cached wait_for(struct swgi_cache *cache, struct swgi_cache_stripe *stripe,
                                 struct swgi_cache_ask *ask, int64_t now, int64_t until,
                                 struct swg_buffer *buffer) {
    int64_t began = swgi_clock_of(CLOCK_MONOTONIC), later = now;
    for (;;) {
        struct swgi_flight *flight = NULL;
        enum swgi_cached answer = look_again(cache, stripe, ask, later, buffer, &flight);
        if (answer == SWGI_CACHE_FOLLOW)
            answer = follow(stripe, flight, ask, later, until, buffer);
        if (answer != SWGI_CACHE_FOLLOW)
            return answer;
        later = swgi_after(now, swgi_passed(swgi_clock_of(CLOCK_MONOTONIC), began));
        if (later >= until)
            return SWGI_CACHE_LATE;
    }
}

enum swgi_cached swgi_cache_wait(struct swgi_cache *cache, struct swgi_cache_ask *ask, int64_t now,
                                 int64_t until, struct swg_buffer *buffer) {
    enum swgi_cached answer = SWGI_CACHE_FAILED;
    if (ask->key == 0 || !swgi_cache_is_on(cache))
        return SWGI_CACHE_LEAD;
    struct swgi_cache_stripe *stripe = swgi_cache_lock(cache, swgi_cache_hash(cache, ask));
    if (ask->follows == 0 || !has_failed(stripe, ask))
        answer = wait_for(cache, stripe, ask, now, until, buffer);
    ask->follows = 0;
    stripe->coalesced += answer == SWGI_CACHE_HIT;
    pthread_mutex_unlock(&stripe->mutex);
    return answer;
}

/* ---- leaders without an answer */

static void give_up(struct swgi_cache *cache, struct swgi_cache_ask *ask, bool failed) {
    if (ask->key == 0 || ask->ticket == 0 || !swgi_cache_is_on(cache))
        return;
    struct swgi_cache_stripe *stripe = swgi_cache_lock(cache, swgi_cache_hash(cache, ask));
    struct swgi_flight *flight = swgi_flight_find(stripe, ask);
    if (flight != NULL && flight->ticket == ask->ticket) {
        flight->reason = ask->reason;
        if (failed)
            swgi_flight_end(stripe, flight, SWGI_FLIGHT_FAILED, NULL);
        flight->lease_until = INT64_MIN;
        pthread_cond_broadcast(&stripe->ended);
    }
    pthread_mutex_unlock(&stripe->mutex);
    ask->ticket = 0;
}

void swgi_cache_fail(struct swgi_cache *cache, struct swgi_cache_ask *ask) {
    give_up(cache, ask, true);
}

void swgi_cache_leave(struct swgi_cache *cache, struct swgi_cache_ask *ask) {
    give_up(cache, ask, false);
}
