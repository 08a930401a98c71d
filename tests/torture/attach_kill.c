/*
 * Processes are killed while they make, open, use and leave a panel. Whatever was under way, the
 * next one finds a whole panel or none, nothing lies about, and what the dead held is given back.
 */
#include "attach_lib.h"

#define WORKERS 3u

static int files;

static int count_file(const char *name, const struct stat *status, int kind, struct FTW *where) {
    (void)name;
    (void)status;
    (void)where;
    files += kind == FTW_F;
    return 0;
}

/* ---- killed while it makes the file */

static void makes(void *unused) {
    struct swg_panel_options options = options_for(2000);
    (void)unused;
    swg_panel_unref(open_panel(&options));
}

static bool killed_while_making(void) {
    struct swg_panel_options options = options_for(0);
    pid_t child = start(makes, NULL);
    some_time(2000000);
    kill(child, SIGKILL);
    join(child, true);
    files = 0;
    nftw(folder, count_file, 16, FTW_PHYS);
    MUST(files <= 2);
    bool made = access(panel_file, F_OK) == 0;
    MUST(files == (access(lock_file, F_OK) == 0) + made);
    if (made) { /* then whole */
        options.access = SWG_PANEL_ATTACH;
        swg_panel_unref(open_panel(&options));
        MUST(unlink(panel_file) == 0);
    }
    return made;
}

static void kill_makers(uint64_t count) {
    uint64_t made = 0;
    for (uint64_t i = 0; i < count; i++)
        made += killed_while_making();
    printf("%llu makers killed, %llu of them after they had made it\n", (unsigned long long)count,
           (unsigned long long)made);
}

/* ---- killed at anything */

static void work_once(struct swg_panel *panel, unsigned step) {
    struct swg_circuit *circuit = NULL;
    struct swg_permit permit;
    char name[32];
    snprintf(name, sizeof(name), "circuit-%u", step % 12);
    int rc = swg_circuit_get(panel, name, NULL, &circuit, NULL);
    if (rc != 0 && rc != -EAGAIN)
        give_up("get: %d", rc);
    if (rc == 0 && swg_acquire(circuit, NULL, &permit) == SWG_GO)
        swg_record(&permit, step % 7 == 0 ? SWG_FAILURE : SWG_SUCCESS);
    if (step % 16 == 0)
        swg_panel_poll(panel);
}

static void works(void *seed) {
    struct swg_panel_options options = options_for(8);
    for (unsigned step = (unsigned)(uintptr_t)seed;;) {
        struct swg_panel *panel = open_panel(&options);
        for (unsigned end = step + 1 + step % 50; step < end; step++)
            work_once(panel, step);
        swg_panel_unref(panel);
    }
}

/* Everything fits together again: names, leases, slots. */
static void check_panel(void) {
    struct swg_panel_options options = options_for(8);
    struct swg_panel *panel = open_panel(&options);
    struct swgi_map *map = swgi_load(&panel->map);
    swg_panel_poll(panel);
    MUST(swgi_processes_alive(map) == 1);
    MUST(swgi_columns_leased(map) == 0);
    MUST(swgi_registry_lock(map) == 0);
    uint64_t live = 0;
    for (uint32_t c = 0; c < map->geometry.circuits; c++) {
        struct swgi_cell *cell = &map->cells[c];
        uint32_t life = swgi_load(&cell->life), index = 0, found = 0;
        char name[SWGI_NAME_MAX + 1];
        if (life == 0 || (life & 1) != 0)
            continue;
        memcpy(name, cell->name, sizeof(name));
        MUST(swgi_registry_find(map, name, swgi_name_hash(name), &index, &found));
        MUST(index == c && found == life);
        live++;
    }
    MUST(live == swgi_load(&map->header->circuits_live));
    swgi_registry_unlock(map);
    swg_panel_unref(panel);
}

static void kill_workers(uint64_t count) {
    pid_t workers[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++)
        workers[i] = start(works, (void *)(uintptr_t)swgi_random_below(&chance, 1000));
    for (uint64_t kills = 0; kills < count; kills++) {
        unsigned victim = (unsigned)swgi_random_below(&chance, WORKERS);
        some_time(3000000);
        kill(workers[victim], SIGKILL);
        join(workers[victim], true);
        workers[victim] = start(works, (void *)(uintptr_t)swgi_random_below(&chance, 1000));
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        kill(workers[i], SIGKILL);
        join(workers[i], true);
    }
    check_panel();
}

int main(void) {
    begin();
    kill_makers(rounds(200, 40));
    uint64_t count = rounds(20, 3);
    for (uint64_t round = 0; round < count; round++)
        kill_workers(50);
    remove_folder();
    printf("%llu workers killed, the panel was whole each time\n",
           (unsigned long long)count * (50 + WORKERS));
    return 0;
}
