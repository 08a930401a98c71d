/*
 * A program with its own /health: the agent runs inside, on a thread of its own, and watches the program's own panel.
 *
 *     embedded [PORT]         (default: any free port)
 *     curl URL/health         as it prints it
 *
 * It makes ten calls a second to a database that fails for three seconds out of ten, until it is interrupted.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <switchgear/agent.h>
#include <switchgear/switchgear.h>

static volatile sig_atomic_t stopped;

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static int complain(const char *what, const struct swg_error *error) {
    fprintf(stderr, "%s: %s %s\n", what, error->key, error->text);
    return 1;
}

static int query_database(unsigned call) {
    return call % 100 < 70;
}

static void work(struct swg_circuit *database) {
    const struct timespec pause = { .tv_nsec = 100000000 };

    for (unsigned call = 0; !stopped; call++) {
        struct swg_permit permit;

        if (swg_acquire(database, NULL, &permit) == SWG_GO)
            swg_record(&permit, query_database(call) ? SWG_SUCCESS : SWG_FAILURE);
        nanosleep(&pause, NULL);
    }
}

int main(int argc, char **argv) {
    struct swg_agent_options options = SWG_AGENT_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *panel = NULL;
    struct swg_circuit *database = NULL;
    struct swg_agent *agent = NULL;
    char listen[64];

    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    if (swg_panel_open(&panel, NULL, &error) != 0)
        return complain("panel", &error);
    if (swg_circuit_get(panel, "database", NULL, &database, &error) != 0)
        return complain("circuit", &error);

    snprintf(listen, sizeof(listen), "127.0.0.1:%d", argc > 1 ? atoi(argv[1]) : 0);
    options.listen = listen;
    options.public_reads = 1; /* on loopback; acts by hand need a token all the same */
    if (swg_agent_start(&agent, panel, &options, &error) != 0)
        return complain("agent", &error);
    printf("http://127.0.0.1:%d\n", swg_agent_port(agent));
    fflush(stdout);

    work(database);
    agent = swg_agent_stop(agent);
    panel = swg_panel_unref(panel);
    return 0;
}
