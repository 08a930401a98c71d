/* Two things that happen to a server, to watch: what the files share. */
#ifndef OUTAGE_H
#define OUTAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <curl/curl.h>
#include <switchgear/switchgear.h>

#include "burst.h"

#define CIRCUIT         "demo"
#define WORKERS         4 /* on each side */
#define INTERVAL_MS     50
#define CALL_TIMEOUT_MS 1000
#define SLOW_MS         250
#define TICK_MS         500
#define PANEL_CIRCUITS  16 /* the defaults would take 40 MB, for two circuits */
#define PANEL_COLUMNS   16
#define NS_PER_MS       INT64_C(1000000)

enum { PROTECTED, UNPROTECTED, SIDES };
enum { HEALTHY, HUNG, DEAD, SLOW, RECOVERED, PHASES };
enum { BOTH_ACTS, FIRST_ACT, SECOND_ACT };
enum ending { GOES_ON, STOPPED, BROKEN };

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
    struct burst burst;
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
    pid_t agent; /* 0: none */
    int agent_port;
    char token[128];
    struct swg_panel *panel; /* of this process, while an act is on */
    struct swg_circuit *circuit;
    uint64_t cursor; /* into the panel's events */
    swg_ns began;    /* the act */
    swg_ns phase_at[PHASES], detected_at;
    struct tally start[SIDES], tick[SIDES];
    struct burst_tally burst_tick[SIDES];
    int phase_seconds;
    int act, only; /* which act is on; which are wanted */
    bool hold, colour, introduced;
};

/* main.c */
enum ending wait_until(struct outage *outage, swg_ns at);
/* A line now and then, the last one at that moment. */
enum ending show(struct outage *outage, swg_ns until, void (*tick)(struct outage *));
/* For both sides: servers with these arguments (the last is NULL), their workers, and a look at the circuit they made. */
enum ending raise_curtain(struct outage *outage, const char *const *arguments, const char *circuit);
/* The program beside us in the build folder; false: it is not there. */
bool program_path(const struct outage *outage, char *path, size_t size);
void print_commands(const struct outage *outage, const char *circuit);

/* first_act.c, second_act.c: one performance. */
enum ending run_first_act(struct outage *outage);
enum ending run_second_act(struct outage *outage);

/* process.c: everything that is started, and that it all ends. Each returns false after telling why. */
bool complain(const char *what);
/* In the child: end with the parent, leave Ctrl-C to it, and take signals as usual otherwise. */
void become_child(pid_t parent);
bool start_janitor(struct outage *outage);
bool start_server(struct outage *outage, int side, const char *const *arguments);
bool start_worker(struct outage *outage, int side, int number);
void signal_servers(const struct outage *outage, int number);
void kill_servers(struct outage *outage);
void drop_curtain(struct outage *outage);
void stop_everything(struct outage *outage);

/* worker.c: the first never returns; the others serve the workers of both acts. */
_Noreturn void run_worker(const struct outage *outage, int side, int number);
_Noreturn void give_up(const char *what, const char *why);
CURL *new_transfer(const struct outage *outage, int side);
struct swg_panel *open_panel(const struct outage *outage);
struct swg_config *configure(const char *const settings[][2], size_t count);
swg_ns now_ns(void);
void sleep_until(swg_ns at);

/* agent.c: an agent on the panel, where the program has one. */
bool start_agent(struct outage *outage);
void print_addresses(const struct outage *outage);
void stop_agent(struct outage *outage);

/* timeline.c */
bool timeline_open(struct outage *outage, const char *circuit);
void timeline_reset(struct outage *outage);
void timeline_head(const struct outage *outage);
void timeline_tick(struct outage *outage);
void timeline_table(const struct outage *outage);
void table_head(void);
void table_row(const char *what, uint64_t of_protected, uint64_t of_unprotected);
/* Below 0: the text instead. */
void table_row_of(const char *what, double of_protected, double of_unprotected,
                  const char *without);

#endif
