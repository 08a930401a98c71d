/*
 * What simulated callers act upon: one panel file, opened once for each of them, so that each is a process to the others; a
 * circuit; scripts of operations; and the history they leave.
 */
#ifndef TESTS_INTERLEAVE_WORLD_H
#define TESTS_INTERLEAVE_WORLD_H

#include "engine/engine.h"
#include "scheduler.h"

#define OPERATIONS_MAX 32u
#define PERMITS_MAX    6u
#define SECOND         INT64_C(1000000000)

enum operation_kind { ACQUIRE, RECORD, CANCEL, ADVANCE, TRIP, RESET, MODE, CONFIGURE, GET, FIND };

struct operation {
    /* Asked for. */
    unsigned caller;
    enum operation_kind kind;
    unsigned permit;  /* which of the caller's */
    int64_t argument; /* outcome, nanoseconds, mode, number of a name or configuration */
    int64_t duration; /* RECORD: how long the call took */
    /* Found. */
    bool begun, ended;
    uint64_t from, to; /* accesses to shared memory before and after; to: UINT64_MAX when killed */
    int64_t clock_from, clock_to;
    int rc;
    struct swgi_ticket ticket; /* of the permit that was got or ended */
    int granted_by;            /* the operation that got the permit; -1: it had none */
    uint32_t index, life;      /* GET, FIND */
};

struct caller_state {
    struct swg_panel *panel;
    struct swg_circuit *circuit;
    struct swgi_thread thread;
    struct swg_permit permits[PERMITS_MAX];
    int granted_by[PERMITS_MAX];
    int doing; /* the operation under way, -1 none */
    bool dead;
};

struct world {
    unsigned callers, count; /* of callers, of operations */
    struct operation operations[OPERATIONS_MAX];
    struct caller_state of[CALLERS_MAX];
    struct swgi_map *map;   /* the first caller's */
    struct swgi_cell *cell; /* of the circuit that is watched */
    struct swg_config *configs[4];
    uint64_t kills;
    /* The watch. */
    uint64_t ctl;
    uint64_t probe_seen[SWGI_PROBES_MAX][CALLERS_MAX];
    bool hands_act, modes_change, registry_moves; /* what the story does beside calls */
    uint64_t transitions;
    bool unwatched;  /* callers are processes: nobody can look between two accesses */
    bool show;       /* print each change of ctl and of the count window */
    char wrong[160]; /* the first thing that was; empty: nothing */
    /* The panel as it is restored before each run. */
    unsigned char *image;
    uint64_t image_size;
};

/* settings: key, value, ..., NULL. Aborts with a message when the panel cannot be made. */
void world_begin(struct world *world, const char *const *settings);
void world_end(struct world *world);
/* To be called after the circuit was brought to where each run starts. */
void world_keep(struct world *world);
void world_restore(struct world *world);
/* Adds an operation to a caller's script. */
struct operation *world_add(struct world *world, unsigned caller, enum operation_kind kind,
                            unsigned permit, int64_t argument);
/* Runs the scripts. */
void world_run(struct world *world, uint64_t seed, unsigned kills);
void world_turn(struct world *world, struct swgi_turn *turn);
/* The watched cell as every run begins with it. */
const struct swgi_cell *world_image_cell(const struct world *world);
int64_t world_clock(const struct world *world);
/* Notes what is wrong, the first time. Always false. */
bool world_wrong(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void world_print(const struct world *world);
/* Calls = outcomes + cancelled + late + in flight, give or take one for each kill. */
bool world_counts_add_up(struct world *world);
/* Nobody was killed, so the winner of the last transition has noted when it was. */
bool world_since_is_of_now(struct world *world);
uint64_t world_accesses(void);

#endif
