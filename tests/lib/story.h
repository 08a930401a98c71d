/*
 * A story about one circuit: a private panel whose clock stands still until the story moves it, and short words for calls.
 *
 * Public headers only. Settings are those of the preset "default" with jitter and minimum interval off, so that a story says
 * all that matters to it.
 */
#ifndef TESTS_LIB_STORY_H
#define TESTS_LIB_STORY_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "switchgear/switchgear.h"

#define MS(n) ((n)*INT64_C(1000000))
#define S(n)  ((n)*INT64_C(1000000000))
/* A deadline in the panel is rounded up to 2^22 ns, an instant there down. */
#define ROUNDING (INT64_C(1) << 22)

static struct swg_panel *panel;
static struct swg_config *config;
static struct swg_circuit *circuit;
static struct swg_permit latest; /* of the last acquire() */

static inline void set(const char *key, const char *value) {
    struct swg_error error = SWG_ERROR_INIT;

    if (swg_config_set(config, key, value, &error) != 0)
        fail_msg("%s=%s: %s: %s", key, value, error.key, error.text);
}

static inline void preset(const char *name) {
    struct swg_error error = SWG_ERROR_INIT;

    if (swg_config_preset(config, name, &error) != 0)
        fail_msg("preset %s: %s", name, error.text);
}

static inline int begin_story(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;

    (void)state;
    options.virtual_clock = 1;
    options.circuits_max = 8;
    options.columns_max = 2;
    options.slots_max = 4096;
    if (swg_panel_open(&panel, &options, NULL) != 0 || swg_config_new(&config) != 0)
        return -1;
    circuit = NULL;
    set("breaker.open.jitter", "0");
    set("breaker.min_state_transition_interval", "0s");
    return 0;
}

static inline int end_story(void **state) {
    (void)state;
    config = swg_config_unref(config);
    panel = swg_panel_unref(panel);
    return panel == NULL && config == NULL ? 0 : -1;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin_story, end_story)

static inline void make_named(const char *name) {
    struct swg_error error = SWG_ERROR_INIT;

    if (swg_circuit_get(panel, name, config, &circuit, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
}

/* The circuit, as it was set() until now. */
static inline void make(void) {
    make_named("dependency");
}

/* One setting of the circuit that exists. */
static inline void change(const char *key, const char *value) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *one = NULL;

    assert_int_equal(swg_config_new(&one), 0);
    if (swg_config_set(one, key, value, &error) != 0 ||
        swg_circuit_configure(circuit, one, &error) != 0)
        fail_msg("%s=%s: %s", key, value, error.text);
    swg_config_unref(one);
}

/* The panel's clock. */
static inline swg_ns now(void) {
    return swg_panel_now(panel);
}

static inline void advance(swg_ns by) {
    assert_int_equal(swg_panel_advance(panel, by), 0);
}

/* ---- calls */

static inline int acquire(void) {
    return swg_acquire_at(circuit, NULL, now(), &latest);
}

static inline void record_permit(struct swg_permit *of, int outcome, swg_ns duration) {
    assert_int_equal(swg_record_at(of, outcome, NULL, now(), duration), 0);
}

static inline void call_taking(int outcome, swg_ns duration) {
    assert_int_equal(acquire(), SWG_GO);
    record_permit(&latest, outcome, duration);
}

static inline void call(int outcome) {
    call_taking(outcome, 0);
}

static inline void calls(unsigned count, int outcome) {
    while (count-- > 0)
        call(outcome);
}

static inline void assert_rejected(void) {
    assert_int_equal(acquire(), SWG_OPEN);
    assert_int_equal(latest.opaque[0], 0);
}

/* ---- what people see */

static inline struct swg_status status(void) {
    struct swg_status out = SWG_STATUS_INIT;

    assert_int_equal(swg_circuit_status(circuit, &out), 0);
    return out;
}

static inline struct swg_why why(void) {
    struct swg_why out = SWG_WHY_INIT;

    assert_int_equal(swg_circuit_why(circuit, &out), 0);
    return out;
}

#define assert_state(wanted) assert_string_equal(swg_state_name(status().state), #wanted)
#define assert_open_by(wanted)                                       \
    do {                                                             \
        assert_state(OPEN);                                          \
        assert_string_equal(swg_rule_name(status().rule), (wanted)); \
    } while (0)

/* ---- hands */

static inline int hand(int (*act)(struct swg_circuit *, const struct swg_act *, struct swg_error *),
                       swg_ns bound, int force) {
    struct swg_act by = SWG_ACT_INIT;
    struct swg_error error = SWG_ERROR_INIT;

    by.user = "ann";
    by.reason = "a story";
    by.for_ns = bound;
    by.force = force;
    return act(circuit, &by, &error);
}

static inline void mode(int to, swg_ns bound) {
    struct swg_act by = SWG_ACT_INIT;

    by.user = "ann";
    by.reason = "a story";
    by.for_ns = bound;
    assert_int_equal(swg_circuit_mode(circuit, to, &by, NULL), 0);
}

#endif
