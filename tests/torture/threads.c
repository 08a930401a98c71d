/*
 * The storm's work done by threads of one process, where the thread sanitizer sees every access: calls on a circuit of every
 * kind beside creation, eviction, reloads, acts by hand, readers and housekeeping; on private memory and on a file.
 *
 * Nobody is killed, so the counts must be exact. BOUND=small is short, BOUND=none goes on until stopped.
 */
#include "storm_worker.h"

#include <poll.h>
#include <sys/mman.h>

#define CREW (WORKERS * THREADS / 2)

static struct thread crew[CREW];

static uint64_t operations(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < CREW; i++)
        sum += atomic_load(&crew[i].tally->operations);
    return sum;
}

static void prepare(struct swg_panel *panel) {
    static const struct kind hand = { "by-hand", 1, false, { { "breaker.probes", "2" } } };
    for (unsigned i = 0; i < CREW; i++) {
        crew[i] = (struct thread){ .panel = panel, .thread = i % THREADS };
        atomic_store(&ledger->places[i / THREADS].pid, getpid());
        crew[i].tally = &ledger->places[i / THREADS].threads[i % THREADS];
        crew[i].by_hand = circuit_of(panel, &hand);
        for (unsigned c = 0; c < CIRCUITS; c++)
            crew[i].circuits[c] = circuit_of(panel, &kinds[c]);
        swgi_random_init(&crew[i].random, swgi_random_seed());
    }
}

static void work(uint64_t wanted) {
    pthread_t ids[CREW];
    struct swgi_random random;
    swgi_random_init(&random, swgi_random_seed());
    for (unsigned i = 0; i < CREW; i++)
        if (pthread_create(&ids[i], NULL, run_thread, &crew[i]) != 0)
            exit(2);
    while (operations() < wanted && atomic_load(&ledger->complaints) == 0) {
        atomic_store(&ledger->failing[swgi_random_below(&random, CIRCUITS)],
                     swgi_random_below(&random, 2) == 0 ? 90 : 5);
        poll(NULL, 0, 5);
    }
    atomic_store(&ledger->stop, 1);
    for (unsigned i = 0; i < CREW; i++)
        pthread_join(ids[i], NULL);
}

static void check(unsigned circuit) {
    struct swg_status s = SWG_STATUS_INIT;
    uint64_t calls = 0, ended = 0, rejected = 0, phases = 0;
    require(swg_circuit_status(crew[0].circuits[circuit], &s), "status", NULL);
    for (unsigned i = 0; i < CREW; i++) {
        calls += crew[i].tally->calls[circuit];
        ended += crew[i].tally->ended[circuit];
        rejected += crew[i].tally->rejected[circuit];
    }
    uint64_t told = s.successes + s.failures + s.timeouts + s.ignored + s.cancelled + s.late;
    if (s.calls != calls || told != ended || s.rejected_open != rejected || s.in_flight != 0)
        complain(
            "%s: %llu calls of %llu, %llu ended of %llu, %llu rejected of %llu, %lld in flight",
            kinds[circuit].name, (unsigned long long)s.calls, (unsigned long long)calls,
            (unsigned long long)told, (unsigned long long)ended,
            (unsigned long long)s.rejected_open, (unsigned long long)rejected,
            (long long)s.in_flight);
    check_generations(circuit, kinds[circuit].has_ramp, &phases);
}

static bool run(const char *path, uint64_t wanted) {
    ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ledger == MAP_FAILED)
        exit(2);
    snprintf(ledger->panel, sizeof(ledger->panel), "%s", path);
    struct swg_panel *panel = open_storm("threads");
    prepare(panel);
    work(wanted);
    for (unsigned i = 0; i < CIRCUITS; i++)
        check(i);
    uint32_t complaints = atomic_load(&ledger->complaints);
    for (uint32_t i = 0; i < complaints && i < MESSAGES; i++)
        printf("FAIL threads: %s\n", ledger->complaint[i]);
    printf("%llu operations of %u threads on %s\n", (unsigned long long)operations(), CREW,
           path[0] != '\0' ? "a file" : "private memory");
    swg_panel_unref(panel);
    munmap(ledger, sizeof(*ledger));
    return complaints == 0;
}

static bool run_on_file(uint64_t wanted) {
    char folder[] = "/dev/shm/switchgear-threads-XXXXXX", path[96], file[112];
    if (mkdtemp(folder) == NULL)
        exit(2);
    snprintf(path, sizeof(path), "%s/threads", folder);
    bool right = run(path, wanted);
    snprintf(file, sizeof(file), "%s.v1.panel", path);
    unlink(file);
    snprintf(file, sizeof(file), "%s.v1.lock", path);
    unlink(file);
    rmdir(folder);
    return right;
}

int main(void) {
    const char *bound = getenv("BOUND");
    bool endless = bound != NULL && strcmp(bound, "none") == 0;
    uint64_t wanted = bound != NULL && strcmp(bound, "small") == 0 ? 1000000 : 20000000;
    setvbuf(stdout, NULL, _IOLBF, 0);
    bool right = true;
    do
        right = run("", wanted) && run_on_file(wanted);
    while (endless && right);
    return !right;
}
