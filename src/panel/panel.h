/*
 * A process's view of a panel: mappings, identity, threads, circuits' handles.
 *
 * Nothing here is shared between processes; what is shared lies in layout.h. A panel may be mapped
 * more than once in its life (its file can be replaced), so what calls use is bundled in a binding
 * that never changes, and a new mapping brings new ones.
 */
#ifndef SWGI_PANEL_PANEL_H
#define SWGI_PANEL_PANEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "base/shared.h"
#include "panel/layout.h"
#include "switchgear/switchgear.h"

struct swgi_map;
struct swgi_extras;
struct swgi_declared;

/* What a new or re-based panel needs from the floors above. */
struct swgi_panel_hooks {
    /*
     * A formatted panel nobody else sees yet: configure cell 0, which is claimed under the name
     * "_beyond" (life odd), and publish it. The map has neither tag nor identity.
     */
    void (*first)(struct swgi_map *map);
    /*
     * The machine was booted anew: in cells and columns each time t becomes t + shift, by
     * swgi_rebase_move(). now is the new panel time. What a killed one began, another goes through
     * from the start again, with the same shift and now.
     */
    void (*rebase)(struct swgi_map *map, int64_t shift, int64_t now);
};
/*
 * The word becomes value, unless it did before whoever began was killed. Numbers grow from 1 in the
 * order of calls, and are the same for the same word each time; not UINT64_MAX.
 */
void swgi_rebase_move(struct swgi_map *map, uint64_t number, swgi_word *word, uint64_t value);
#define SWGI_BEYOND_NAME "_beyond"

/* The private copy of what a panel's header says, checked once at attach and believed ever after.
 */
struct swgi_geometry {
    uint32_t circuits;      /* cells, number 0 included */
    uint32_t columns;       /* the shared one included */
    uint32_t histograms;    /* extents */
    uint32_t slot_chunks;   /* of SWGI_SLOT_CHUNK slots */
    uint32_t slots;         /* of all chunks */
    uint32_t policies;      /* extents */
    uint32_t events;        /* slots of each ring, a power of two */
    uint32_t index_buckets; /* of each copy, a power of two */
    uint64_t size;
};
#define SWGI_FORMER_TAGS 16u

/* What this process's event loops wait on: one timer for all queued permits of a map (waiters.h). */
struct swgi_wait_timer {
    swgi_word descriptor; /* + 1; 0: none */
    swgi_word tag;        /* of the map when it was made: a forked child makes its own */
    swgi_word askers;     /* queued permits that asked for it */
};

/* One attachment. */
struct swgi_map {
    unsigned char *bytes;
    struct swgi_geometry geometry;
    struct swgi_header *header;
    struct swgi_process *processes; /* [SWGI_PROCESSES_MAX], process n is owner n + 1 */
    struct swgi_cell *cells;
    _Atomic uint32_t *index[2];
    swgi_word *leases;
    struct swgi_column *columns; /* [column * geometry.circuits + circuit] */
    swgi_word *histograms;
    _Atomic uint32_t *histogram_owners;
    swgi_word *slots; /* geometry.slots of them */
    _Atomic uint32_t *slot_owners;
    struct swgi_policies *policies;
    _Atomic uint32_t *policy_owners;
    struct swgi_event_slot *rings[2]; /* acts, notices */
    struct swg_panel *panel;
    swgi_word *tag; /* on a page that is zero in a forked child; else the same non-zero number as
                       the threads that hold a column of this map */
    uint64_t tag_value;                     /* kept, to know permits of before a fork */
    uint64_t former_tags[SWGI_FORMER_TAGS]; /* what the tag was before forks, newest at former_count
                                               - 1 */
    uint32_t former_count;
    pthread_mutex_t *registry_mutex; /* beside the tag: unlocked in a forked child */
    swgi_word identity;              /* who this process is here; swgi_map_identity() reads it */
    swgi_word lease_stamp;           /* when dead holders of columns were last looked for */
    swgi_word lease_next;            /* the column whose holder is asked about next */
    swgi_word look_stamp;            /* when a pass last looked whether all is in its place */
    swgi_word looks;                 /* how often it did */
    _Atomic uint32_t claim_hint;     /* where a free cell may be found */
    struct swgi_wait_timer wait_timer;
    uint64_t device, inode;
    uint64_t virtual_on; /* time is header->virtual_clock */
    bool writable;       /* false: an inspector's copy */
    struct swgi_map *older;
};

/* Who this process is in a map: zero-owner means nobody (inspector, or not claimed). */
struct swgi_identity {
    unsigned owner; /* process slot + 1 */
    uint32_t incarnation;
};
/* Changes in a forked child, and when the process's lock was lost (closefrom()). */
static inline struct swgi_identity swgi_map_identity(const struct swgi_map *map) {
    uint64_t word = swgi_load(&map->identity);
    return (struct swgi_identity){ .owner = (unsigned)(word >> 32), .incarnation = (uint32_t)word };
}

/* What a call uses. Immutable once published, alive until the panel's last unref. */
struct swgi_binding {
    struct swgi_cell *cell;
    const swgi_word *tag;
    uint32_t index, life;
    int64_t time_shift; /* added to a caller's instant: panel time */
    struct swgi_map *map;
    struct swg_circuit *circuit;
    struct swgi_binding *older;
};

struct swg_circuit {
    _Atomic(struct swgi_binding *) binding;
    struct swg_panel *panel;
    struct swg_circuit *next; /* chain of its hash bucket */
    uint64_t hash;
    _Atomic(struct swgi_extras *)
        extras;         /* this process's own part; NULL: none (circuit/extras.h) */
    swgi_word tried_at; /* when it was last tried to make it again */
    bool unprotected;   /* stands for a circuit that found no place */
    struct {
        uint64_t words[SWGI_SETTINGS_WORDS];
        void *policies; /* NULL: none */
    } if_new;           /* how to make it again after an eviction */
    char name[SWGI_NAME_MAX + 1];
};

#define SWGI_HANDLE_BUCKETS 4096u

struct swg_panel {
    _Atomic uint32_t references;
    _Atomic(struct swgi_map *) map; /* the newest; older ones hang from it */
    int access;
    _Atomic int beyond; /* SWG_BEYOND_...: as the options say, or the configuration file */
    uint32_t file_mode;
    char *path, *directory, *panel_path, *lock_path;
    int lock_fd;
    uint64_t lock_device, lock_inode;
    uint64_t lock_token; /* of the process that opened lock_fd */
    int slot;            /* the byte locked through lock_fd, -1 none */
    char process_name[32];
    uint64_t boot_id[2];
    struct swg_panel_options options; /* as asked for; for the file that may take this one's place.
                                         Its strings are unset */
    int64_t time_shift; /* panel time - this process's CLOCK_MONOTONIC (time namespaces) */
    bool is_private;
    const struct swgi_panel_hooks *hooks;
    _Atomic(struct swg_circuit *) handles[SWGI_HANDLE_BUCKETS];
    swgi_word following;       /* token of the process one of whose threads is attaching again */
    _Atomic uint32_t replaced; /* a pass found one of the files replaced, and nobody followed yet */
    swg_log_fn *log; /* these four under the process lock, which is not held while log runs */
    void *log_arg;
    uint64_t log_cursor;
    swgi_word loading; /* token of the process one of whose threads is loading a file */
    struct swgi_declared *declared; /* the configuration file; NULL: none (circuit/declared.h) */
    struct swg_panel *next_open;    /* list of the process's open panels, for fork */
};

/* ---- this thread (column.c). One entry is current; a thread that uses several panels swaps them.
 */
struct swgi_thread {
    uint64_t tag;                /* equals *map->tag while columns may be used; never 0 */
    struct swgi_column *columns; /* this thread's row: [circuit] */
    uint32_t column;
    bool shared;            /* columns is the shared row: add atomically */
    uint32_t sequence;      /* for probes */
    int64_t anchor;         /* panel time that was compared with our own clock lately */
    uint32_t trust;         /* so many more instants near it are taken as they are */
    struct swgi_random lot; /* for jitter and the ramp; seeded on entering */
};
#define SWGI_ANCHOR_NONE (INT64_MIN / 2) /* near no instant that anybody has */
extern __thread struct swgi_thread swgi_thread __attribute__((tls_model("initial-exec")));

/*
 * Make this thread's row of map the current one: finds its lease, takes a free column, or falls
 * back to the shared row. After a fork it first gives the process a new identity. 0, or -errno
 * (-EROFS for an inspector's map).
 */
int swgi_thread_enter(struct swgi_map *map);
/* A thread on the shared row asks again for a column of its own. Entering does so seldom,
 * housekeeping each time. */
void swgi_thread_retry(struct swgi_map *map);
/* The map is going: a permit of it that this thread still has is known to be of none, without following its pointer. */
void swgi_thread_forget(const struct swgi_map *map);
/* Under the registry's lock, in a cell whose life is odd: every column's counters of a circuit to
 * zero. */
void swgi_columns_clear(struct swgi_map *map, uint32_t circuit);

/* Is the current thread's row usable for this tag? */
static inline bool swgi_thread_ready(const swgi_word *tag) {
    return swgi_thread.tag == swgi_load_relaxed(tag, HANDLE);
}

static inline void swgi_column_add(swgi_word *counter, uint64_t n) {
    if (swgi_likely(!swgi_thread.shared))
        swgi_store_relaxed(counter, swgi_load_relaxed(counter, COLUMN) + n, COLUMN);
    else
        swgi_add_relaxed(counter, n, COLUMN_SHARED);
}

/* Columns that were ever in use: those beyond hold nothing, and are not worth the memory that reading them takes. */
SWGI_SHARED uint32_t swgi_columns_high(const struct swgi_map *map);
/* Sum of one counter over all columns in use; counter is its offset in words within struct
 * swgi_column. */
uint64_t swgi_column_sum(const struct swgi_map *map, uint32_t circuit, unsigned counter);
#define SWGI_COUNTER(name) ((unsigned)(offsetof(struct swgi_column, name) / sizeof(swgi_word)))
/* The greatest value of one counter over all columns (for times). */
uint64_t swgi_column_max(const struct swgi_map *map, uint32_t circuit, unsigned counter);

static inline struct swgi_column *swgi_column(uint32_t circuit) {
    return &swgi_thread.columns[circuit];
}

/* This thread's bins of a circuit's histogram, or NULL. */
static inline swgi_word *swgi_histogram_bins(const struct swgi_map *map, uint32_t extent_plus_1,
                                             uint32_t column) {
    if (extent_plus_1 == 0 || extent_plus_1 > map->geometry.histograms)
        return NULL;
    return map->histograms +
           ((uint64_t)(extent_plus_1 - 1) * map->geometry.columns + column) * SWGI_HISTOGRAM_BINS;
}

/* Adds what all columns in use hold of that histogram; false: there is none. */
SWGI_SHARED bool swgi_histogram_sum(const struct swgi_map *map, uint32_t extent_plus_1,
                                    uint64_t bins[SWGI_HISTOGRAM_BINS]);

/* The words of a circuit's policies, NULL without any. */
static inline struct swgi_policies *swgi_policies_of(const struct swgi_map *map,
                                                     const struct swgi_cell *cell) {
    uint32_t extent = swgi_load_relaxed(&cell->policies, FAST_SETTING);
    if (extent == 0 || swgi_unlikely(extent > map->geometry.policies))
        return NULL;
    return &map->policies[extent - 1];
}

/* ---- time (time.c) */
/* The panel's own clock for slow paths: coarse, or virtual. */
int64_t swgi_map_clock(const struct swgi_map *map);
/* A caller's instant, replaced by our own when it is over 1 s off; replacing is counted. */
int64_t swgi_map_believe(struct swgi_map *map, int64_t now);
/*
 * The same for those who ask at every call: an instant soon after one that was compared is taken as
 * it is. A clock that runs away is caught within SWGI_ANCHOR_NS of ours, one that stands after
 * SWGI_ANCHOR_CALLS.
 */
#define SWGI_ANCHOR_NS    INT64_C(8000000)
#define SWGI_ANCHOR_CALLS 4096
static inline bool swgi_thread_believes(int64_t now) {
    return (uint64_t)now - (uint64_t)swgi_thread.anchor < (uint64_t)SWGI_ANCHOR_NS &&
           (int32_t)--swgi_thread.trust >= 0;
}
static inline int64_t swgi_thread_believe(struct swgi_map *map, int64_t now) {
    if (swgi_likely(swgi_thread_believes(now)))
        return now;
    swgi_thread.trust = SWGI_ANCHOR_CALLS;
    return swgi_thread.anchor = swgi_map_believe(map, now);
}

/* ---- opening (open.c, file.c, geometry.c) */
/*
 * options: complete, of this library's size. *out is without circuits' handles and has one
 * reference. Errors are those of swg_panel_open().
 */
int swgi_panel_new(struct swg_panel **out, const struct swg_panel_options *options,
                   const struct swgi_panel_hooks *hooks, struct swg_error *error);
/* Leases, slot, mappings and the panel itself; handles are freed before by whoever made them. */
void swgi_panel_free(struct swg_panel *panel);
int swgi_geometry_resolve(const struct swg_panel_options *options, struct swgi_geometry *out,
                          struct swg_error *error);
/* The map's file was replaced or its lock lost: attach again. 1: a new map is current; 0: nothing
 * changed; -errno. */
int swgi_panel_follow(struct swg_panel *panel);
/* What poll does for the panel itself: follow, then give back what the dead held, or read an
 * inspector's copy anew. As follow. */
int swgi_panel_keep(struct swg_panel *panel);
/* Guards what is rarely touched of all panels of the process; free again in a forked child. Never
 * call back under it. */
void swgi_process_lock(void);
void swgi_process_unlock(void);

/* ---- this process (process.c) */
/*
 * The open map one of whose tags the function accepts, or NULL. *current: it is the tag of now;
 * else one of before a fork, or of before the process lost its lock. The function is called under a
 * lock and must not call back.
 */
struct swgi_map *swgi_map_of_tag(bool (*matches)(uint64_t tag, void *arg), void *arg,
                                 bool *current);

/* ---- liveness (liveness.c) */
/*
 * Is that owner, in that incarnation (compared in the given number of low bits), alive? Two system
 * calls, unless the process lost its lock, which is then taken anew.
 */
bool swgi_owner_alive(struct swgi_map *map, unsigned owner, uint32_t incarnation, unsigned bits);
/*
 * The same for the passes that calls make: one system call, unless the answer is no, which is made sure of. Once a second that
 * call goes to whether files and descriptor are still ours, in turn, and the owner passes for alive; what was replaced is
 * noted in the panel, and the next call that leaves the fast path follows it.
 */
bool swgi_owner_passes(struct swgi_map *map, unsigned owner, uint32_t incarnation, unsigned bits);
/* Give back what dead processes hold (columns). Returns how many were found dead. */
unsigned swgi_panel_reap(struct swg_panel *panel);

/* ---- records under a sequence and a checksum (record.c) */
void swgi_record_write(swgi_word *sequence, swgi_word *check, swgi_word *words, const void *data,
                       unsigned count);
/* false: never written, being written, or torn. */
bool swgi_record_read(swgi_word *sequence, swgi_word *check, swgi_word *words, void *data,
                      unsigned count);
#define SWGI_RECORD_WRITE(record, data, count) \
    swgi_record_write(&(record)->sequence, &(record)->check, (record)->words, (data), (count))
#define SWGI_RECORD_READ(record, data, count) \
    swgi_record_read(&(record)->sequence, &(record)->check, (record)->words, (data), (count))

/* ---- event rings (ring.c) */
enum { SWGI_RING_ACTS, SWGI_RING_NOTICES };
void swgi_event_publish(struct swgi_map *map, unsigned ring, const struct swgi_event_data *event);
/* Event number id of a ring: 1 read, 0 not there yet, -EOVERFLOW overwritten, -EAGAIN unpublished
 * or torn. */
int swgi_event_read(struct swgi_map *map, unsigned ring, uint64_t id, struct swgi_event_data *out);
/* Number of the next event, and of the oldest kept. */
uint64_t swgi_event_next(struct swgi_map *map, unsigned ring);
uint64_t swgi_event_oldest(struct swgi_map *map, unsigned ring);
/*
 * The public cursor over both rings, earlier events first: 1: *out, and *id = number << 1 | ring;
 * 0: nothing new; -EOVERFLOW: some were overwritten before they were read, and the next call goes
 * on with the oldest kept.
 */
int swgi_event_following(struct swgi_map *map, uint64_t *cursor, uint64_t *id,
                         struct swgi_event_data *out);

/* A cursor behind everything there is now. */
uint64_t swgi_event_cursor_end(struct swgi_map *map);
/* Is that the act a cursor of swgi_event_following() comes to next? Modulo 2^31. */
SWGI_SHARED bool swgi_event_cursor_is_at(uint64_t cursor, uint64_t act);

/* ---- how much is in use, for people */
uint32_t swgi_processes_alive(struct swgi_map *map);
uint32_t swgi_columns_leased(const struct swgi_map *map);
uint32_t swgi_pool_histograms_used(const struct swgi_map *map);
uint32_t swgi_pool_slot_chunks_used(const struct swgi_map *map);
uint32_t swgi_pool_policies_used(const struct swgi_map *map);

/* ---- registry: names to cells (registry.c, pool.c) */
/* Lock-free. true: *index and *life are of a live cell of that name. */
bool swgi_registry_find(const struct swgi_map *map, const char *name, uint64_t hash,
                        uint32_t *index, uint32_t *life);
uint64_t swgi_name_hash(const char *name);
/* Process mutex and byte lock, polled for at most 10 ms: -EAGAIN. Repairs what a killed holder
 * left. */
int swgi_registry_lock(struct swgi_map *map);
void swgi_registry_unlock(struct swgi_map *map);
/*
 * Under the lock. A free cell, its life made odd, name written, rest zeroed, its columns' counters
 * too: 0, or -ENOSPC when there is none. Only the generation goes on: ctl is CLOSED at one more
 * than the cell's former circuit had, 0 in a fresh cell.
 */
int swgi_registry_claim(struct swgi_map *map, const char *name, uint64_t hash, uint32_t *index);
/* Under the lock: make a claimed cell findable: life even, then the index. */
void swgi_registry_publish(struct swgi_map *map, uint32_t index);
/* Under the lock: take a cell out, or take a claim back: life odd, out of the index, its extents
 * freed. */
void swgi_registry_remove(struct swgi_map *map, uint32_t index);
/*
 * Under the lock: extents. 0 and what to store in the cell's word (number + 1 of the extent, of the
 * first slot), or -ENOSPC; zeroed. The cell's word decides what is in use: take the new extent,
 * store it in the word, then release, which gives back what the circuit owns and its word does not
 * point to (in a cell that is not live: all).
 */
int swgi_pool_histogram(struct swgi_map *map, uint32_t circuit, uint32_t *extent_plus_1);
int swgi_pool_slots(struct swgi_map *map, uint32_t circuit, uint32_t slots, uint32_t *first_plus_1);
/* How many slots the run that begins there has; 0: it is not the circuit's. */
uint32_t swgi_pool_slots_held(const struct swgi_map *map, uint32_t circuit, uint32_t first_plus_1);
int swgi_pool_policies(struct swgi_map *map, uint32_t circuit, uint32_t *extent_plus_1);
void swgi_pool_release(struct swgi_map *map, uint32_t circuit);

#endif
