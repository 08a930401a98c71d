/*
 * The second act: a rush.
 *
 * Nothing is broken: the servers answer as fast as ever, so many calls at once. But fifty times as many come. Both sides get the
 * same calls at the same moments, with the same timeout and the same number of attempts.
 */
#include "outage.h"

#include <stdio.h>
#include <string.h>

#define TEXT_OF(number)  #number
#define VALUE_OF(number) TEXT_OF(number)

const int burst_phase_ms[BURST_PHASES] = { 4000, 6000, 8000 };

/* One answer in twenty-five is an error, so that there is something to retry on a good day too. */
static const char *const busy[] = { "--threads",
                                    VALUE_OF(AT_ONCE),
                                    "--takes",
                                    VALUE_OF(TAKES_MS),
                                    "--queue",
                                    "100",
                                    "--errors-every",
                                    "25",
                                    NULL };

static const char *const shedding[][2] = { { "shed.call_load_above", "100" },
                                           { "shed.system_load_above", "0.01" } };
static const char *const no_shedding[][2] = { { "shed.call_load_above", "off" } };

int burst_phase(swg_ns began, swg_ns at) {
    int phase = 0;

    for (swg_ns ends = began; phase < BURST_PHASES; phase++) {
        ends += burst_phase_ms[phase] * NS_PER_MS;
        if (at < ends)
            break;
    }
    return phase;
}

/* As the person on call would: a policy switched on and off while the calls go on. */
static bool change(struct outage *outage, const char *const settings[][2], size_t count) {
    struct swg_config *config = configure(settings, count);
    struct swg_error error = SWG_ERROR_INIT;
    bool changed = swg_circuit_configure(outage->circuit, config, &error) == 0;

    if (!changed)
        fprintf(stderr, "outage: the circuit cannot be configured: %s\n", error.text);
    swg_config_unref(config);
    return changed;
}

static bool enter(struct outage *outage, int phase) {
    if (phase == DURING)
        return change(outage, shedding, 2);
    return phase != AFTER || change(outage, no_shedding, 1);
}

static void print_story(const struct outage *outage) {
    printf("\n One server that takes %d calls at once, %d ms each, twice. Nothing is broken,\n"
           " but for %d s %d times as many calls come. Who has no answer within %d s tries\n"
           " again, up to %d times in all. The protected processes share a circuit: %d calls\n"
           " at once, a queue of ten, urgent calls first; retries are a tenth of the calls\n"
           " and one a second at most; heavy calls are shed while the burst lasts.\n",
           AT_ONCE, TAKES_MS, burst_phase_ms[DURING] / 1000, BURST_TIMES, BURST_TIMEOUT_MS / 1000,
           ATTEMPTS, AT_ONCE);
    if (outage->hold)
        print_commands(outage, BURST_CIRCUIT);
    fflush(stdout);
}

static enum ending run_phases(struct outage *outage) {
    enum ending ending = GOES_ON;
    swg_ns ends = now_ns();

    outage->shared->burst.began = outage->began = ends;
    burst_head(outage);
    for (int phase = 0; phase < BURST_PHASES && ending == GOES_ON; phase++) {
        ends += burst_phase_ms[phase] * NS_PER_MS;
        ending = enter(outage, phase) ? show(outage, ends, burst_tick) : BROKEN;
    }
    if (ending != GOES_ON)
        return ending;
    burst_table(outage);
    /* Whoever plays with it may well see something else. */
    return burst_held(outage) || outage->hold ? GOES_ON : BROKEN;
}

enum ending run_second_act(struct outage *outage) {
    enum ending ending;

    memset(&outage->shared->burst, 0, sizeof(outage->shared->burst));
    memset(outage->burst_tick, 0, sizeof(outage->burst_tick));
    ending = raise_curtain(outage, busy, BURST_CIRCUIT);
    if (ending != GOES_ON)
        return ending;
    if (!outage->introduced)
        print_story(outage);
    return run_phases(outage);
}
