/*
 * The storm: processes that call through one panel file while they are killed and stopped at random and started again.
 *
 * Meanwhile workers check what they can see (storm_ledger.h); afterwards counters, generations and events are held against
 * what the workers had noted, and one healthy process must bring every circuit back and find nothing lost for good.
 *
 * Usage: storm. BOUND=small is short, BOUND=none goes on until stopped.
 */
#include "storm_worker.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define LONGEST_NS INT64_C(240000000000)

static struct {
    char folder[96], ledger[128];
    uint64_t operations, kills, stops, events, wanted_operations, wanted_kills;
    uint64_t cursor, next_id[2];
    struct swgi_random random;
    struct swg_panel *panel;
    struct swg_circuit *circuits[CIRCUITS];
} storm;

static uint64_t operations(void) {
    uint64_t sum = 0;
    for (unsigned w = 0; w < WORKERS; w++)
        for (unsigned i = 0; i < THREADS; i++)
            sum += atomic_load(&ledger->places[w].threads[i].operations);
    return sum;
}

/* ---- events, read while they are written */

static bool legal(const struct swg_event *event) {
    if (event->kind != SWG_EVENT_TRANSITION)
        return event->kind > SWG_EVENT_TRANSITION && event->kind <= SWG_EVENT_CLOCK;
    int from = event->from, to = event->to;
    return (from == SWG_STATE_CLOSED && to == SWG_STATE_OPEN) ||
           (from == SWG_STATE_OPEN && to == SWG_STATE_HALF_OPEN) || from == SWG_STATE_HALF_OPEN;
}

static void read_events(void) {
    struct swg_event event = SWG_EVENT_INIT;
    for (unsigned i = 0; i < 8192; i++) {
        int rc = swg_panel_next_event(storm.panel, &storm.cursor, &event);
        if (rc == 0)
            return;
        if (rc != 1)
            continue;
        storm.events++;
        uint64_t *next = &storm.next_id[event.id & 1];
        if (event.id < *next || !legal(&event) || event.circuit[0] == '\0')
            complain("event %llu of kind %d of \"%s\", %d to %d, where %llu was next",
                     (unsigned long long)event.id, event.kind, event.circuit, event.from, event.to,
                     (unsigned long long)*next);
        *next = event.id + 1;
    }
}

/* ---- workers */

static int run_worker(unsigned place) {
    static struct thread threads[THREADS];
    pthread_t ids[THREADS];
    char name[24];
    static const struct kind hand = { "by-hand", 1, false, { { "breaker.probes", "2" } } };
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(name, sizeof(name), "worker-%u", place);
    struct swg_panel *panel = open_storm(name);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i].panel = panel;
        threads[i].thread = i;
        threads[i].tally = &ledger->places[place].threads[i];
        threads[i].by_hand = circuit_of(panel, &hand);
        for (unsigned c = 0; c < CIRCUITS; c++)
            threads[i].circuits[c] = circuit_of(panel, &kinds[c]);
        swgi_random_init(&threads[i].random, swgi_random_seed());
        if (pthread_create(&ids[i], NULL, run_thread, &threads[i]) != 0)
            return 2;
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(ids[i], NULL);
    swg_panel_unref(panel);
    return 0;
}

static void start_worker(unsigned place) {
    char number[8];
    snprintf(number, sizeof(number), "%u", place);
    atomic_fetch_add(&ledger->places[place].lives, 1);
    for (unsigned i = 0; i < THREADS * HELD; i++)
        atomic_store(&ledger->places[place].threads[i / HELD].held[i % HELD].probe, 0);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "storm", "worker", storm.ledger, number, (char *)NULL);
        _exit(2);
    }
    atomic_store(&ledger->places[place].pid, child);
}

static void end_worker(unsigned place, int signal) {
    int status = 0;
    pid_t child = atomic_load(&ledger->places[place].pid);
    if (signal != 0)
        kill(child, signal);
    if (waitpid(child, &status, 0) != child)
        return;
    atomic_store(&ledger->places[place].pid, 0);
    if (signal == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        complain("worker %u ended with status %x", place, status);
    if (signal != 0 && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
        complain("worker %u ended by itself with status %x", place, status);
}

/* Until so much more was done by all, or nobody gets anywhere (all the others wait for the stopped one, which is not theirs). */
static bool more_is_done(uint64_t more, int64_t at_most_ns) {
    uint64_t until = operations() + more;
    int64_t end = swg_now() + at_most_ns;
    while (operations() < until) {
        if (swg_now() > end)
            return false;
        poll(NULL, 0, 1);
    }
    return true;
}

static void change_weather(void) {
    for (unsigned i = 0; i < CIRCUITS; i++)
        if (swgi_random_below(&storm.random, 3) == 0)
            atomic_store(&ledger->failing[i], swgi_random_below(&storm.random, 2) == 0
                                                  ? 90
                                                  : (uint32_t)swgi_random_below(&storm.random, 10));
}

static void kill_one(void) {
    unsigned place = (unsigned)swgi_random_below(&storm.random, WORKERS);
    pid_t child = atomic_load(&ledger->places[place].pid);
    bool stopped = swgi_random_below(&storm.random, 4) == 0;
    if (stopped) {
        kill(child, SIGSTOP);
        storm.stops++;
        if (!more_is_done(5000, 10000000000))
            complain("nobody goes on while worker %u is stopped", place);
    }
    if (stopped && swgi_random_below(&storm.random, 2) == 0) {
        kill(child, SIGCONT);
        return;
    }
    end_worker(place, SIGKILL);
    storm.kills++;
    start_worker(place);
}

static bool is_over(int64_t begin) {
    if (atomic_load(&ledger->complaints) != 0)
        return true;
    storm.operations = operations();
    bool enough = storm.operations >= storm.wanted_operations && storm.kills >= storm.wanted_kills;
    return enough ||
           swg_now() - begin > (storm.wanted_kills == UINT64_MAX ? SWG_NS_MAX / 2 : LONGEST_NS);
}

static void rage(void) {
    int64_t begin = swg_now();
    for (unsigned i = 0; i < WORKERS; i++)
        start_worker(i);
    while (!is_over(begin)) {
        uint64_t more = 2000 + swgi_random_below(&storm.random, 80000);
        if (!more_is_done(more, 20000000000))
            complain("nobody gets anywhere");
        change_weather();
        kill_one();
        read_events();
        if (storm.kills % 16 == 0)
            swg_panel_poll(storm.panel);
    }
    atomic_store(&ledger->stop, 1);
    for (unsigned i = 0; i < WORKERS; i++)
        end_worker(i, 0);
    storm.operations = operations();
}

/* ---- afterwards */

static uint64_t noted(unsigned circuit, size_t of) {
    uint64_t sum = 0;
    for (unsigned w = 0; w < WORKERS; w++)
        for (unsigned i = 0; i < THREADS; i++) {
            const struct tally *tally = &ledger->places[w].threads[i];
            sum += ((const _Atomic uint64_t *)((const char *)tally + of))[circuit];
        }
    return sum;
}

/* Counted by the panel first and by the worker after, or neither: a kill comes between at most once a thread. */
static void compare(unsigned circuit, const char *what, uint64_t panel, uint64_t noted) {
    uint64_t most = storm.kills * THREADS;
    if (panel > noted + most || noted > panel + most)
        complain("%s: %s: panel %llu, workers %llu, %llu killed", kinds[circuit].name, what,
                 (unsigned long long)panel, (unsigned long long)noted,
                 (unsigned long long)storm.kills);
}

static void check_counters(unsigned circuit) {
    struct swg_status s = SWG_STATUS_INIT;
    require(swg_circuit_status(storm.circuits[circuit], &s), "status", NULL);
    uint64_t ended = s.successes + s.failures + s.timeouts + s.ignored + s.cancelled + s.late;
    compare(circuit, "calls", s.calls, noted(circuit, offsetof(struct tally, calls)));
    compare(circuit, "ended", ended, noted(circuit, offsetof(struct tally, ended)));
    compare(circuit, "rejected", s.rejected_open, noted(circuit, offsetof(struct tally, rejected)));
    /* A killed thread leaves all it held in flight, and one call it had ended but not counted. */
    if (ended > s.calls + storm.kills * THREADS ||
        s.calls - ended > storm.kills * THREADS * (HELD + 1))
        complain("%s: %llu calls, %llu ended", kinds[circuit].name, (unsigned long long)s.calls,
                 (unsigned long long)ended);
    if (s.failures + s.timeouts >
        noted(circuit, offsetof(struct tally, failures)) + storm.kills * THREADS)
        complain("%s: more failures than there were", kinds[circuit].name);
    if (s.transitions == 0 && storm.kills >= 100)
        complain("%s never changed its state", kinds[circuit].name);
}

/* Whatever the killed left: a healthy dependency is CLOSED again within seconds. */
static void check_recovery(unsigned circuit) {
    struct swg_status s = SWG_STATUS_INIT;
    struct swg_permit permit;
    int64_t end = swg_now() + INT64_C(20000000000);
    do {
        if (swg_acquire(storm.circuits[circuit], NULL, &permit) == SWG_GO)
            swg_record(&permit, SWG_SUCCESS);
        else
            poll(NULL, 0, 1);
        require(swg_circuit_status(storm.circuits[circuit], &s), "status", NULL);
    } while (s.state != SWG_STATE_CLOSED && swg_now() < end);
    if (s.state != SWG_STATE_CLOSED)
        complain("%s is wedged in %s", kinds[circuit].name, swg_state_name(s.state));
}

static void check_nothing_is_held(void) {
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    swg_panel_poll(storm.panel);
    require(swg_panel_status(storm.panel, &status), "panel status", NULL);
    if (status.processes != 1 || status.columns > 1)
        complain("afterwards %u processes and %u columns", status.processes, status.columns);
    /* Two fixed windows, that of the circuit for hands, and nothing left over. */
    if (status.slots > 32 + 32 + 128 || status.histograms > status.circuits)
        complain("afterwards %u slots and %u histograms of %u circuits", status.slots,
                 status.histograms, status.circuits);
}

static void check_all(void) {
    uint64_t phases = 0;
    for (unsigned i = 0; i < CIRCUITS; i++) {
        check_generations(i, kinds[i].has_ramp, &phases);
        check_counters(i);
        check_recovery(i);
    }
    read_events();
    check_nothing_is_held();
    printf("%s: %llu operations, %llu killed, %llu stopped, %llu generations with calls, %llu "
           "events read\n",
           storm.folder, (unsigned long long)storm.operations, (unsigned long long)storm.kills,
           (unsigned long long)storm.stops, (unsigned long long)phases,
           (unsigned long long)storm.events);
}

/* ---- the stage */

static void map_ledger(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(*ledger)) != 0)
        require(-errno, path, NULL);
    ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ledger == MAP_FAILED)
        require(-errno, path, NULL);
    close(fd);
}

static void begin(const char *where) {
    snprintf(storm.folder, sizeof(storm.folder), "%s/switchgear-storm-XXXXXX", where);
    if (mkdtemp(storm.folder) == NULL)
        require(-errno, where, NULL);
    snprintf(storm.ledger, sizeof(storm.ledger), "%s/ledger", storm.folder);
    map_ledger(storm.ledger);
    snprintf(ledger->panel, sizeof(ledger->panel), "%s/storm", storm.folder);
    swgi_random_init(&storm.random, swgi_random_seed());
    storm.panel = open_storm("storm");
    for (unsigned i = 0; i < CIRCUITS; i++)
        storm.circuits[i] = circuit_of(storm.panel, &kinds[i]);
    storm.cursor = storm.kills = storm.stops = storm.events = 0;
    storm.next_id[0] = storm.next_id[1] = 0;
}

static void end(void) {
    static const char *const files[] = { "ledger", "storm.v1.panel", "storm.v1.lock" };
    char path[160];
    swg_panel_unref(storm.panel);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", storm.folder, files[i]);
        unlink(path);
    }
    rmdir(storm.folder);
    munmap(ledger, sizeof(*ledger));
}

static bool weather(const char *where, uint64_t wanted_operations, uint64_t wanted_kills) {
    storm.wanted_operations = wanted_operations;
    storm.wanted_kills = wanted_kills;
    begin(where);
    rage();
    check_all();
    uint32_t complaints = atomic_load(&ledger->complaints);
    for (uint32_t i = 0; i < complaints && i < MESSAGES; i++)
        printf("FAIL storm: %s\n", ledger->complaint[i]);
    if (storm.wanted_kills != UINT64_MAX &&
        (storm.operations < wanted_operations || storm.kills < wanted_kills)) {
        printf("FAIL storm: too slow for its bound\n");
        complaints++;
    }
    end();
    return complaints == 0;
}

int main(int argc, char **argv) {
    const char *bound = getenv("BOUND");
    bool small = bound != NULL && strcmp(bound, "small") == 0;
    bool endless = bound != NULL && strcmp(bound, "none") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 4 && strcmp(argv[1], "worker") == 0) {
        map_ledger(argv[2]);
        return run_worker((unsigned)atoi(argv[3]));
    }
    if (endless)
        return !weather("/dev/shm", UINT64_MAX, UINT64_MAX);
    bool right = weather("/dev/shm", small ? 100000 : 9000000, small ? 10 : 500);
    return !(weather("/tmp", small ? 50000 : 2000000, small ? 5 : 150) && right);
}
