/*
 * Threads and their columns.
 *
 * A thread that has leased a column counts in it with plain stores; without one it adds
 * atomically to column 0. What a call reads is one thread-local entry; the places a thread has in
 * several panels ("seats") are kept beside it, and entering exchanges the entry. There are few
 * seats, so that a thread allocates nothing: one that goes through more panels in turn gives up
 * the oldest lease and takes a new one, which costs it a compare-and-swap each time.
 */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "panel/liveness.h"
#include "panel/panel.h"
#include "panel/process.h"
#include "panel/words.h"

#define SEATS           4u
#define NOWHERE         2u /* even, so no map's tag */
#define RETRY_ENTERS    1024u
#define DEAD_HOLDERS_NS 10000000

/* lease 0: on the shared row. */
struct seat {
    uint64_t tag, lease;
    struct swgi_map *map; /* valid while its tag is map's */
    uint32_t column, enters;
};

static __thread struct {
    struct seat seats[SEATS];
    uint32_t oldest;
    bool watched;
} here;

__thread struct swgi_thread swgi_thread
    __attribute__((tls_model("initial-exec"))) = { .tag = NOWHERE, .anchor = SWGI_ANCHOR_NONE };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_made;

/* The map may be gone, and its address used anew: only the list of open panels knows. */
static void seat_leave(struct seat *seat) {
    if (seat->lease != 0) {
        swgi_process_lock();
        struct swgi_map *map = swgi_process_map(seat->tag);
        if (map != NULL)
            swgi_cas(&map->leases[seat->column], seat->lease, 0);
        swgi_process_unlock();
    }
    *seat = (struct seat){ .tag = 0 };
}

static void thread_ends(void *unused) {
    (void)unused;
    for (unsigned i = 0; i < SEATS; i++)
        seat_leave(&here.seats[i]);
    here.watched = false;
    swgi_thread.tag = NOWHERE;
}

static void make_key(void) {
    key_made = pthread_key_create(&key, thread_ends) == 0;
}

/* Without a key the leases are given back when the panel is closed or the process ends. */
static void watch_thread(void) {
    if (here.watched)
        return;
    pthread_once(&once, make_key);
    here.watched = key_made && pthread_setspecific(key, &here) == 0;
}

static void raise_columns_high(struct swgi_map *map, uint64_t high) {
    swgi_word *word = &map->header->columns_high;
    for (uint64_t seen = swgi_load(word); seen < high; seen = swgi_load(word))
        if (swgi_cas(word, seen, high))
            return;
}

static bool lease_dead(struct swgi_map *map, uint64_t lease) {
    return !swgi_owner_passes(map, swgi_lease_owner(lease), swgi_lease_incarnation(lease), 22);
}

/* Whether a holder lives is a system call: it is asked at most once per 10 ms and process. */
static bool may_ask_for_dead(struct swgi_map *map) {
    uint64_t now = (uint64_t)swgi_clock_coarse();
    uint64_t last = swgi_load_relaxed(&map->lease_stamp, STAMP);
    return now - last >= DEAD_HOLDERS_NS && swgi_cas(&map->lease_stamp, last, now);
}

static uint32_t lease_free_column(struct swgi_map *map, uint64_t lease) {
    for (uint32_t c = 1; c < map->geometry.columns; c++)
        if (swgi_load(&map->leases[c]) == 0 && swgi_cas(&map->leases[c], 0, lease))
            return c;
    return 0;
}

/*
 * Goes round the columns, and asks about so many holders of other processes: all where a thread
 * comes new or house is kept, one where calls go on.
 */
static uint32_t lease_dead_column(struct swgi_map *map, uint64_t lease, uint32_t most) {
    if (map->geometry.columns < 2 || !may_ask_for_dead(map))
        return 0;
    for (uint32_t i = 1; i < map->geometry.columns && most != 0; i++) {
        uint64_t next = swgi_add_relaxed(&map->lease_next, 1, HINT);
        uint32_t c = 1 + (uint32_t)(next % (map->geometry.columns - 1));
        uint64_t held = swgi_load(&map->leases[c]);
        if (held != 0 && swgi_lease_owner(held) != swgi_lease_owner(lease))
            most--;
        if (held != lease && (held == 0 || lease_dead(map, held)) &&
            swgi_cas(&map->leases[c], held, lease))
            return c;
    }
    return 0;
}

static void seat_lease(struct seat *seat, struct swgi_map *map, uint32_t most) {
    struct swgi_identity me = swgi_map_identity(map);
    uint64_t lease = swgi_lease(me.owner, me.incarnation, (uint32_t)gettid());
    seat->column = lease_free_column(map, lease);
    if (seat->column == 0)
        seat->column = lease_dead_column(map, lease, most);
    seat->lease = seat->column == 0 ? 0 : lease;
    raise_columns_high(map, seat->column + 1);
}

static struct seat *seat_find(uint64_t tag) {
    for (unsigned i = 0; i < SEATS; i++)
        if (here.seats[i].tag == tag)
            return &here.seats[i];
    return NULL;
}

static struct seat *seat_take(struct swgi_map *map, uint64_t tag) {
    struct seat *seat = seat_find(0);
    if (seat == NULL) {
        seat = &here.seats[here.oldest++ % SEATS];
        seat_leave(seat);
    }
    seat->tag = tag;
    seat->map = map;
    watch_thread();
    swgi_random_init(&swgi_thread.lot, swgi_random_seed());
    seat_lease(seat, map, UINT32_MAX);
    return seat;
}

static void seat_use(const struct seat *seat, struct swgi_map *map) {
    swgi_thread.columns = map->columns + (uint64_t)seat->column * map->geometry.circuits;
    swgi_thread.column = seat->column;
    swgi_thread.shared = seat->lease == 0;
    swgi_thread.tag = seat->tag;
    swgi_thread.anchor = SWGI_ANCHOR_NONE;
}

int swgi_thread_enter(struct swgi_map *map) {
    if (!map->writable)
        return -EROFS;
    int rc = swgi_map_refresh(map);
    if (rc < 0)
        return rc;
    uint64_t tag = swgi_load(map->tag);
    struct seat *seat = seat_find(tag);
    if (seat == NULL)
        seat = seat_take(map, tag);
    else if (seat->lease == 0 && ++seat->enters % RETRY_ENTERS == 0)
        seat_lease(seat, map, 1);
    seat_use(seat, map);
    return 0;
}

void swgi_thread_forget(const struct swgi_map *map) {
    if (swgi_thread.tag == map->tag_value)
        swgi_thread.tag = NOWHERE;
}

void swgi_thread_retry(struct swgi_map *map) {
    struct seat *seat = seat_find(swgi_load(map->tag));
    if (seat == NULL || seat->lease != 0)
        return;
    seat_lease(seat, map, UINT32_MAX);
    if (swgi_thread.tag == seat->tag)
        seat_use(seat, map);
}

uint32_t swgi_columns_high(const struct swgi_map *map) {
    uint64_t high = swgi_load_relaxed(&map->header->columns_high, HINT);
    return high < map->geometry.columns ? (uint32_t)high : map->geometry.columns;
}

static const swgi_word *counter_of(const struct swgi_map *map, uint32_t column, uint32_t circuit,
                                   unsigned counter) {
    const struct swgi_column *row = map->columns + (uint64_t)column * map->geometry.circuits;
    return (const swgi_word *)&row[circuit] + counter;
}

uint64_t swgi_column_sum(const struct swgi_map *map, uint32_t circuit, unsigned counter) {
    uint64_t sum = 0;
    for (uint32_t c = 0, high = swgi_columns_high(map); c < high; c++)
        sum += swgi_load_relaxed(counter_of(map, c, circuit, counter), COLUMN);
    return sum;
}

uint64_t swgi_column_max(const struct swgi_map *map, uint32_t circuit, unsigned counter) {
    uint64_t max = 0;
    for (uint32_t c = 0, high = swgi_columns_high(map); c < high; c++) {
        uint64_t value = swgi_load_relaxed(counter_of(map, c, circuit, counter), COLUMN);
        max = value > max ? value : max;
    }
    return max;
}

bool swgi_histogram_sum(const struct swgi_map *map, uint32_t extent_plus_1,
                        uint64_t bins[SWGI_HISTOGRAM_BINS]) {
    const swgi_word *of = swgi_histogram_bins(map, extent_plus_1, 0);
    if (of == NULL)
        return false;
    for (uint32_t c = 0, high = swgi_columns_high(map); c < high; c++, of += SWGI_HISTOGRAM_BINS)
        for (unsigned i = 0; i < SWGI_HISTOGRAM_BINS; i++)
            bins[i] += swgi_load_relaxed(&of[i], COLUMN);
    return true;
}

uint32_t swgi_columns_leased(const struct swgi_map *map) {
    uint32_t leased = 0;
    for (uint32_t c = 1; c < map->geometry.columns; c++)
        leased += swgi_load(&map->leases[c]) != 0;
    return leased;
}

/*
 * A new circuit's counters begin at zero although counters are never zeroed elsewhere: nobody may
 * hold the cell, its life is odd, and whoever still does is stopped by it. A store under way when
 * it was evicted may bring one thread's old count back; the windows clamp what that makes negative.
 */
void swgi_columns_clear(struct swgi_map *map, uint32_t circuit) {
    for (uint32_t c = 0, high = swgi_columns_high(map); c < high; c++) {
        swgi_word *words =
            (swgi_word *)&map->columns[(uint64_t)c * map->geometry.circuits + circuit];
        for (unsigned i = 0; i < sizeof(struct swgi_column) / sizeof(*words); i++)
            swgi_store_release(&words[i], 0);
    }
}
