/*
 * A program with many circuits, for the browser tests: it calls all the time, and is told on stdin what its calls come to.
 * Usage: driver PANEL COUNT. It says "ready" once the circuits are there, and "done" after each line it was told:
 *   fail NAME   its calls fail from now on        heal NAME   they succeed again
 *   hold NAME   begins a call that goes on        stop NAME   it is not called any more
 */
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "switchgear/switchgear.h"

#define NAMED      4
#define CIRCUITS   1000
#define BEAT_MS    20
#define CALL_NS    ((swg_ns)2000000)
#define AT_A_TIME  25
#define LINE_ROOM  200
#define ERROR_TEXT "<img src=x onerror=alert(1)> said no"

enum manner { HEALTHY, FAILING, STOPPED };

struct called {
    struct swg_circuit *circuit;
    enum manner manner;
    struct swg_permit held;
};

static struct called circuits[CIRCUITS];
static unsigned count;

static void add(struct swg_panel *panel, const struct swg_config *config, const char *name) {
    struct swg_error error = SWG_ERROR_INIT;

    if (swg_circuit_get(panel, name, config, &circuits[count].circuit, &error) < 0)
        errx(EX_UNAVAILABLE, "%s: %s", name, error.text);
    count++;
}

static void make_circuits(struct swg_panel *panel, unsigned wanted) {
    static const char *const named[NAMED] = { "payments", "ledger", "search", "guarded" };
    struct swg_config *config;
    char name[32];

    if (swg_config_new(&config) != 0 || swg_config_set(config, "breaker.open.for", "1h", NULL) != 0)
        errx(EX_SOFTWARE, "no configuration");
    for (unsigned i = 0; i < NAMED; i++)
        add(panel, config, named[i]);
    for (unsigned i = NAMED; i < wanted; i++) {
        snprintf(name, sizeof(name), "service-%03u", i);
        add(panel, config, name);
    }
    swg_config_unref(config);
}

static void call(struct called *called) {
    struct swg_failure why = SWG_FAILURE_INIT;
    swg_ns now = swg_now();
    struct swg_permit permit;

    why.kind = "refused";
    why.code = 111;
    why.text = ERROR_TEXT;
    if (called->manner == STOPPED || swg_acquire_at(called->circuit, NULL, now, &permit) != SWG_GO)
        return;
    if (called->manner == FAILING)
        swg_record_at(&permit, SWG_FAILURE, &why, now + CALL_NS, CALL_NS);
    else
        swg_record_at(&permit, SWG_SUCCESS, NULL, now + CALL_NS, CALL_NS);
}

/* The named ones every time, the others in turn. */
static void beat(void) {
    static unsigned next = NAMED;

    for (unsigned i = 0; i < NAMED && i < count; i++)
        call(&circuits[i]);
    for (unsigned i = 0; i < AT_A_TIME && count > NAMED; i++) {
        call(&circuits[next]);
        next = next + 1 < count ? next + 1 : NAMED;
    }
}

static struct called *find(const char *name) {
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(swg_circuit_name(circuits[i].circuit), name) == 0)
            return &circuits[i];
    }
    errx(EX_USAGE, "there is no circuit '%s'", name);
}

static void obey(const char *line) {
    char what[16], name[128];

    if (sscanf(line, "%15s %127s", what, name) != 2)
        errx(EX_USAGE, "not understood: %s", line);
    if (strcmp(what, "fail") == 0)
        find(name)->manner = FAILING;
    else if (strcmp(what, "heal") == 0)
        find(name)->manner = HEALTHY;
    else if (strcmp(what, "stop") == 0)
        find(name)->manner = STOPPED;
    else if (strcmp(what, "hold") == 0)
        swg_acquire(find(name)->circuit, NULL, &find(name)->held);
    else
        errx(EX_USAGE, "not understood: %s", line);
    puts("done");
}

static void open_panel(const char *path, struct swg_panel **out) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;

    options.path = path;
    options.access = SWG_PANEL_ATTACH;
    options.process_name = "driver";
    if (swg_panel_open(out, &options, &error) < 0)
        errx(EX_UNAVAILABLE, "%s: %s", path, error.text);
}

int main(int argc, char **argv) {
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    struct swg_panel *panel;
    char line[LINE_ROOM];

    if (argc != 3 || atoi(argv[2]) < NAMED || atoi(argv[2]) > CIRCUITS)
        errx(EX_USAGE, "usage: driver PANEL COUNT (%d to %d)", NAMED, CIRCUITS);
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0); /* what is buffered, poll() would not see */
    open_panel(argv[1], &panel);
    make_circuits(panel, (unsigned)atoi(argv[2]));
    puts("ready");
    for (;;) {
        beat();
        if (poll(&in, 1, BEAT_MS) <= 0)
            continue;
        if (!fgets(line, sizeof(line), stdin))
            break;
        obey(line);
    }
    swg_panel_unref(panel);
    return 0;
}
