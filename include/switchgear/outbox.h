/*
 * Switchgear's outbox: calls that could not be made are kept in an SQLite database, and made later, in order.
 *
 *     struct swg_outbox_options options = SWG_OUTBOX_OPTIONS_INIT;
 *     options.path = "/var/lib/shop/outbox.db";
 *     swg_outbox_open(&outbox, &options, &error);
 *
 *     int rc = swg_outbox_put(outbox, "order-4711", body, length, &error);    0: on the disk; 1: it was there already
 *
 *     rc = swg_outbox_run(outbox, circuit, deliver, NULL, 0, &result, &error);   from time to time, by one process
 *
 *     if (rc == SWG_GO)                 nothing is left
 *     else if (rc == SWG_FAILED)        one was tried and failed; result.retry_in, result.text
 *     else if (swg_is_rejection(rc))    the circuit does not let calls through; result.retry_in
 *     else if (rc == -EBUSY)            somebody else is at it
 *     else                              -errno: a fault, error.text
 *
 * What is promised
 * - Durable before acknowledged: when a put has answered 0 or 1, the entry survives kill -9 and the loss of power (WAL,
 *   synchronous=FULL). After a fault it may or may not be there: put it again with the same key.
 * - In order: the entries of a queue are delivered one at a time, in the order in which they were committed. An entry that
 *   fails stays first until it succeeds or is given up.
 * - Once per key: a key is stored once, and one that was delivered is refused for as long as it is remembered. Delivery calls
 *   somebody else, who cannot be part of the transaction: between what the callback did and the note of it lies an instant. A
 *   process killed there (kill -9, loss of power) leaves the entry pending, and it is delivered again, with attempt 2 or more.
 *   So attempt is 1 only if no process ever tried before (after a loss of power, which may take back the last instants'
 *   attempts but never an entry: tried before is possible), and the receiver must know a key again when attempt is above 1.
 * - Bounded: rows_max and bytes_max, dead letters included. A full outbox refuses with -ENOSPC; nothing is dropped silently.
 * - Given up in the open: what failed attempts_max times, what the receiver called the caller's own error, and what grew older
 *   than age_max becomes a dead letter, which is kept with its last error until it is requeued or dropped.
 *
 * Threads and processes: a handle may be used by several threads, which take turns; the callback runs outside of that turn and
 * may put. Several processes may put, and run, at once; one run at a time per queue, the others get -EBUSY, and a killed one
 * makes room at once. Waiting for another process's transaction is bounded by busy_max (-EAGAIN).
 * Fork: SQLite does not survive it. A child must neither use nor open an outbox while it holds one of its parent's: all calls
 * answer -EPERM there, until exec. Open after the fork.
 * The library never prints, never starts a thread, and makes system calls and blocks wherever it says outbox.
 */
#ifndef SWITCHGEAR_OUTBOX_H
#define SWITCHGEAR_OUTBOX_H

#include <switchgear/switchgear.h>

#ifdef __cplusplus
extern "C" {
#endif

struct swg_outbox;

#define SWG_OUTBOX_KEY_MAX   255                   /* bytes of a key */
#define SWG_OUTBOX_ENTRY_MAX (UINT64_C(512) << 20) /* bytes of an entry */

struct swg_outbox_options {
    uint32_t size;
    /*
     * The database, made if there is none (mode 0600; path-wal, path-shm and path-lock beside it). On a local file system.
     * There is no default.
     */
    const char *path;
    /* [A-Za-z0-9._:@/-]{1,127}, e.g. the circuit's name; NULL: "default". Order holds within a queue. */
    const char *queue;
    /* Entries and their bytes in this queue, dead letters included; keys do not count. The file grows up to that, and stays. */
    uint64_t rows_max;     /* 1..10^9; 0: 100,000 */
    uint64_t bytes_max;    /* 1..2^40; 0: 256 MiB */
    uint32_t attempts_max; /* 1..10^6 failed or broken-off attempts make a dead letter; 0: 10 */
    int32_t priority;      /* of calls when replaying, -32 urgent ... 31 least; 0: as any other */
    swg_ns age_max;        /* at least 1 ms; 0: any age will do */
    /* Delivered keys are remembered until they are too old, or too many: then the oldest go first. */
    swg_ns remember;       /* at least 1 s; 0: 7 days */
    uint64_t remember_max; /* 1..10^9; 0: 100,000 */
    swg_ns busy_max;       /* longest wait for others' transactions, 1 ms .. 1 min; 0: 5 s */
};
#define SWG_OUTBOX_OPTIONS_INIT SWG_SIZED(swg_outbox_options)

/*
 * Open an outbox, or make one. *out is written on success only, and is released by swg_outbox_close().
 *   -EINVAL  an option out of range, error.key names it          -E2BIG, -EINVAL  "size": another version's struct
 *   -EACCES, -ENOENT, -EISDIR, ...  as open(2)                   -ELOOP  the path is a symbolic link
 *   -EROFS   may be read only                                    -EBADMSG  no database, or a damaged one
 *   -EPROTO  another program's database, or another version's    -ENOTSUP  the file system has no shared memory for WAL
 *   -EAGAIN  busy for over busy_max                              -ENOSPC  disk full
 *   -EPERM   an outbox is inherited from the process that forked -EIO, -ENOMEM
 */
SWG_API int swg_outbox_open(struct swg_outbox **out, const struct swg_outbox_options *options,
                            struct swg_error *error);
/* NULL is fine; returns NULL. No call on it may be running, so not from inside the callback. */
SWG_API struct swg_outbox *swg_outbox_close(struct swg_outbox *outbox);

/*
 * Store an entry. The key names this one call, not its user or kind: 1 to SWG_OUTBOX_KEY_MAX bytes, none of them a control
 * character; NULL: a random one. length may be 0.
 *   0        stored and durable
 *   1        the key is there already, waiting, dead or delivered: nothing was stored, whatever the bytes
 *   -ENOSPC  full: error.key is "rows_max" or "bytes_max", or the path when it is the disk
 *   -EMSGSIZE longer than bytes_max or SWG_OUTBOX_ENTRY_MAX      -EINVAL  the key, or bytes NULL
 *   -EAGAIN  busy for over busy_max                              -ESTALE  the database's file was moved or deleted
 *   -EROFS, -EBADMSG, -EIO, -ENOMEM, -EPERM as above
 */
SWG_API int swg_outbox_put(struct swg_outbox *outbox, const char *key, const void *bytes,
                           size_t length, struct swg_error *error);

struct swg_outbox_entry {
    uint32_t size;
    const char *key;
    const void *bytes;
    size_t length;
};
#define SWG_OUTBOX_ENTRY_INIT SWG_SIZED(swg_outbox_entry)

/*
 * Store many in one transaction, in the order given: all of them or, on a fault, none. Keys that are there already are passed
 * over; stored (NULL ok) tells how many were not. 0, or as swg_outbox_put().
 */
SWG_API int swg_outbox_put_many(struct swg_outbox *outbox, const struct swg_outbox_entry *entries,
                                size_t count, size_t *stored, struct swg_error *error);

/*
 * The same as a hook: put under the number as decimal text (0: a random key), 0 also if it was there. outbox is a struct
 * swg_outbox. The number must name the call: a user's number would store each user's first call alone.
 */
SWG_API int swg_outbox_enqueue(void *outbox, uint64_t key, const void *bytes, size_t length);

/* An entry whose turn has come. Pointers hold until the callback returns. */
struct swg_outbox_item {
    uint32_t size;
    const char *key; /* for the receiver to know it again by */
    const void *bytes;
    size_t length;
    uint32_t attempt; /* 1: never tried before; more: it may have been delivered already */
    swg_ns age;       /* since it was put, by CLOCK_REALTIME */
};

/*
 * Makes the call and returns its outcome: SWG_SUCCESS: delivered; SWG_FAILURE, SWG_TIMEOUT: try again later; SWG_IGNORED: the
 * caller's own error, which will not get better: a dead letter.
 */
typedef int swg_outbox_fn(struct swg_outbox_item *item, void *arg);
/* From inside the callback: say why, before returning anything but SWG_SUCCESS. Copied. Only with the item that was given. */
SWG_API void swg_outbox_failure(struct swg_outbox_item *item, const struct swg_failure *why);

struct swg_outbox_result {
    uint32_t size;
    uint64_t delivered; /* by this run */
    uint64_t dead;      /* entries that became dead letters in this run */
    int outcome;        /* of the last attempt; 0: there was none */
    /*
     * When running again may help; not enforced. After a rejection as swg_retry_in(). After SWG_FAILED the longest of: the
     * retry_after given to swg_outbox_failure(), what the circuit's retry policy says, and 100 ms x 2^(attempt - 1), at most 1 min.
     */
    swg_ns retry_in;
    uint32_t attempt; /* of the last attempt */
    char key[256];    /* of the last attempt */
    char text[256];   /* one line for people: why it stopped; empty after SWG_GO */
};
#define SWG_OUTBOX_RESULT_INIT SWG_SIZED(swg_outbox_result)

/*
 * Deliver entries in order, at most limit of them (0: all there are): for each, ask the circuit, note the attempt, call fn,
 * record the outcome, note it durably. Stops at the first rejection and the first failure.
 *   SWG_GO       none is left, or limit was reached (dead letters count)
 *   a rejection  the circuit's; a place in its queue is given back and answered as SWG_FULL
 *   SWG_FAILED   the last attempt failed; the entry is still the first, or has become a dead letter
 *   -EBUSY       another run of this queue is under way
 *   -EINVAL      no circuit or fn; fn returned no outcome (that counts as a broken-off attempt)
 *   -errno       as swg_outbox_put(), and swg_acquire()'s. If it came after a delivery, which result.outcome then tells, the
 *                entry stays pending and is delivered again
 * result and error may be NULL.
 */
SWG_API int swg_outbox_run(struct swg_outbox *outbox, struct swg_circuit *circuit,
                           swg_outbox_fn *fn, void *arg, uint64_t limit,
                           struct swg_outbox_result *result, struct swg_error *error);

struct swg_outbox_info {
    uint32_t size;
    uint64_t pending, dead;
    uint64_t bytes;      /* of both */
    uint64_t remembered; /* delivered keys that are still refused */
    uint64_t delivered;  /* since the queue was made */
    int running;         /* a run is under way, here or elsewhere */
    swg_ns oldest;       /* age of the entry that is first; 0: none is pending */
    uint32_t attempts;   /* of it so far */
    char key[256];       /* its key */
    char text[128];      /* why it failed last */
};
#define SWG_OUTBOX_INFO_INIT SWG_SIZED(swg_outbox_info)
/* 0, or -errno. */
SWG_API int swg_outbox_status(struct swg_outbox *outbox, struct swg_outbox_info *out);

struct swg_outbox_dead {
    uint32_t size;
    char key[256];
    uint64_t length; /* of its bytes */
    uint32_t attempts;
    int outcome; /* of the last attempt; 0: it was not tried, or broke off */
    int code;    /* of the last failure */
    /* Of the last failure; "expired": older than age_max; "broken_off": no attempt came to an end. */
    char kind[24];
    char text[128];
    int64_t put_wall_ms, died_wall_ms; /* CLOCK_REALTIME, ms since 1970 */
};
#define SWG_OUTBOX_DEAD_INIT SWG_SIZED(swg_outbox_dead)
/* Walk the dead letters in order: start with *cursor = 0; 0, or -ENOENT at the end. */
SWG_API int swg_outbox_dead_next(struct swg_outbox *outbox, uint64_t *cursor,
                                 struct swg_outbox_dead *out);
/* The length of a dead letter's bytes, of which at most out_size are written to out. -ENOENT: no such dead letter. */
SWG_API int64_t swg_outbox_dead_bytes(struct swg_outbox *outbox, const char *key, void *out,
                                      size_t out_size);
/*
 * Requeue: to be delivered after all, with all attempts anew, at its old place in the order: before what was put after it. Drop:
 * forget it, and its key. How many: key NULL means all of them; -ENOENT: no such dead letter; or as swg_outbox_put().
 */
SWG_API int64_t swg_outbox_dead_requeue(struct swg_outbox *outbox, const char *key,
                                        struct swg_error *error);
SWG_API int64_t swg_outbox_dead_drop(struct swg_outbox *outbox, const char *key,
                                     struct swg_error *error);

#ifdef __cplusplus
}
#endif

#endif
