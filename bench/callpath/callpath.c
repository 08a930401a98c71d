/*
 * Makes a number of calls of every kind that must cost no allocation and no system call, and counts the allocations of its whole
 * life. Run with another number under `strace -c`, it must show the same counts: what it does before and after is the same.
 *
 * Usage: callpath CALLS DIRECTORY. Makes and removes a panel in that directory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switchgear/switchgear.h"

#define MS INT64_C(1000000)

/* The C library's own, under the names by which it lets programs replace them and still have them. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static unsigned long allocations;

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    allocations++;
    return __libc_realloc(old, size);
}

static void must(int rc, const char *what) {
    if (rc == 0)
        return;
    fprintf(stderr, "callpath: %s: %s\n", what, swg_strerror(rc));
    exit(EXIT_FAILURE);
}

static void set_rule(struct swg_config *config, const char *setting, struct swg_error *error) {
    char key[96];
    size_t length = strcspn(setting, "=");
    snprintf(key, sizeof key, "breaker.trip.0.%.*s", (int)length, setting);
    must(swg_config_set(config, key, setting + length + 1, error), error->text);
}

static struct swg_circuit *make(struct swg_panel *panel, const char *name,
                                const char *const *rule) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_circuit *circuit = NULL;
    struct swg_config *config;
    must(swg_config_new(&config), "no configuration");
    must(swg_config_preset(config, "default", &error), error.text);
    for (; *rule != NULL; rule++)
        set_rule(config, *rule, &error);
    must(swg_config_set(config, "breaker.slow_call_duration", "100ms", &error), error.text);
    must(swg_circuit_get(panel, name, config, &circuit, &error), error.text);
    swg_config_unref(config);
    return circuit;
}

/* Three in ten fail: not enough to trip. */
static int outcome_of(unsigned long number) {
    unsigned long ten = number % 10;
    return ten == 2 || ten == 9 ? SWG_FAILURE : ten == 5 ? SWG_TIMEOUT : SWG_SUCCESS;
}

static void call_in_halves(struct swg_circuit *circuit, unsigned long calls) {
    struct swg_failure why = SWG_FAILURE_INIT;
    why.code = 503;
    why.kind = "http_5xx";
    why.text = "service unavailable";
    for (unsigned long i = 0; i < calls; i++) {
        struct swg_permit permit;
        int outcome = outcome_of(i);
        must(swg_acquire(circuit, NULL, &permit), "not admitted");
        must(swg_record_error(&permit, outcome, outcome == SWG_SUCCESS ? NULL : &why), "record");
        must(swg_acquire(circuit, NULL, &permit), "not admitted");
        must(swg_record(&permit, i % 100 ? SWG_SUCCESS : SWG_IGNORED), "record");
        must(swg_acquire(circuit, NULL, &permit), "not admitted");
        swg_cancel(&permit);
    }
}

static void call_with_time_given(struct swg_circuit *circuit, unsigned long calls) {
    for (unsigned long i = 0; i < calls; i++) {
        struct swg_permit permit;
        swg_ns now = swg_now();
        must(swg_acquire_at(circuit, NULL, now, &permit), "not admitted");
        must(swg_record_at(&permit, outcome_of(i), NULL, now, (swg_ns)(i % 120) * MS), "record");
    }
}

static int succeed(struct swg_attempt *attempt, void *arg) {
    (void)attempt;
    (void)arg;
    return SWG_SUCCESS;
}

static void call_in_one_piece(struct swg_circuit *circuit, unsigned long calls) {
    for (unsigned long i = 0; i < calls; i++)
        must(swg_call(circuit, NULL, succeed, NULL, NULL), "not admitted");
}

static void be_rejected(struct swg_circuit *circuit, unsigned long calls) {
    struct swg_act act = SWG_ACT_INIT;
    act.user = "callpath";
    must(swg_circuit_trip(circuit, &act, NULL), "not tripped");
    for (unsigned long i = 0; i < calls; i++) {
        struct swg_permit permit;
        must(swg_acquire(circuit, NULL, &permit) != SWG_OPEN, "not rejected");
    }
}

static void make_calls(struct swg_panel *panel, unsigned long calls) {
    static const char *const by_count[] = { "failure_rate.percent=60", "failure_rate.calls=100",
                                            NULL };
    static const char *const by_score[] = { "consecutive=5", NULL };
    static const char *const by_time[] = { "failure_rate.percent=60", "failure_rate.window=30s",
                                           NULL };
    struct swg_circuit *count = make(panel, "count", by_count);
    struct swg_circuit *score = make(panel, "score", by_score);
    struct swg_circuit *time = make(panel, "time", by_time);
    call_in_halves(count, calls);
    call_in_halves(score, calls);
    call_in_halves(time, calls);
    call_with_time_given(time, calls);
    call_with_time_given(count, calls);
    call_in_one_piece(time, calls);
    be_rejected(score, calls);
}

int main(int argc, char **argv) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *panel;
    char path[256], file[288];
    if (argc != 3) {
        fprintf(stderr, "usage: callpath CALLS DIRECTORY\n");
        return 64;
    }
    snprintf(path, sizeof path, "%s/callpath", argv[2]);
    options.path = path;
    must(swg_panel_open(&panel, &options, &error), error.text);
    make_calls(panel, strtoul(argv[1], NULL, 10));
    swg_panel_unref(panel);
    snprintf(file, sizeof file, "%s.v1.panel", path);
    unlink(file);
    snprintf(file, sizeof file, "%s.v1.lock", path);
    unlink(file);
    printf("allocations %lu\n", allocations);
    return EXIT_SUCCESS;
}
