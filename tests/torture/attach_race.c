/*
 * Several processes open a panel that does not exist, at once: all must end in the same file,
 * each with a slot of its own.
 */
#include "attach_lib.h"

#define PROCESSES 6u

struct place {
    _Atomic uint64_t inode, created, owner, incarnation;
};
static struct place *places;
static _Atomic uint32_t *ready, *in;

static void wait_for_all(_Atomic uint32_t *count) {
    swgi_add(count, 1);
    while (swgi_load(count) < PROCESSES)
        sched_yield();
}

static void opens(void *arg) {
    struct place *mine = arg;
    struct swg_panel_options options = options_for(8);
    wait_for_all(ready);
    struct swg_panel *panel = open_panel(&options);
    struct swgi_map *map = swgi_load(&panel->map);
    struct swgi_identity me = swgi_map_identity(map);
    swgi_store(&mine->inode, map->inode);
    swgi_store(&mine->created, map->header->created_wall_ms);
    swgi_store(&mine->owner, me.owner);
    swgi_store(&mine->incarnation, me.incarnation);
    wait_for_all(in);
    MUST(swgi_processes_alive(map) == PROCESSES);
    wait_for_all(in + 1);
    swg_panel_unref(panel);
}

static void one_race(uint64_t round) {
    uint64_t owners = 0;
    struct stat status;
    memset(places, 0, PROCESSES * sizeof(*places));
    swgi_store(ready, 0);
    swgi_store(&in[0], 0);
    swgi_store(&in[1], 0);
    for (unsigned i = 0; i < PROCESSES; i++)
        start(opens, &places[i]);
    join_all(PROCESSES);
    MUST(stat(panel_file, &status) == 0);
    for (unsigned i = 0; i < PROCESSES; i++) {
        MUST(swgi_load(&places[i].inode) == status.st_ino);
        MUST(swgi_load(&places[i].created) == swgi_load(&places[0].created));
        owners |= UINT64_C(1) << swgi_load(&places[i].owner);
    }
    MUST((unsigned)__builtin_popcountll(owners) == PROCESSES);
    MUST(unlink(panel_file) == 0);
    if (round % 2 == 0) /* the lock file outlives the panel as a rule, but need not exist either */
        MUST(unlink(lock_file) == 0);
}

int main(void) {
    begin();
    places = shared_memory(PROCESSES * sizeof(*places));
    ready = shared_memory(64);
    in = shared_memory(64);
    uint64_t count = rounds(1000, 60);
    for (uint64_t round = 0; round < count; round++)
        one_race(round);
    remove_folder();
    printf("%llu races of %u processes, each ended in one file\n", (unsigned long long)count,
           PROCESSES);
    return 0;
}
