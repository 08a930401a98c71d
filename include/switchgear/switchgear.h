/*
 * Switchgear: circuit breakers for C.
 *
 * A circuit is one named dependency. Ask it before a call, tell it afterwards what the call came
 * to:
 *
 *     struct swg_permit permit;
 *     int rc = swg_acquire(circuit, NULL, &permit);
 *     if (rc == SWG_GO)
 *         swg_record(&permit, query_database() ? SWG_SUCCESS : SWG_FAILURE);
 *
 * or hand the whole call to swg_call(). Circuits live in a panel: memory of this process, or a file
 * that every process of the host maps, so that all of them know what one of them learned.
 *
 * Conventions
 * - Answers: 0 (SWG_GO) went well; > 0 is a verdict for the caller to handle; < 0 is -errno, a
 *   fault to forward.
 * - Time: swg_ns, nanoseconds; instants are CLOCK_MONOTONIC.
 * - Structs: every public struct but the permit starts with its size, set by its SWG_..._INIT. A
 *   longer one than this library knows is accepted when its tail is zero (-E2BIG otherwise); a
 *   shorter one is an older caller's.
 * - Threads: every function may be called from any thread at any time, except on an object the
 *   caller itself is still filling in (swg_config) and on one and the same permit.
 * - Fork: the child may go on using panels and circuits; permits taken before the fork end without
 *   effect in it.
 * - The library never prints, never exits, never starts a thread, and calls nothing back from
 *   inside a decision.
 */
#ifndef SWITCHGEAR_SWITCHGEAR_H
#define SWITCHGEAR_SWITCHGEAR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(SWG_API)
#define SWG_API __attribute__((visibility("default")))
#elif !defined(SWG_API)
#define SWG_API
#endif

/* What the SWG_..._INIT come to: all zero but the size. C++ before 2020 names no members. */
#ifdef __cplusplus
extern "C++" {
template <class Struct> inline Struct swg_sized_struct() {
    Struct sized = Struct();
    sized.size = sizeof(sized);
    return sized;
}
}
#define SWG_SIZED(name) swg_sized_struct<struct name>()
#else
/* clang-format off */
#define SWG_SIZED(name) { .size = sizeof(struct name) }
/* clang-format on */
#endif

/* CLOCK_MONOTONIC instant, or duration, in nanoseconds. */
typedef int64_t swg_ns;
#define SWG_NS_MAX INT64_MAX /* an instant that never comes: "by hand only", "unbounded" */

struct swg_panel;
struct swg_circuit;
struct swg_config;
struct swg_attempt;

/* What a call came to. Apart from the answers' numbers, so that a verdict returned as an outcome is
 * -EINVAL and cancels. */
enum {
    SWG_SUCCESS = 64, /* the dependency answered */
    SWG_FAILURE,      /* hard: refused, reset, 5xx, corrupt */
    SWG_TIMEOUT,      /* no answer in time, or overload (busy, 429) */
    SWG_IGNORED       /* says nothing about the dependency: the caller's own error */
};

enum { SWG_STATE_CLOSED, SWG_STATE_OPEN, SWG_STATE_HALF_OPEN };

enum {
    SWG_MODE_NORMAL,
    SWG_MODE_FORCED_OPEN,   /* isolated: admits nothing */
    SWG_MODE_FORCED_CLOSED, /* disabled: admits and counts, never trips */
    SWG_MODE_SHADOW         /* admits everything but the expired, runs the machine, tells what it
                               would have done */
};

/* Answers. */
enum {
    SWG_GO,             /* call it, then end the permit */
    SWG_OPEN,           /* not called: the breaker is open */
    SWG_FULL,           /* not called: the bulkhead is full */
    SWG_LIMITED,        /* not called: over the rate limit */
    SWG_SHED,           /* not called: the system is overloaded and this call is heavy */
    SWG_EXPIRED,        /* not called: the request's deadline had passed */
    SWG_FAILED,         /* called, and it failed */
    SWG_QUEUED,         /* the permit is a place in the queue */
    SWG_RETRY,          /* recorded; the policy allows another attempt */
    SWG_QUEUE_SATURATED /* not called: bulkhead and queue are full, and the policy wants that told
                           apart */
};

/* Which rule tripped a breaker. */
enum {
    SWG_RULE_NONE,
    SWG_RULE_CONSECUTIVE,   /* failures in a row */
    SWG_RULE_CHANGE,        /* change detector */
    SWG_RULE_COUNT_FAILURE, /* failure rate over the last N calls */
    SWG_RULE_COUNT_SLOW,    /* slow rate over the last N calls */
    SWG_RULE_TIME_1,        /* the time rules, in their configured order */
    SWG_RULE_TIME_2,
    SWG_RULE_TIME_3,
    SWG_RULE_TIME_4,
    SWG_RULE_PROBE, /* the probes of HALF_OPEN failed */
    SWG_RULE_HAND   /* a person */
};

/* Is this answer one of ours for a call that was not made (SWG_OPEN ... SWG_EXPIRED,
 * SWG_QUEUE_SATURATED)? */
SWG_API int swg_is_rejection(int rc);
/* A short sentence for any answer, outcome or -errno of this library. Static storage. */
SWG_API const char *swg_strerror(int rc);
/* "MAJOR.MINOR.PATCH". Static storage. */
SWG_API const char *swg_version(void);
/* The clock the library reads by itself: CLOCK_MONOTONIC, cheaper where the processor has an
 * invariant TSC. */
SWG_API swg_ns swg_now(void);
/* "CLOSED", "OPEN", "HALF_OPEN"; "normal", "forced_open", ...; "consecutive", ...; "?" for anything
 * else. Static storage. */
SWG_API const char *swg_state_name(int state);
SWG_API const char *swg_mode_name(int mode);
SWG_API const char *swg_rule_name(int rule);
SWG_API const char *swg_outcome_name(int outcome);
SWG_API const char *swg_event_name(int kind);
SWG_API const char *swg_source_name(int source);

/* What was wrong, where, and what is allowed. Filled in on a fault only; every error parameter may
 * be NULL. */
struct swg_error {
    uint32_t size;
    int code;         /* the -errno that was returned */
    int line, column; /* 1-based position in a text; 0: does not apply */
    char key[96];     /* the configuration key, path or name at fault; may be empty */
    char text[256];   /* a sentence for people */
};
#define SWG_ERROR_INIT SWG_SIZED(swg_error)

/* ---------------------------------------------------------------------------------------- panel */

enum {
    SWG_PANEL_CREATE, /* attach, or create the file if there is none */
    SWG_PANEL_ATTACH, /* attach; -ENOENT if there is none */
    SWG_PANEL_INSPECT /* look only: needs to read the file, takes no part. Calls are answered
                         -EROFS; poll re-reads */
};

/* What swg_circuit_get() answers when no circuit can be made (limit reached, or the panel busy for
 * over 10 ms). */
enum {
    SWG_BEYOND_SHARED, /* the panel's own circuit "_beyond", shared by all that found no place */
    SWG_BEYOND_UNPROTECTED, /* a circuit that admits everything and counts nothing but the call */
    SWG_BEYOND_ERROR        /* -ENOSPC (limit) or -EAGAIN (busy) */
};

struct swg_panel_options {
    uint32_t size;
    int access;       /* SWG_PANEL_CREATE ... */
    const char *path; /* without suffix: "/run/switchgear/main" means main.v1.panel and main.v1.lock
                         in that directory. NULL: memory of this process alone */
    /* Geometry, used when the panel is created; 0: default. An existing file's geometry wins; a
       different one asked for is -ERANGE, unless it is 0. */
    uint32_t circuits_max;   /* 1..65535, default 1024 */
    uint32_t columns_max;    /* 1..256 threads with counters of their own, default 16 */
    uint32_t histograms_max; /* 0..circuits_max circuits with a latency histogram, default
                                 circuits_max, at most 1024;  SWG_GEOMETRY_NONE for none */
    uint32_t policies_max;   /* 0..circuits_max circuits with policies of their own (bulkhead,
                                 limiter, retry, ...), default circuits_max, at most 1024;
                                 SWG_GEOMETRY_NONE for none */
    uint32_t slots_max;  /* words for all count windows, permits, queues and logs together, default
                           256 per circuit and at most 262144, 4194304 if asked for;
                           SWG_GEOMETRY_NONE for none */
    uint32_t events_max; /* slots of each event ring, a power of two 64..65536, default 1024 */
    int beyond;          /* SWG_BEYOND_SHARED ... */
    uint32_t file_mode;  /* permissions of a new file, default 0600; 0640 lets a group look, 0660
                           take part */
    const char *process_name; /* shown to people, at most 31 bytes; default: the program's name */
    int virtual_clock; /* 1: time stands still until swg_panel_advance(); for tests and simulations
                        */
    const char *boot_id; /* for tests: stands for /proc/sys/kernel/random/boot_id */
};
#define SWG_PANEL_OPTIONS_INIT SWG_SIZED(swg_panel_options)
#define SWG_GEOMETRY_NONE      UINT32_MAX

/*
 * Open a panel: options NULL means private memory and all defaults. *out is written on success
 * only, and is released by swg_panel_unref(). Makes system calls and allocates; everything a call
 * needs later is allocated here or in swg_circuit_get().
 * - -EINVAL an option out of range; -ERANGE another geometry than the file's
 * - -ENOENT no such file (ATTACH, INSPECT); -EACCES no permission; -ELOOP a symbolic link
 * - -EPERM unsafe owner, mode, link or file system
 * - -EPROTO another version; -EBADMSG damaged or truncated
 * - -ENOSPC no room; -EBUSY 1023 processes take part already
 */
SWG_API int swg_panel_open(struct swg_panel **out, const struct swg_panel_options *options,
                           struct swg_error *error);
SWG_API struct swg_panel *swg_panel_ref(struct swg_panel *panel);
/* NULL is fine; returns NULL. The last one gives back everything the process holds; circuits of the
 * panel end with it. */
SWG_API struct swg_panel *swg_panel_unref(struct swg_panel *panel);

/*
 * Read a configuration file (switchgear.yaml(5)) and bring the panel to it; call it again to reload.
 * Its circuits are made and configured, those under its patterns configured; state, counters and,
 * where they fit, windows are kept. From then on swg_circuit_get() makes circuits of this panel as
 * the file says, whatever configuration it is given, and answers -ENOENT for names it does not
 * know. The file's sections for the panel and the agent are read and not used.
 *
 * -EINVAL: *error is the first thing wrong with the file, with line and column, and says how much
 * more there is; -ENOENT, -EACCES, ...: it cannot be read; -ENOSPC: the panel has no room for all of
 * it; -EAGAIN: another process kept the panel busy. The panel is as it was then, and so is what
 * swg_circuit_get() goes by.
 */
SWG_API int swg_panel_load(struct swg_panel *panel, const char *yaml_path, struct swg_error *error);

/*
 * Housekeeping, on the caller's thread, whenever it likes (once a second is good; never is
 * allowed): hands new events to the log callback, gives back what dead processes held, follows a
 * panel file that was replaced, re-reads an inspected panel. Returns the number of events handed
 * over, or -errno.
 */
SWG_API int swg_panel_poll(struct swg_panel *panel);
/* Move a virtual clock forward. -EPERM on a panel without one, -EINVAL for a negative step. */
SWG_API int swg_panel_advance(struct swg_panel *panel, swg_ns by);
/* The panel's clock now: swg_now(), or the virtual one. */
SWG_API swg_ns swg_panel_now(const struct swg_panel *panel);

/* Iterate: start with *cursor = 0; 0 and a circuit, or -ENOENT at the end. The panel's own
 * "_beyond" is among them. Circuits made meanwhile
 * may be missed. */
SWG_API int swg_panel_next_circuit(struct swg_panel *panel, uint32_t *cursor,
                                   struct swg_circuit **out);

enum {
    SWG_EVENT_TRANSITION = 1, /* state changed by rule or time: from, to, rule, evidence */
    SWG_EVENT_TRIP,           /* by hand: from, to, user, reason */
    SWG_EVENT_RESET,          /* by hand */
    SWG_EVENT_PROBE,          /* by hand */
    SWG_EVENT_MODE,           /* by hand, or a bound that ended: from, to are modes */
    SWG_EVENT_CONFIG,         /* a circuit was configured */
    SWG_EVENT_CREATED,        /* a circuit was made */
    SWG_EVENT_EVICTED,        /* an idle circuit gave its place up */
    SWG_EVENT_SAMPLE,   /* an error's kind, code and text (notices; at most one per circuit and
                           second) */
    SWG_EVENT_REJECTED, /* calls are being rejected by what stands around the breaker, or had
                           expired (notices; at most one per circuit, verdict and second); an open
                           circuit's rejections only count */
    SWG_EVENT_BEYOND,   /* a circuit could not be made (notices) */
    SWG_EVENT_CLOCK     /* a caller's clock was over 1 s off and was replaced (notices) */
};

struct swg_event {
    uint32_t size;
    int kind;    /* SWG_EVENT_... */
    uint64_t id; /* grows by one in its ring; odd rings: the lowest bit tells the ring (0 acts, 1
                    notices) */
    swg_ns at;   /* panel time */
    int64_t wall_ms;         /* CLOCK_REALTIME, ms since 1970 */
    int from, to;            /* states, or modes for SWG_EVENT_MODE */
    int rule;                /* SWG_RULE_... */
    int code;                /* SAMPLE: the error's code; REJECTED: the verdict */
    double value, threshold; /* evidence: what the rule measured and its limit; SAMPLE: value is
                                how long the call took, in seconds */
    uint64_t calls;          /* evidence: calls it was measured over, 0: not counted; REJECTED: how
                                many so far */
    swg_ns until;            /* OPEN's deadline or a mode's bound; 0: none; SWG_NS_MAX: by hand */
    char circuit[128];
    char user[32];       /* "system" for rules and time */
    char text[128];      /* reason, or the sample's text */
    char error_kind[24]; /* SAMPLE: the error's kind */
    char source[16];   /* where an act came from: "rule" for rules and time, else what swg_act told,
                            "program", "cli", "console", "admin", "file", ...; "restore": a state that
                            another panel had; "" for notices */
    char trace_id[33]; /* SAMPLE: of the call's trace, 32 hex digits; "": none was told */
};
#define SWG_EVENT_INIT SWG_SIZED(swg_event)

/*
 * Read the rings: start with *cursor = 0 for the oldest kept, or SWG_CURSOR_END for only what
 * comes. 1: *out is an event; 0: nothing new; -EOVERFLOW: the ring overran the reader and the next
 * call goes on with the oldest kept. One cursor reads both rings in turn. Needs only to read the
 * panel.
 */
SWG_API int swg_panel_next_event(struct swg_panel *panel, uint64_t *cursor, struct swg_event *out);
#define SWG_CURSOR_END UINT64_MAX

typedef void swg_log_fn(void *arg, const struct swg_event *event);
/* Who swg_panel_poll() hands events to; NULL for nobody. Only events after this call. */
SWG_API int swg_panel_log(struct swg_panel *panel, swg_log_fn *fn, void *arg);

struct swg_panel_info {
    uint32_t size;
    int is_private, is_virtual;
    char path[256];
    uint64_t bytes; /* of the whole panel */
    uint32_t circuits, circuits_max;
    uint32_t columns, columns_max;
    uint32_t histograms, histograms_max;
    uint32_t slots, slots_max;
    uint32_t policies, policies_max;
    uint32_t processes, processes_max; /* alive now */
    uint32_t events_max;
    uint64_t bytes_per_circuit; /* fixed part and its columns */
    uint64_t bytes_per_histogram;
    uint64_t beyond, evicted, clocks_replaced, events_lost;
    int64_t created_wall_ms;
};
#define SWG_PANEL_INFO_INIT SWG_SIZED(swg_panel_info)
SWG_API int swg_panel_status(struct swg_panel *panel, struct swg_panel_info *out);

/* -------------------------------------------------------------------------------- configuration */

/* Keys and values as "breaker.open.for" and "30s"; swg_config_next_key() tells them all, and so does
 * `switchgear help settings`. What is not set stays what it is.
 *
 * What is set must fit together when it is applied, and do something: retry.delay without retries,
 * say, is -EINVAL, and the error names what it needs. A policy is switched off by its one key all
 * the same, e.g. "retry.attempts", "1"; with that key in it a configuration may set the others. */
SWG_API int swg_config_new(struct swg_config **out);
/* Start from a preset: "default", "read", "write", "auth", "queue", "api", "api-retry", ... Keys
 * set before are lost. */
SWG_API int swg_config_preset(struct swg_config *config, const char *preset,
                              struct swg_error *error);
/* One key, e.g. "breaker.open.for", "30s". -EINVAL: error names key, value and what is allowed;
 * nothing is changed. */
SWG_API int swg_config_set(struct swg_config *config, const char *key, const char *value,
                           struct swg_error *error);
/*
 * Several keys at once, as they would stand in the configuration file: "{preset: read, retry:
 * {attempts: 3}}". -EINVAL: *error is the first thing wrong, with its line and column in text, and
 * nothing of it is taken.
 */
SWG_API int swg_config_yaml(struct swg_config *config, const char *text, struct swg_error *error);
SWG_API struct swg_config *swg_config_unref(struct swg_config *config);
/*
 * Walk all keys: start with *cursor = 0; 0, or -ENOENT at the end. For help texts and completion.
 * Any of the last three may be NULL. Static storage.
 */
SWG_API int swg_config_next_key(uint32_t *cursor, const char **key, const char **range,
                                const char **what);

/* ------------------------------------------------------------------------------------- circuits */

/*
 * Find or make a circuit. Names match [A-Za-z0-9._:@/-]{1,127}. if_new (NULL: preset "default")
 * configures it only when this call makes it. The handle is the same for the same name, is valid
 * until the panel's last unref, and follows its name when the circuit was evicted or the file
 * replaced. After swg_panel_load() it is as the file says, whatever if_new is.
 * - -ENOENT the file that was loaded knows no circuit of that name, and no pattern for it
 * - -EINVAL a name or settings that are not allowed; -EROFS inspecting
 * - -ENOSPC, -EAGAIN no circuit could be made, and options.beyond says error
 */
SWG_API int swg_circuit_get(struct swg_panel *panel, const char *name,
                            const struct swg_config *if_new, struct swg_circuit **out,
                            struct swg_error *error);
/* Never makes one: -ENOENT. */
SWG_API int swg_circuit_find(struct swg_panel *panel, const char *name, struct swg_circuit **out);
/* Merge settings into a circuit; state and counters stay. A change of windows or weights starts the
 * windows anew. */
SWG_API int swg_circuit_configure(struct swg_circuit *circuit, const struct swg_config *config,
                                  struct swg_error *error);
/* One key's present value as text, for any key of swg_config_next_key(); 640 bytes are room for any,
 * 64 for any that is no list or text. -ENOENT unknown or unset,
 * -ERANGE too small. */
SWG_API int swg_circuit_setting(const struct swg_circuit *circuit, const char *key, char *out,
                                size_t out_size);
/* Would configuring change anything? 0 no; 1 yes, and *error names the first key that differs with
 * both values. */
SWG_API int swg_circuit_differs(struct swg_circuit *circuit, const struct swg_config *config,
                                struct swg_error *error);
/* Valid as long as the handle. "_beyond" for calls of circuits that found no place. */
SWG_API const char *swg_circuit_name(const struct swg_circuit *circuit);

/* ------------------------------------------------------------------------- a call in two halves */

struct swg_request {
    uint32_t size;
    int32_t priority;   /* -32 urgent ... 0 ... 31 least; -EINVAL beyond */
    uint32_t load;      /* what this call costs, in the caller's own units; for load shedding */
    uint32_t operation; /* the caller's own number, for its records */
    uint64_t key;       /* 0, or a stable number: of the user or tenant, whom the ramp and dynamic
                        priority treat alike; of the answer, where the circuit has a cache */
    swg_ns deadline;    /* 0, or the instant after which the answer is worth nothing */
    const char *traceparent; /* NULL, or a W3C trace context */
    const void *payload;     /* NULL, or what fallback "queue" keeps, to make the call later */
    size_t payload_length;
    uint64_t
        payload_key; /* 0, or a number that names this one call, so that it is queued only once */
};
#define SWG_REQUEST_INIT SWG_SIZED(swg_request)

/* By value: may be moved, not copied; any thread may end it, once. Zero it to have one that ends as
 * a no-op. */
struct swg_permit {
    uint64_t opaque[8];
};

/* Why a call failed. */
struct swg_failure {
    uint32_t size;
    int code;           /* the client's own number: HTTP status, errno, SQLSTATE packed, ... */
    const char *kind;   /* a word: "refused", "http_5xx"; at most 23 bytes are kept */
    const char *text;   /* one line; at most 127 bytes are kept. Never put secrets here */
    swg_ns retry_after; /* 0, or how long the dependency asked to be left alone */
    int no_retry; /* 1: not to be tried again, whatever the policy: it would be done twice, or in
                     vain */
    const char
        *traceparent; /* NULL, or the W3C trace context of the call: its trace id is kept with
                                the sample. Of swg_call() and the HTTP adapter it is the request's,
                                unless told here. What is not valid is not kept */
};
#define SWG_FAILURE_INIT SWG_SIZED(swg_failure)

/*
 * May I call? Never blocks. SWG_GO: call, then end *out with swg_record(), swg_record_error() or
 * swg_cancel(). SWG_QUEUED, where bulkhead or limiter say wait: *out is a place in the queue; go on
 * with swg_wait() or swg_poll(), or swg_cancel() it. Another verdict > 0: do not call; *out holds
 * nothing, and swg_retry_in() tells when it may be worth asking again. Allocates nothing; makes no
 * system call while CLOSED or OPEN. request NULL: nothing special.
 */
SWG_API int swg_acquire(struct swg_circuit *circuit, const struct swg_request *request,
                        struct swg_permit *out);
/*
 * After SWG_QUEUED: SWG_GO and *permit is as if swg_acquire() had said so; still SWG_QUEUED; or
 * another verdict and *permit holds nothing. swg_wait() blocks until there is an answer or the
 * instant `until` (CLOCK_MONOTONIC; SWG_NS_MAX: as long as the policy lets it wait), swg_poll() does
 * not block. Both are 0 for a permit that was admitted already, -EINVAL for one that is none.
 */
SWG_API int swg_wait(struct swg_permit *permit, swg_ns until);
SWG_API int swg_poll(struct swg_permit *permit);
/*
 * After SWG_QUEUED, for event loops: a descriptor that turns readable when queued permits of this
 * process should be polled, all of them: at once when this process freed one, within 5 ms
 * otherwise. One for the whole panel; it belongs to the library: do not read or close it. A forked
 * child asks anew. -errno when there is none to be had.
 */
SWG_API int swg_wait_fd(struct swg_permit *permit);
/* The instant (CLOCK_MONOTONIC) by which this attempt should be given up: the request's deadline,
 * timeout.total and timeout.attempt, whichever is first; SWG_NS_MAX: none. */
SWG_API swg_ns swg_deadline(const struct swg_permit *permit);

/*
 * Tell what the call came to. SWG_RETRY: recorded, and the retry policy allows another attempt in
 * swg_retry_in(): *permit is now a ticket that holds nothing, for swg_acquire_again(), or to be
 * dropped. Where retry.inside says yes it is not: it holds what it held, nothing was counted yet, and
 * it is for swg_acquire_again(), or to be ended with swg_cancel(). 0, also for an ended or zeroed
 * permit, and for one whose circuit moved on meanwhile; -EINVAL for anything that is not a permit of
 * this process, for a copy that was ended already where that can be told, and for an outcome that is
 * none (the permit is cancelled then).
 */
SWG_API int swg_record(struct swg_permit *permit, int outcome);
SWG_API int swg_record_error(struct swg_permit *permit, int outcome, const struct swg_failure *why);
/*
 * The next attempt of the same call, with its number, deadline, key and priority: as swg_acquire().
 * A verdict ends the ticket. -EINVAL for what is no ticket.
 */
SWG_API int swg_acquire_again(struct swg_permit *permit);
/* The call was not made after all: frees what the permit holds, a place in a queue too; counts
 * neither way. */
SWG_API void swg_cancel(struct swg_permit *permit);
/* After a rejection: how long until asking again may help; 0 at once; SWG_NS_MAX: not before
 * somebody acts. After SWG_RETRY: how long to wait before the next attempt. After SWG_QUEUED: how
 * long until polling may help, 0 when nobody knows. */
SWG_API swg_ns swg_retry_in(const struct swg_permit *permit);

/* The same with the clock in the caller's hand: the few-nanosecond path. now is CLOCK_MONOTONIC
 * (swg_now() will do). */
SWG_API int swg_acquire_at(struct swg_circuit *circuit, const struct swg_request *request,
                           swg_ns now, struct swg_permit *out);
SWG_API int swg_record_at(struct swg_permit *permit, int outcome, const struct swg_failure *why,
                          swg_ns now, swg_ns duration);

/* -------------------------------------------------------------------------- a call in one piece */

typedef int swg_fn(struct swg_attempt *attempt,
                   void *arg); /* makes the call, returns its outcome */
/* When the attempt should be given up (as swg_deadline()), SWG_NS_MAX if never. */
SWG_API swg_ns swg_attempt_deadline(const struct swg_attempt *attempt);
/* 1 for the first. */
SWG_API uint32_t swg_attempt_number(const struct swg_attempt *attempt);
/* Say why, before returning SWG_FAILURE or SWG_TIMEOUT. Copied. */
SWG_API void swg_attempt_failure(struct swg_attempt *attempt, const struct swg_failure *why);

/* Bytes to keep as this call's answer, should it succeed: for result.value, and for the cache of
 * the circuit where the request has a key. Copied; 0, or -ENOMEM (the call goes on). */
SWG_API int swg_attempt_keep(struct swg_attempt *attempt, const void *bytes, size_t length);
/* The circuit this attempt is for: another one than was asked for while fallback.chain tries its
 * alternative, and then fn should call that one's dependency. */
SWG_API struct swg_circuit *swg_attempt_circuit(const struct swg_attempt *attempt);

/* Bytes that are given back with swg_buffer_release(); never written to after they were handed out. */
struct swg_buffer {
    uint32_t size;
    const void *bytes; /* NULL: none */
    size_t length;
    void *owner; /* the library's */
};
#define SWG_BUFFER_INIT SWG_SIZED(swg_buffer)
/* NULL is fine, and so is one that was released or never filled. */
SWG_API void swg_buffer_release(struct swg_buffer *buffer);

/* Where the answer came from. All but CALL and CACHE are degraded. */
enum {
    SWG_SOURCE_NONE,        /* there is none: rc tells */
    SWG_SOURCE_CALL,        /* fn */
    SWG_SOURCE_CACHE,       /* a fresh answer; fn was not called */
    SWG_SOURCE_STALE,       /* fallback cache */
    SWG_SOURCE_ALTERNATIVE, /* fn, for another circuit */
    SWG_SOURCE_STATIC,      /* fallback.static */
    SWG_SOURCE_QUEUE,       /* not answered: it will be made later */
    SWG_SOURCE_FUNCTION     /* the function of swg_circuit_fallback() */
};

struct swg_result {
    uint32_t size;
    int rc;                  /* what swg_call() returned */
    int outcome;             /* what fn said; 0 when it was not called */
    uint32_t attempts;       /* how often fn was called */
    swg_ns retry_in;         /* after a rejection, as swg_retry_in() */
    struct swg_error error;  /* why it failed, if fn said so */
    int source;              /* SWG_SOURCE_... */
    int degraded;            /* 1: a fallback stood in; rc is SWG_GO, outcome what fn had said */
    int verdict;             /* what it stood in for: a rejection or SWG_FAILED; 0: nothing */
    struct swg_buffer value; /* the answer's bytes, where there are any: swg_buffer_release() it */
};
#ifdef __cplusplus
extern "C++" {
template <> inline swg_result swg_sized_struct<swg_result>() {
    swg_result sized = swg_result();
    sized.size = sizeof(sized);
    sized.error = SWG_ERROR_INIT;
    sized.value = SWG_BUFFER_INIT;
    return sized;
}
}
#define SWG_RESULT_INIT SWG_SIZED(swg_result)
#else
#define SWG_RESULT_INIT \
    { .size = sizeof(struct swg_result), .error = SWG_ERROR_INIT, .value = SWG_BUFFER_INIT }
#endif

/*
 * A whole call: cache, queue, timeouts, retries and fallbacks as the circuit is configured to; it
 * blocks while it waits for its turn or for the next attempt. SWG_GO: fn said success or ignored, or
 * something stood in for it (out->degraded); SWG_FAILED: failure or timeout; a rejection: fn was not
 * called; -EINVAL: fn returned no outcome (the permit is cancelled).
 */
SWG_API int swg_call(struct swg_circuit *circuit, const struct swg_request *request, swg_fn *fn,
                     void *arg, struct swg_result *out);

/* What fallback "function" calls in this process: returns SWG_GO and fills *value (bytes may be
 * static; owner NULL), or any verdict to pass on to the next of the chain. NULL takes it away. arg
 * must outlive the circuit's panel or the next call of this. */
typedef int swg_fallback_fn(void *arg, const struct swg_request *request, int verdict,
                            struct swg_buffer *value);
SWG_API int swg_circuit_fallback(struct swg_circuit *circuit, swg_fallback_fn *fn, void *arg);
/* What fallback "queue" calls in this process with the request's payload_key and payload: 0, the
 * call will be made later; swg_outbox_enqueue() of switchgear/outbox.h is one. */
typedef int swg_enqueue_fn(void *arg, uint64_t key, const void *bytes, size_t length);
SWG_API int swg_circuit_queue(struct swg_circuit *circuit, swg_enqueue_fn *fn, void *arg);

/* Is that feature of the circuit on (features.list)? 1 or 0; 1 for names that are not listed;
 * -ENOENT when the circuit is gone. */
SWG_API int swg_feature_enabled(struct swg_circuit *circuit, const char *name);

/* --------------------------------------------------------------------------- the person on call */

struct swg_latency {
    uint64_t count;
    swg_ns p50, p90, p99, p999,
        max; /* upper bounds of the histogram's bins, within a quarter; 0 without calls */
};

struct swg_status {
    uint32_t size;
    char name[128];
    int state, mode;
    int ramp_percent; /* share admitted while ramping up, 0: not ramping */
    int rule;         /* which rule opened it, while OPEN or HALF_OPEN */
    swg_ns
        since; /* panel time of the last transition or ramp step, 0: none yet; of a HALF_OPEN that no
                          call came to yet, when its open time was over */
    swg_ns open_until; /* while OPEN: its deadline; SWG_NS_MAX: by hand only; else 0 */
    swg_ns mode_until; /* a bounded mode's end, SWG_NS_MAX: unbounded; else 0 */
    swg_ns last_trip, last_success, last_failure; /* panel time, 0: never */
    uint64_t transitions, trips;
    uint32_t trips_in_a_row;
    uint64_t calls; /* admitted */
    uint64_t successes, failures, timeouts, ignored, cancelled, late, slow;
    int64_t in_flight; /* admitted and not ended; calls of killed processes stay in it */
    uint64_t rejected_open, rejected_full, rejected_limited, rejected_shed, rejected_expired;
    uint64_t would_reject; /* shadow: calls it would have rejected */
    double failure_rate,
        slow_rate; /* over the longest window there is, 0..1; -1: no window, or no call in it */
    uint64_t window_calls;
    double score, score_limit; /* the score rule's, in failures or in the detector's units; limit 0:
                                  no such rule */
    uint32_t probes_held, probes_max, probe_successes, success_threshold;
    int has_latency;
    struct swg_latency latency;
    char preset[16];
    uint64_t rejected_saturated; /* bulkhead and queue full, told as an error */
    uint64_t retries;            /* of the calls: attempts that were not the first */
    /* Policies. Zero where the circuit has none of the kind. */
    int has_bulkhead;
    uint32_t permits_limit; /* calls that may be in flight now; 0: only counted */
    uint32_t permits_held;
    uint32_t queue_length, queue_max;
    swg_ns held_longest; /* how long the oldest call in flight has taken so far */
    int has_limiter;
    uint32_t limiter_rate,
        limiter_left; /* calls per limiter_per now; calls that could go at once */
    swg_ns limiter_per;
    double limiter_share; /* of the configured rate that adapting leaves, 0..1 */
    int adaptive;         /* the bulkhead's limit follows the dependency */
    int has_retry;
    double retry_budget_left;           /* retries that could be made now; -1: no budget */
    uint64_t retries_refused;           /* for want of budget */
    swg_ns attempt_timeout;             /* of one attempt now; 0: none */
    uint32_t features_on, features_all; /* of those that are not critical */
};
#define SWG_STATUS_INIT SWG_SIZED(swg_status)
/* Pure: writes nothing, needs only to read the panel. -ENOENT when the circuit was evicted. */
SWG_API int swg_circuit_status(const struct swg_circuit *circuit, struct swg_status *out);
/* Its state alone, SWG_STATE_..., for a few nanoseconds; an OPEN that is due is HALF_OPEN. -ENOENT
 * as above. */
SWG_API int swg_circuit_state(const struct swg_circuit *circuit);

struct swg_rule {
    int rule;                /* SWG_RULE_... */
    char text[96];           /* in words, e.g. "failure rate >= 50 % of 30 s" */
    double value, threshold; /* now, and where it trips */
    uint64_t calls,
        calls_min; /* in its window, and from how many it is judged; 0: does not apply */
    int is_share;  /* value and threshold are shares of calls, 0..1; else counts */
    int met;       /* value has reached the threshold */
};

struct swg_holder {
    int64_t pid;
    char process[32];
    int alive;
    uint32_t probe; /* which slot */
};

/* A call in flight, by its permit of the bulkhead. */
struct swg_permit_holder {
    int64_t pid;
    char process[32];
    int alive;
    swg_ns since; /* panel time; 0: just taken */
};

struct swg_why {
    uint32_t size;
    struct swg_status status;
    uint32_t rules_count;
    struct swg_rule rules[8];
    int evidence; /* 0: never tripped; 1: trip is what tripped it; 2: it tripped, evidence was lost
                   */
    struct swg_event trip;      /* the last trip */
    uint32_t transitions_count; /* newest first, from the ring */
    struct swg_event transitions[5];
    uint32_t samples_count; /* newest first, from the ring */
    struct swg_event samples[5];
    uint32_t holders_count; /* of probes */
    struct swg_holder holders[16];
    char mode_user[32], mode_reason[128]; /* who set a mode other than normal */
    int64_t mode_wall_ms;
    /* Where the configuration came from: "code, preset read", "file /etc/x.yaml", "no file any more" where that dropped it. */
    char origin[64];
    uint32_t permits_count; /* calls in flight, the first 16 found; status.permits_held tells all */
    struct swg_permit_holder permits[16];
    /* Evidence 1: what the circuit had counted when it tripped, since it was made. */
    uint64_t trip_failures, trip_timeouts, trip_slow;
};
#define SWG_WHY_INIT SWG_SIZED(swg_why)
SWG_API int swg_circuit_why(const struct swg_circuit *circuit, struct swg_why *out);

struct swg_act {
    uint32_t size;
    const char *user;   /* at most 31 bytes; NULL: the process's login name */
    const char *reason; /* at most 127 bytes, NULL: none */
    swg_ns for_ns;      /* bound of a trip or mode in time; 0: until undone by hand */
    int force;          /* past cooldown */
    const char *source; /* by what means: "cli", "console", "admin", ...; 1 to 15 of a-z, 0-9, '-'
                           and '_', but not "rule"; NULL: "program" */
};
#define SWG_ACT_INIT SWG_SIZED(swg_act)

/*
 * Open it by hand. Holds until a hand's reset or probe, or for_ns, after which it is HALF_OPEN. What is OPEN already is held by the
 * hand from then on, for as long as it says now; that is no other trip, lengthens no later open time, and its age goes on.
 */
SWG_API int swg_circuit_trip(struct swg_circuit *circuit, const struct swg_act *act,
                             struct swg_error *error);
/*
 * Close it by hand. -EAGAIN inside the cooldown after the last trip, unless forced; -EBUSY while
 * isolated or disabled: the error tells who did that, when, and how to undo it.
 */
SWG_API int swg_circuit_reset(struct swg_circuit *circuit, const struct swg_act *act,
                              struct swg_error *error);
/* Let probes through now. -EALREADY unless OPEN; -EAGAIN before open.for has passed where recovery
 * is manual, unless forced. */
SWG_API int swg_circuit_probe(struct swg_circuit *circuit, const struct swg_act *act,
                              struct swg_error *error);
/* Set a mode (SWG_MODE_...), for act->for_ns or until undone. */
SWG_API int swg_circuit_mode(struct swg_circuit *circuit, int mode, const struct swg_act *act,
                             struct swg_error *error);

#ifdef __cplusplus
}
#endif

#endif
