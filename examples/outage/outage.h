/* An outage to watch: what its files share. */
#ifndef OUTAGE_H
#define OUTAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <switchgear/switchgear.h>

#define CIRCUIT         "demo"
#define WORKERS         4 /* on each side */
#define INTERVAL_MS     50
#define CALL_TIMEOUT_MS 1000
#define SLOW_MS         250
#define TICK_MS         500
#define PANEL_CIRCUITS  16 /* the defaults would take 40 MB, for one circuit */
#define PANEL_COLUMNS   16
#define NS_PER_MS       INT64_C(1000000)

enum { PROTECTED, UNPROTECTED, SIDES };
enum { HEALTHY, HUNG, DEAD, SLOW, RECOVERED, PHASES };

/* Counted by the workers, in memory that they share with the process that shows it. */
struct counts {
    atomic_ullong answered, failed, rejected;
    atomic_ullong skipped;   /* came due while the worker was still waiting for an earlier one */
    atomic_ullong waited_ns; /* in calls a hung or dead server left without an answer */
    /* The first answer to each worker since the server is well again; 0: none yet. */
    atomic_llong served_at[WORKERS];
};

struct shared {
    atomic_int phase;
    atomic_uint ready;
    struct counts sides[SIDES];
};

/* The same numbers, at one moment. */
struct tally {
    uint64_t answered, failed, rejected, skipped;
    double waited_s;
};

struct outage {
    struct shared *shared;
    char folder[256], panel_path[280], server_path[512];
    int janitor; /* closing it, or dying, sets the janitor to work */
    pid_t janitor_pid, servers[SIDES], workers[SIDES][WORKERS];
    int ports[SIDES];
    struct swg_panel *panel; /* looked at only */
    struct swg_circuit *circuit;
    uint64_t cursor; /* into the panel's events */
    swg_ns phase_at[PHASES], detected_at;
    struct tally start[SIDES], tick[SIDES];
    int phase_seconds;
    bool hold, colour;
};

/* process.c: everything that is started, and that it all ends. Each returns false after telling why. */
bool start_janitor(struct outage *outage);
bool start_server(struct outage *outage, int side, const char *mode);
bool start_worker(struct outage *outage, int side, int number);
void signal_servers(const struct outage *outage, int number);
void kill_servers(struct outage *outage);
void stop_everything(struct outage *outage);

/* worker.c: never returns. */
_Noreturn void run_worker(const struct outage *outage, int side, int number);
swg_ns now_ns(void);

/* timeline.c */
bool timeline_open(struct outage *outage);
void timeline_reset(struct outage *outage);
void timeline_head(const struct outage *outage);
void timeline_tick(struct outage *outage, swg_ns start);
void timeline_table(const struct outage *outage);

#endif
