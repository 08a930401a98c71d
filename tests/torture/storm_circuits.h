/* The storm's circuits: one of each kind, with times so short that each goes through its states many times a second. */
#ifndef TESTS_TORTURE_STORM_CIRCUITS_H
#define TESTS_TORTURE_STORM_CIRCUITS_H

#include "storm_ledger.h"

#include "switchgear/switchgear.h"

#define SETTINGS_MAX 10u

struct kind {
    const char *name;
    unsigned probes;
    bool has_ramp;
    const char *settings[SETTINGS_MAX][2];
};

static const struct kind kinds[CIRCUITS] = {
    { "consecutive", 1, false, { { "breaker.trip.0.consecutive", "3" } } },
    { "probes",
      3,
      false,
      { { "breaker.trip.0.consecutive", "2" },
        { "breaker.probes", "3" },
        { "breaker.success_threshold", "4" } } },
    { "count",
      2,
      false,
      { { "breaker.trip.0.failure_rate.percent", "50" },
        { "breaker.trip.0.failure_rate.calls", "20" },
        { "breaker.probes", "2" } } },
    { "time-rate",
      1,
      false,
      { { "breaker.trip.0.failure_rate.percent", "40" },
        { "breaker.trip.0.failure_rate.window", "150ms" },
        { "breaker.trip.1.slow_rate.percent", "60" },
        { "breaker.trip.1.slow_rate.window", "75ms" },
        { "breaker.slow_call_duration", "1ms" } } },
    { "time-failures",
      2,
      false,
      { { "breaker.trip.0.failures.weight", "12" },
        { "breaker.trip.0.failures.window", "150ms" },
        { "breaker.weights.timeout", "0.5" },
        { "breaker.probes", "2" } } },
    { "detector",
      1,
      false,
      { { "breaker.trip.0.change.healthy", "0.01" },
        { "breaker.trip.0.change.unhealthy", "0.3" } } },
    { "ramp",
      2,
      true,
      { { "breaker.trip.0.consecutive", "3" },
        { "breaker.ramp", "20, 60" },
        { "breaker.ramp_step", "5ms" },
        { "breaker.probes", "2" } } },
    { "total",
      4,
      false,
      { { "breaker.trip.0.failure_rate.percent", "50" },
        { "breaker.trip.0.failure_rate.calls", "10" },
        { "breaker.trip.0.failure_rate.calls_min", "5" },
        { "breaker.half_open.permits", "total" },
        { "breaker.half_open.verdict", "rate" },
        { "breaker.probes", "4" } } },
};

static const char *const common[][2] = {
    { "breaker.open.for", "5ms" },
    { "breaker.min_state_transition_interval", "0s" },
    { "breaker.half_open.max",
      "60s" }, /* far longer than anybody is stopped: no lease ends by time */
};

/* A test's own mistakes and a panel that cannot be used end it at once. */
static void require(int rc, const char *what, const struct swg_error *error) {
    if (rc == 0)
        return;
    fprintf(stderr, "%s: %s %s\n", what, swg_strerror(rc), error != NULL ? error->text : "");
    exit(2);
}

static struct swg_config *config_of(const struct kind *kind) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *config;
    require(swg_config_new(&config), "config", NULL);
    for (unsigned i = 0; i < sizeof(common) / sizeof(*common); i++)
        require(swg_config_set(config, common[i][0], common[i][1], &error), common[i][0], &error);
    for (unsigned i = 0; i < SETTINGS_MAX && kind->settings[i][0] != NULL; i++)
        require(swg_config_set(config, kind->settings[i][0], kind->settings[i][1], &error),
                kind->settings[i][0], &error);
    return config;
}

static struct swg_panel *open_storm(const char *name) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *panel;
    options.path = ledger->panel[0] != '\0' ? ledger->panel : NULL;
    options.circuits_max = CIRCUITS + 8;
    options.columns_max = 16;
    options.histograms_max = CIRCUITS + 4;
    options.slots_max = 512;
    options.events_max = 4096;
    options.beyond = SWG_BEYOND_ERROR;
    options.process_name = name;
    require(swg_panel_open(&panel, &options, &error), "open", &error);
    return panel;
}

/* A panel busy for over 10 ms (its lock's holder is stopped) is asked again. */
static struct swg_circuit *circuit_of(struct swg_panel *panel, const struct kind *kind) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *config = config_of(kind);
    struct swg_circuit *circuit;
    int rc;
    do
        rc = swg_circuit_get(panel, kind->name, config, &circuit, &error);
    while (rc == -EAGAIN);
    require(rc, kind->name, &error);
    swg_config_unref(config);
    return circuit;
}

#endif
