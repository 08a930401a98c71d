/*
 * Killed at every instruction: a child does one short thing to a panel file, instruction by instruction under ptrace. What a
 * kill there would leave is the file as it is then, and no lock: each time the file has changed, a copy of it is given to
 * somebody who comes after, must find the panel whole, be able to do everything, and find nothing lost for good. At a few
 * instructions the child really is killed, to show that it comes to the same.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "switchgear/switchgear.h"

#define NAME    "steps"
#define SECONDS INT64_C(1000000000)

static char folder[64], path[96], original[112], copy[112];

static void require(int rc, const char *what) {
    if (rc == 0)
        return;
    fprintf(stderr, "FAIL steps: %s: %s\n", what, swg_strerror(rc));
    exit(1);
}

static struct swg_panel *open_panel(void) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *panel;
    options.path = path;
    options.circuits_max = 3;
    options.columns_max = 4;
    options.histograms_max = 3;
    options.slots_max = 160;
    options.events_max = 64;
    options.virtual_clock = 1;
    options.beyond = SWG_BEYOND_ERROR;
    int rc = swg_panel_open(&panel, &options, &error);
    if (rc != 0)
        fprintf(stderr, "%s\n", error.text);
    require(rc, "open");
    return panel;
}

static struct swg_config *config_of(const char *calls) {
    static const char *const settings[][2] = {
        { "breaker.trip.0.consecutive", "2" },
        { "breaker.trip.1.failure_rate.percent", "60" },
        { "breaker.trip.2.failures.weight", "50" },
        { "breaker.trip.2.failures.window", "30s" },
        { "breaker.min_state_transition_interval", "0s" },
        { "breaker.open.for", "5s" },
        { "breaker.success_threshold", "1" },
    };
    struct swg_config *config;
    require(swg_config_new(&config), "config");
    for (unsigned i = 0; i < sizeof(settings) / sizeof(*settings); i++)
        require(swg_config_set(config, settings[i][0], settings[i][1], NULL), settings[i][0]);
    require(swg_config_set(config, "breaker.trip.1.failure_rate.calls", calls, NULL), "calls");
    return config;
}

static struct swg_circuit *circuit_of(struct swg_panel *panel, const char *name) {
    struct swg_config *config = config_of("10");
    struct swg_circuit *circuit;
    int rc = swg_circuit_get(panel, name, config, &circuit, NULL);
    /* A full panel gives the places of the idle away, two sweeps after they were last used. */
    for (unsigned i = 0; rc == -ENOSPC && i < 4; i++) {
        swg_panel_advance(panel, 11 * SECONDS);
        rc = swg_circuit_get(panel, name, config, &circuit, NULL);
    }
    require(rc, name);
    swg_config_unref(config);
    return circuit;
}

static int call(struct swg_circuit *circuit, int outcome) {
    struct swg_permit permit;
    int rc = swg_acquire(circuit, NULL, &permit);
    return rc == SWG_GO ? swg_record(&permit, outcome) : rc;
}

/* ---- what the child does: before is not stepped through */

struct deed {
    const char *name;
    void (*before)(struct swg_panel *, struct swg_circuit *);
    void (*deed)(struct swg_panel *, struct swg_circuit *);
};

static void one_failure(struct swg_panel *panel, struct swg_circuit *circuit) {
    (void)panel;
    call(circuit, SWG_FAILURE);
}

static void one_success(struct swg_panel *panel, struct swg_circuit *circuit) {
    (void)panel;
    call(circuit, SWG_SUCCESS);
}

static void open_and_due(struct swg_panel *panel, struct swg_circuit *circuit) {
    call(circuit, SWG_FAILURE);
    call(circuit, SWG_FAILURE);
    swg_panel_advance(panel, 6 * SECONDS);
}

static void full_window(struct swg_panel *panel, struct swg_circuit *circuit) {
    (void)panel;
    for (unsigned i = 0; i < 13; i++)
        call(circuit, i % 3 == 0 ? SWG_FAILURE : SWG_SUCCESS);
}

static void next_slice(struct swg_panel *panel, struct swg_circuit *circuit) {
    full_window(panel, circuit);
    swg_panel_advance(panel, 7 * SECONDS);
}

static void make(struct swg_panel *panel, struct swg_circuit *circuit) {
    (void)circuit;
    circuit_of(panel, "second");
}

/* Every place taken, and idle since the sweep before last. */
static void all_idle(struct swg_panel *panel, struct swg_circuit *circuit) {
    struct swg_circuit *none;
    (void)circuit;
    circuit_of(panel, "second");
    circuit_of(panel, "third");
    swg_panel_advance(panel, 11 * SECONDS);
    swg_circuit_get(panel, "fourth", NULL, &none, NULL);
    swg_panel_advance(panel, 11 * SECONDS);
}

static void evict(struct swg_panel *panel, struct swg_circuit *circuit) {
    struct swg_circuit *fourth;
    (void)circuit;
    swg_circuit_get(panel, "fourth", NULL, &fourth, NULL);
}

static void configure(struct swg_panel *panel, struct swg_circuit *circuit) {
    struct swg_config *config = config_of("30");
    (void)panel;
    swg_circuit_configure(circuit, config, NULL);
    swg_config_unref(config);
}

static void isolate(struct swg_panel *panel, struct swg_circuit *circuit) {
    struct swg_act act = SWG_ACT_INIT;
    (void)panel;
    act.user = "steps";
    act.for_ns = 3 * SECONDS;
    swg_circuit_mode(circuit, SWG_MODE_FORCED_OPEN, &act, NULL);
}

static void nothing(struct swg_panel *panel, struct swg_circuit *circuit) {
    (void)panel, (void)circuit;
}

static const struct deed deeds[] = {
    { "success", nothing, one_success },
    { "trip", one_failure, one_failure },
    { "probe and close", open_and_due, one_success },
    { "probe and open again", open_and_due, one_failure },
    { "count window", full_window, one_failure },
    { "time window", next_slice, one_success },
    { "create", nothing, make },
    { "evict", all_idle, evict },
    { "configure", full_window, configure },
    { "isolate", nothing, isolate },
};

/* ---- the child, and its steps */

static void child(const struct deed *deed) {
    struct swg_panel *panel = open_panel();
    struct swg_circuit *circuit = circuit_of(panel, NAME);
    deed->before(panel, circuit);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(77);
    raise(SIGSTOP);
    deed->deed(panel, circuit);
    raise(SIGSTOP);
    _exit(0);
}

extern char __executable_start, etext;

/* In this program's own code, which the library is linked into; what libc does in between is one step. */
static bool is_ours(pid_t pid) {
#ifdef __x86_64__
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) != 0)
        return false;
    uintptr_t at = (uintptr_t)registers.rip;
    return at >= (uintptr_t)&__executable_start && at < (uintptr_t)&etext;
#else
    (void)pid;
    return true;
#endif
}

static pid_t start(const struct deed *deed) {
    int status;
    pid_t pid = fork();
    if (pid == 0)
        child(deed);
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        return -1;
    require(WIFSTOPPED(status) ? 0 : -ECHILD, deed->name);
    return pid;
}

/* false: the deed is done. */
static bool step(pid_t pid) {
    int status;
    return ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid &&
           WIFSTOPPED(status) && WSTOPSIG(status) != SIGSTOP;
}

static void finish(pid_t pid) {
    int status;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

/* ---- the one who comes after */

static const char *recover(struct swg_panel *panel, struct swg_circuit *circuit) {
    struct swg_status status = SWG_STATUS_INIT;
    for (unsigned i = 0; i < 6; i++) {
        swg_panel_advance(panel, 6 * SECONDS);
        call(circuit, SWG_SUCCESS);
    }
    require(swg_circuit_status(circuit, &status), "status");
    if (status.state != SWG_STATE_CLOSED || status.mode != SWG_MODE_NORMAL)
        return "it does not come back to CLOSED";
    if (status.in_flight > 1)
        return "more than the killed call is in flight";
    call(circuit, SWG_FAILURE);
    call(circuit, SWG_FAILURE);
    if (call(circuit, SWG_SUCCESS) != SWG_OPEN)
        return "two failures in a row do not open it";
    return NULL;
}

/* Made if need be, and called, so that no sweep takes it for idle. */
static bool is_in_use(struct swg_panel *panel, const char *name, const struct swg_config *config) {
    struct swg_circuit *circuit;
    if (swg_circuit_get(panel, name, config, &circuit, NULL) != 0)
        return false;
    call(circuit, SWG_SUCCESS);
    return true;
}

/* All places at once, each with its slots: what others left idle there is given up, a sweep at a time. */
static bool all_places_in_use(struct swg_panel *panel) {
    struct swg_config *config = config_of("30");
    bool all = false;
    for (unsigned tries = 0; tries < 12 && !all; tries++) {
        swg_panel_advance(panel, 11 * SECONDS);
        all = is_in_use(panel, NAME, config);
        all &= is_in_use(panel, "new-0", config);
        all &= is_in_use(panel, "new-1", config);
    }
    swg_config_unref(config);
    return all;
}

static const char *nothing_is_lost(struct swg_panel *panel) {
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    if (!all_places_in_use(panel))
        return "a circuit's place or its slots are lost";
    swg_panel_poll(panel);
    require(swg_panel_status(panel, &status), "panel status");
    if (status.circuits != 3 || status.slots != 96 || status.histograms != 3)
        return "places, slots or histograms are in use that nobody uses";
    if (status.processes != 1 || status.columns != 1)
        return "the killed one still counts as alive, or has its column";
    return NULL;
}

static const char *events_are_whole(struct swg_panel *panel) {
    struct swg_event event = SWG_EVENT_INIT;
    uint64_t cursor = 0, last[2] = { 0, 0 };
    for (unsigned i = 0; i < 200 && swg_panel_next_event(panel, &cursor, &event) == 1; i++) {
        if (event.kind == 0 || event.kind > SWG_EVENT_CLOCK || event.circuit[0] == '\0' ||
            event.id < last[event.id & 1])
            return "an event is torn";
        last[event.id & 1] = event.id;
    }
    return NULL;
}

static const char *survive(void) {
    struct swg_panel *panel = open_panel();
    struct swg_circuit *circuit = circuit_of(panel, NAME);
    const char *wrong = recover(panel, circuit);
    struct swg_config *config = config_of("20");
    struct swg_act act = SWG_ACT_INIT;
    act.user = "steps";
    act.force = 1;
    if (wrong == NULL && swg_circuit_reset(circuit, &act, NULL) != 0)
        wrong = "it cannot be reset";
    if (wrong == NULL && swg_circuit_configure(circuit, config, NULL) != 0)
        wrong = "it cannot be configured";
    swg_config_unref(config);
    wrong = wrong != NULL ? wrong : nothing_is_lost(panel);
    wrong = wrong != NULL ? wrong : events_are_whole(panel);
    swg_panel_unref(panel);
    return wrong;
}

static void remove_files(const char *name) {
    char lock[112];
    snprintf(lock, sizeof(lock), "%s/%s.v1.lock", folder, name);
    unlink(lock);
    snprintf(lock, sizeof(lock), "%s/%s.v1.panel", folder, name);
    unlink(lock);
}

/* In a process of its own, because what the one before left in memory must not help. */
static int come_after(const struct deed *deed, const char *name, int64_t at) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(30);
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        const char *wrong = survive();
        if (wrong != NULL)
            printf("FAIL steps: %s, killed after %lld instructions: %s\n", deed->name,
                   (long long)at, wrong);
        fflush(stdout);
        _exit(wrong != NULL);
    }
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status))
        printf("FAIL steps: %s, killed after %lld instructions: who came after died\n", deed->name,
               (long long)at);
    return status != 0;
}

struct image {
    const unsigned char *shared; /* the file as the child changes it */
    unsigned char *seen;
    size_t size;
};

static void look_at(struct image *image) {
    struct stat status;
    int fd = open(original, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        require(-errno, original);
    image->size = (size_t)status.st_size;
    image->shared = mmap(NULL, image->size, PROT_READ, MAP_SHARED, fd, 0);
    image->seen = malloc(image->size);
    if (image->shared == MAP_FAILED || image->seen == NULL)
        require(-ENOMEM, original);
    memcpy(image->seen, image->shared, image->size);
    close(fd);
}

static void write_copy(const struct image *image) {
    int fd = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, image->seen, image->size) != (ssize_t)image->size)
        require(-errno, copy);
    close(fd);
}

struct walk {
    int64_t instructions;
    unsigned changes, checked, failed;
};

/* Every instruction; one in so many of the changes is checked. */
static bool walk(const struct deed *deed, unsigned one_in, struct walk *walk) {
    struct image image;
    pid_t pid = start(deed);
    if (pid < 0)
        return false;
    look_at(&image);
    do {
        walk->instructions += is_ours(pid);
        if (memcmp(image.shared, image.seen, image.size) == 0)
            continue;
        memcpy(image.seen, image.shared, image.size);
        if (walk->changes++ % one_in != 0 || walk->failed > 2)
            continue;
        write_copy(&image);
        walk->checked++;
        walk->failed += (unsigned)come_after(deed, "copy", walk->instructions);
        remove_files("copy");
    } while (step(pid));
    finish(pid);
    remove_files(NAME);
    munmap((void *)(uintptr_t)image.shared, image.size);
    free(image.seen);
    return true;
}

static void really_kill(const struct deed *deed, int64_t at, struct walk *walk) {
    int64_t taken = 0;
    pid_t pid = start(deed);
    while (taken < at && step(pid))
        taken += is_ours(pid);
    finish(pid);
    walk->failed += (unsigned)come_after(deed, NAME, at);
    remove_files(NAME);
}

static int every_step(const struct deed *deed, unsigned one_in, unsigned kills) {
    struct walk all = { 0 };
    if (!walk(deed, one_in, &all))
        return -1;
    for (unsigned i = 1; i <= kills; i++)
        really_kill(deed, all.instructions * i / (kills + 1), &all);
    printf("%s: %lld instructions, %u changes of the panel, %u checked, %u killed\n", deed->name,
           (long long)all.instructions, all.changes, all.checked, kills);
    return (int)all.failed;
}

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define TOO_MANY_STEPS true /* thirty times as many, and one thread at a time */
#else
#define TOO_MANY_STEPS false
#endif

int main(void) {
    const char *bound = getenv("BOUND");
    bool small = bound != NULL && strcmp(bound, "small") == 0;
    int failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (TOO_MANY_STEPS) {
        puts("under the thread sanitizer there are too many instructions to step through");
        return 77;
    }
    snprintf(folder, sizeof(folder), "/dev/shm/switchgear-steps-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 2;
    snprintf(path, sizeof(path), "%s/%s", folder, NAME);
    snprintf(original, sizeof(original), "%s/%s.v1.panel", folder, NAME);
    snprintf(copy, sizeof(copy), "%s/copy.v1.panel", folder);
    for (unsigned i = 0; i < sizeof(deeds) / sizeof(*deeds) && failed >= 0; i++) {
        int rc = every_step(&deeds[i], small ? 10 : 1, small ? 0 : 2);
        failed = rc < 0 ? rc : failed + rc;
    }
    rmdir(folder);
    if (failed < 0) {
        puts("a process cannot be traced here: ptrace is not permitted");
        return 77;
    }
    return failed != 0;
}
