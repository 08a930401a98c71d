/*
 * What the measurements of the agent need done on its panel by somebody else: circuits made, calls made and timed, a circuit
 * tripped at a known moment, a file loaded. Public headers alone.
 *
 *   driver PANEL make COUNT        COUNT circuits with a few calls each, some of which failed
 *   driver PANEL call SECONDS      calls as fast as they go; nanoseconds a call, and calls that were not let through
 *   driver PANEL trip NAME         trips it; the CLOCK_MONOTONIC nanosecond before
 *   driver PANEL load FILE COUNT   loads it COUNT times; milliseconds of each after the first
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <switchgear/switchgear.h>

#define BATCH      1000
#define BATCHES    1000000
#define CALLS_EACH 20

static int64_t monotonic_ns(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int fault(const char *what, int rc, const struct swg_error *error) {
    fprintf(stderr, "driver: %s: %s\n", what, error->text[0] ? error->text : swg_strerror(rc));
    return EX_SOFTWARE;
}

static void call(struct swg_circuit *circuit, int outcome) {
    struct swg_permit permit;

    if (swg_acquire(circuit, NULL, &permit) == SWG_GO)
        swg_record(&permit, outcome);
}

static int make(struct swg_panel *panel, int count) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_circuit *circuit;
    char name[32];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "circuit-%d", i);
        int rc = swg_circuit_get(panel, name, NULL, &circuit, &error);
        if (rc != 0)
            return fault(name, rc, &error);
        for (int j = 0; j < CALLS_EACH; j++)
            call(circuit, j % 5 ? SWG_SUCCESS : SWG_FAILURE);
    }
    return 0;
}

static int by_size(const void *a, const void *b) {
    const int64_t *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

/* A batch of calls is one measurement: a clock read costs more than a call. */
static int call_for(struct swg_panel *panel, double seconds) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_circuit *circuit;
    int64_t *batches = calloc(BATCHES, sizeof(*batches)), end, before;
    size_t count = 0;
    uint64_t refused = 0;
    int rc = swg_circuit_get(panel, "circuit-0", NULL, &circuit, &error);

    if (rc != 0 || batches == NULL)
        return fault("circuit-0", rc, &error);
    end = monotonic_ns() + (int64_t)(seconds * 1e9);
    for (before = monotonic_ns(); before < end && count < BATCHES; count++) {
        struct swg_permit permit;

        for (int i = 0; i < BATCH; i++) {
            refused += swg_acquire(circuit, NULL, &permit) != SWG_GO;
            swg_record(&permit, SWG_SUCCESS);
        }
        int64_t after = monotonic_ns();
        batches[count] = after - before;
        before = after;
    }
    qsort(batches, count, sizeof(*batches), by_size);
    printf("%.2f %.2f %llu\n", (double)batches[count / 2] / BATCH,
           (double)batches[count - 1 - count / 100] / BATCH, (unsigned long long)refused);
    free(batches);
    return 0;
}

static int trip(struct swg_panel *panel, const char *name) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_act act = SWG_ACT_INIT;
    struct swg_circuit *circuit;
    int64_t before;
    int rc = swg_circuit_get(panel, name, NULL, &circuit, &error);

    act.reason = "measured";
    if (rc != 0)
        return fault(name, rc, &error);
    before = monotonic_ns();
    rc = swg_circuit_trip(circuit, &act, &error);
    if (rc != 0)
        return fault(name, rc, &error);
    printf("%lld\n", (long long)before);
    return 0;
}

static int load(struct swg_panel *panel, const char *file, int count) {
    struct swg_error error = SWG_ERROR_INIT;

    for (int i = 0; i <= count; i++) {
        int64_t before = monotonic_ns();
        int rc = swg_panel_load(panel, file, &error);

        if (rc != 0)
            return fault(file, rc, &error);
        if (i > 0)
            printf("%.2f\n", (double)(monotonic_ns() - before) / 1e6);
    }
    return 0;
}

int main(int argc, char **argv) {
    struct swg_panel_options place = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *panel;
    int rc, status = EX_USAGE;

    if (argc < 4)
        return EX_USAGE;
    place.path = argv[1];
    place.circuits_max = 2048;
    rc = swg_panel_open(&panel, &place, &error);
    if (rc == -ERANGE) { /* somebody else chose its size */
        place.circuits_max = 0;
        rc = swg_panel_open(&panel, &place, &error);
    }
    if (rc != 0)
        return fault(argv[1], rc, &error);
    if (strcmp(argv[2], "make") == 0)
        status = make(panel, atoi(argv[3]));
    else if (strcmp(argv[2], "call") == 0)
        status = call_for(panel, atof(argv[3]));
    else if (strcmp(argv[2], "trip") == 0)
        status = trip(panel, argv[3]);
    else if (strcmp(argv[2], "load") == 0 && argc > 4)
        status = load(panel, argv[3], atoi(argv[4]));
    swg_panel_unref(panel);
    return status;
}
