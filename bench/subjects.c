/* Both sides of each comparison stand here next to each other, so that it can be seen that they are asked for the same. */
#include "subjects.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "machine.h"
#include "report.h"

#define MUTEXES_MAX 64u
#define MS          INT64_C(1000000)
#define S           INT64_C(1000000000)

const char *const bench_window_settings[] = { "breaker.trip.0.failure_rate.percent=50",
                                              "breaker.trip.0.failure_rate.window=30s",
                                              "breaker.trip.1.slow_rate.percent=50",
                                              "breaker.trip.1.slow_rate.window=30s",
                                              "breaker.slow_call_duration=100ms",
                                              "breaker.histogram=yes",
                                              NULL };
const struct mutex_breaker_rules bench_window_rules = { .slice_ns = 2 * S,
                                                        .slices = 15,
                                                        .failure_ppm = 500000,
                                                        .slow_ppm = 500000,
                                                        .calls_min = 10,
                                                        .slow_ns = 100 * MS,
                                                        .histogram = 1,
                                                        .open_ns = 30 * S };

const char *const bench_count_settings[] = { "breaker.trip.0.failure_rate.percent=50",
                                             "breaker.trip.0.failure_rate.calls=100",
                                             "breaker.histogram=no", NULL };
const struct mutex_breaker_rules bench_count_rules = {
    .count_calls = 100, .failure_ppm = 500000, .calls_min = 10, .open_ns = 30 * S
};

const char *const bench_consecutive_settings[] = { "breaker.trip.0.consecutive=5",
                                                   "breaker.histogram=no", NULL };
const struct mutex_breaker_rules bench_consecutive_rules = { .consecutive = 5, .open_ns = 30 * S };

/* A line of its own for each: neighbours in memory must not contend. */
struct slot {
    _Alignas(128) struct mutex_breaker breaker;
};
static struct slot *mutexes;
static unsigned mutexes_count;

bool bench_subjects_init(void) {
    mutexes = bench_crew_shared(MUTEXES_MAX * sizeof *mutexes);
    return mutexes != NULL;
}

struct mutex_breaker *bench_mutex(const struct mutex_breaker_rules *rules) {
    struct mutex_breaker *breaker = &mutexes[mutexes_count++ % MUTEXES_MAX].breaker;
    mutex_breaker_init(breaker, rules, bench_clock_read());
    return breaker;
}

void bench_mutex_forget(void) {
    while (mutexes_count > 0)
        mutex_breaker_deinit(&mutexes[--mutexes_count].breaker);
}

struct swg_panel *bench_panel_open(const struct swg_panel_options *options) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *panel = NULL;
    int rc = swg_panel_open(&panel, options, &error);
    if (rc != 0)
        bench_report_failure("no panel: %s (%s)", error.text, strerror(-rc));
    return panel;
}

static int set(struct swg_config *config, const char *setting, struct swg_error *error) {
    char key[128];
    size_t length = strcspn(setting, "=");
    snprintf(key, sizeof key, "%.*s", (int)length, setting);
    return swg_config_set(config, key, setting + length + 1, error);
}

static int make_circuit(struct swg_panel *panel, const char *name, const char *const *settings,
                        struct swg_circuit **out, struct swg_error *error) {
    struct swg_config *config = NULL;
    int rc = swg_config_new(&config);
    if (rc == 0)
        rc = swg_config_preset(config, "default", error);
    for (; rc == 0 && *settings != NULL; settings++)
        rc = set(config, *settings, error);
    if (rc == 0)
        rc = swg_circuit_get(panel, name, config, out, error);
    swg_config_unref(config);
    return rc;
}

struct swg_circuit *bench_circuit(struct swg_panel *panel, const char *name,
                                  const char *const *settings) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_circuit *circuit = NULL;
    int rc = panel == NULL ? -ENODEV : make_circuit(panel, name, settings, &circuit, &error);
    if (rc != 0 && panel != NULL)
        bench_report_failure("no circuit %s: %s (%s)", name, error.text, strerror(-rc));
    return circuit;
}

static void *hold_column(void *argument) {
    struct bench_holders *holders = argument;
    struct swg_permit permit;
    swg_ns now = swg_now();
    if (swg_acquire_at(holders->circuit, NULL, now, &permit) == SWG_GO)
        swg_record_at(&permit, SWG_SUCCESS, NULL, now, MS);
    pthread_barrier_wait(&holders->called);
    pthread_barrier_wait(&holders->leave);
    return NULL;
}

/* What cannot be made here ends the run: those made already would wait for the others for ever. */
void bench_holders_init(struct bench_holders *holders, struct swg_circuit *circuit,
                        unsigned count) {
    holders->circuit = circuit;
    holders->count = count;
    holders->threads = calloc(count, sizeof *holders->threads);
    pthread_barrier_init(&holders->called, NULL, count + 1);
    pthread_barrier_init(&holders->leave, NULL, count + 1);
    for (unsigned i = 0; i < count; i++)
        if (holders->threads == NULL ||
            pthread_create(&holders->threads[i], NULL, hold_column, holders) != 0) {
            bench_report_failure("thread %u of %u could not be made", i + 1, count);
            exit(EXIT_FAILURE);
        }
    pthread_barrier_wait(&holders->called);
}

void bench_holders_deinit(struct bench_holders *holders) {
    pthread_barrier_wait(&holders->leave);
    for (unsigned i = 0; i < holders->count; i++)
        pthread_join(holders->threads[i], NULL);
    pthread_barrier_destroy(&holders->called);
    pthread_barrier_destroy(&holders->leave);
    free(holders->threads);
}
