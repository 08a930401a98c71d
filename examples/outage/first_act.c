/*
 * The first act: an outage.
 *
 * Two instances of one HTTP server suffer the same fate at the same time. Four processes call the first through a circuit that
 * they share, four call the second without. Both are healthy, then hung (SIGSTOP: a connection, and no answer), dead
 * (SIGKILL: refused), back but slow, and healthy again.
 */
#include "outage.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char *const healthy[] = { "--mode", "healthy", NULL };
static const char *const slow[] = { "--mode", "slow", NULL };

static bool enter(struct outage *outage, int phase) {
    if (phase == HUNG)
        signal_servers(outage, SIGSTOP);
    if (phase == DEAD)
        kill_servers(outage);
    if (phase == SLOW &&
        !(start_server(outage, PROTECTED, slow) && start_server(outage, UNPROTECTED, slow)))
        return false;
    if (phase == RECOVERED)
        signal_servers(outage, SIGUSR2);
    outage->phase_at[phase] = now_ns();
    outage->shared->phase = phase;
    return true;
}

static enum ending run_phases(struct outage *outage) {
    enum ending ending = GOES_ON;

    memset(outage->phase_at, 0, sizeof(outage->phase_at));
    timeline_reset(outage);
    timeline_head(outage);
    outage->began = now_ns();
    for (int phase = HEALTHY; phase < PHASES && ending == GOES_ON; phase++)
        ending =
            enter(outage, phase)
                ? show(outage, now_ns() + outage->phase_seconds * 1000 * NS_PER_MS, timeline_tick)
                : BROKEN;
    if (ending == GOES_ON)
        timeline_table(outage);
    return ending;
}

static void print_story(const struct outage *outage) {
    printf(" One HTTP server, twice. Four processes call each of them, every %d ms, and\n"
           " wait up to %d s for an answer. The first four share a breaker, which opens after\n"
           " three failures in a row, or when half of ten calls take over %d ms. Both\n"
           " servers are healthy, then hung, killed, back but slow, and healthy again.\n",
           INTERVAL_MS, CALL_TIMEOUT_MS / 1000, SLOW_MS);
    if (outage->hold)
        print_commands(outage, CIRCUIT);
    fflush(stdout);
}

enum ending run_first_act(struct outage *outage) {
    enum ending ending = raise_curtain(outage, healthy, CIRCUIT);

    if (ending != GOES_ON)
        return ending;
    if (!outage->introduced)
        print_story(outage);
    return run_phases(outage);
}
