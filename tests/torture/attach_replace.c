/*
 * The panel's files are removed again and again under processes and threads that use them. Nobody
 * may fall over, and when it ends all must meet in one file.
 */
#include "attach_lib.h"

#include <pthread.h>

#define PROCESSES 3u
#define THREADS   2u

static _Atomic uint64_t *inodes;
static _Atomic uint32_t *phase, *done, *steps;

static void call_once(struct swg_circuit *circuit) {
    struct swg_permit permit;
    int rc = swg_acquire(circuit, NULL, &permit);
    if (rc < 0)
        give_up("acquire: %d", rc);
    if (rc == SWG_GO && (rc = swg_record(&permit, SWG_SUCCESS)) != 0)
        give_up("record: %d", rc);
}

static void *uses(void *arg) {
    struct swg_panel *panel = arg;
    struct swg_circuit *circuit = NULL;
    for (unsigned i = 0; swgi_load(phase) == 0; i++) {
        int rc = swg_circuit_get(panel, i % 3 == 0 ? "a" : "b", NULL, &circuit, NULL);
        if (rc != 0 && rc != -EAGAIN)
            give_up("get: %d", rc);
        for (unsigned calls = 0; rc == 0 && calls < 20; calls++)
            call_once(circuit);
        rc = swg_panel_poll(panel);
        if (rc < 0 && rc != -EAGAIN)
            give_up("poll: %d", rc);
        swgi_add(steps, 1);
    }
    return NULL;
}

static void process(void *inode) {
    struct swg_panel_options options = options_for(8);
    struct swg_panel *panel = open_panel(&options);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        MUST(pthread_create(&threads[i], NULL, uses, panel) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    MUST(swg_panel_poll(panel) >= 0);
    swgi_store((_Atomic uint64_t *)inode, ((struct swgi_map *)swgi_load(&panel->map))->inode);
    swgi_add(done, 1);
    while (swgi_load(done) < PROCESSES)
        sched_yield();
    struct swgi_map *map = swgi_load(&panel->map);
    MUST(swgi_processes_alive(map) >= 1);
    swg_panel_unref(panel);
}

/*
 * Each mapping stays until its process ends, so there is a bound to how many replacements one can
 * follow.
 */
static void one_story(unsigned replacements) {
    swgi_store(phase, 0);
    swgi_store(done, 0);
    for (unsigned i = 0; i < PROCESSES; i++)
        start(process, (void *)&inodes[i]);
    for (unsigned i = 0; i < replacements; i++) {
        for (uint32_t before = swgi_load(steps); swgi_load(steps) - before < 4;)
            if (waitpid(-1, NULL, WNOHANG) != 0)
                give_up("a child ended in the middle of its work");
            else
                sched_yield();
        some_time(2000000);
        unlink(panel_file);
        if (i % 5 == 0)
            unlink(lock_file);
    }
    swgi_store(phase, 1);
    join_all(PROCESSES);
    for (unsigned i = 1; i < PROCESSES; i++)
        MUST(swgi_load(&inodes[i]) == swgi_load(&inodes[0]));
}

int main(void) {
    begin();
    inodes = shared_memory(4096);
    phase = shared_memory(64);
    done = shared_memory(64);
    steps = shared_memory(64);
    uint64_t count = rounds(10, 2);
    for (uint64_t i = 0; i < count; i++)
        one_story(100);
    remove_folder();
    printf("%llu files replaced under %u processes of %u threads\n",
           (unsigned long long)count * 100, PROCESSES, THREADS);
    return 0;
}
