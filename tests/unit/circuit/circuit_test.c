/* Handles: names that are none, panels that are full, circuits that were evicted, threads and forks in the middle. */
#include "bad_input.h"

#include <stdbool.h>

#include "bound.h"

/* ---- names */

static const char longest[] = "a23456789.b23456789_c23456789:d23456789@e23456789/f23456789-"
                              "g23456789.h23456789_i23456789:j23456789@k23456789/l23456789-"
                              "m234567";

static void assert_name_refused(struct swg_panel *panel, const char *name) {
    struct swg_circuit *circuit = (void *)panel;
    struct swg_error error = SWG_ERROR_INIT;
    assert_int_equal(swg_circuit_get(panel, name, NULL, &circuit, &error), -EINVAL);
    assert_int_equal(error.code, -EINVAL);
    assert_non_null(strstr(error.text, "1 to 127 of A-Z a-z 0-9 . _ : @ / -"));
    assert_int_equal(swg_circuit_find(panel, name, &circuit), -EINVAL);
    assert_ptr_equal(circuit, panel);
}

static void test_names_that_are_none(void **state) {
    struct swg_panel *panel = open_small(NULL);
    char name[sizeof(longest) + 2000];
    (void)state;
    assert_int_equal(strlen(longest), 127);
    assert_name_refused(panel, NULL);
    assert_name_refused(panel, "");
    assert_name_refused(panel, "two words");
    assert_name_refused(panel, "a\nb");
    assert_name_refused(panel, "gr\xc3\xbcn");
    for (size_t length = 128; length < sizeof(name); length += 613) {
        memset(name, 'a', length);
        name[length] = '\0';
        assert_name_refused(panel, name);
    }
    swg_panel_unref(panel);
}

static bool may_be_in_a_name(int byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || (byte != 0 && strchr("._:@/-", byte) != NULL);
}

static void test_every_byte_in_a_name(void **state) {
    struct swg_panel_options options = small_options(NULL);
    (void)state;
    options.circuits_max = 256;
    struct swg_panel *panel = open_with(&options);
    for (int byte = 1; byte < 256; byte++) {
        char name[] = { 'a', (char)byte, 'z', '\0' };
        if (may_be_in_a_name(byte))
            assert_string_equal(swg_circuit_name(get(panel, name)), name);
        else
            assert_name_refused(panel, name);
    }
    assert_string_equal(swg_circuit_name(get(panel, longest)), longest);
    assert_string_equal(status_of(get(panel, longest)).name, longest);
    swg_panel_unref(panel);
}

static void test_one_handle_for_one_name(void **state) {
    struct swg_panel *panel = open_small(NULL);
    struct swg_circuit *found = NULL;
    (void)state;
    assert_int_equal(swg_circuit_find(panel, "payments", &found), -ENOENT);
    assert_null(found);
    struct swg_circuit *made = get(panel, "payments");
    assert_ptr_equal(get(panel, "payments"), made);
    assert_int_equal(swg_circuit_find(panel, "payments", &found), 0);
    assert_ptr_equal(found, made);
    swg_panel_unref(panel);
}

static void test_settings_are_for_who_makes_it(void **state) {
    struct swg_panel *panel = open_small(NULL);
    struct swg_config *config = NULL;
    struct swg_circuit *circuit = NULL;
    char value[64];
    (void)state;
    assert_int_equal(swg_config_new(&config), 0);
    assert_int_equal(swg_config_preset(config, "write", NULL), 0);
    circuit = get(panel, "payments");
    assert_int_equal(swg_circuit_get(panel, "payments", config, &circuit, NULL), 0);
    assert_int_equal(swg_circuit_setting(circuit, "preset", value, sizeof(value)), 0);
    assert_string_equal(value, "default");
    swg_config_unref(config);
    swg_panel_unref(panel);
}

/* ---- no place */

static struct swg_panel *full_panel(int beyond) {
    struct swg_panel_options options = small_options(NULL);
    options.beyond = beyond;
    options.virtual_clock = 1;
    struct swg_panel *panel = open_with(&options);
    for (unsigned i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof(name), "busy-%u", i);
        struct swg_permit permit = admitted(get(panel, name));
        assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    }
    return panel;
}

static void test_beyond_the_limit_is_an_error(void **state) {
    struct swg_panel *panel = full_panel(SWG_BEYOND_ERROR);
    struct swg_circuit *circuit = NULL;
    struct swg_error error = SWG_ERROR_INIT;
    (void)state;
    assert_int_equal(swg_circuit_get(panel, "one-more", NULL, &circuit, &error), -ENOSPC);
    assert_null(circuit);
    assert_int_equal(error.code, -ENOSPC);
    assert_string_equal(error.key, "one-more");
    assert_non_null(strstr(error.text, "circuits_max"));
    assert_string_equal(swg_circuit_name(get(panel, "busy-3")), "busy-3");
    swg_panel_unref(panel);
}

static void test_beyond_the_limit_is_shared(void **state) {
    struct swg_panel *panel = full_panel(SWG_BEYOND_SHARED);
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    (void)state;
    struct swg_circuit *one = get(panel, "one-more"), *two = get(panel, "and-another");
    assert_ptr_equal(one, two);
    assert_string_equal(swg_circuit_name(one), "_beyond");
    for (unsigned i = 0; i < 5; i++) {
        struct swg_permit permit = admitted(one);
        assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    }
    assert_int_equal(status_of(two).state, SWG_STATE_OPEN);
    assert_int_equal(swg_panel_status(panel, &status), 0);
    assert_int_equal(status.beyond, 2);
    assert_int_equal(status.circuits, 8);
    swg_panel_unref(panel);
}

static void test_beyond_the_limit_is_unprotected(void **state) {
    struct swg_panel *panel = full_panel(SWG_BEYOND_UNPROTECTED);
    struct swg_status status = SWG_STATUS_INIT;
    struct swg_why why = SWG_WHY_INIT;
    (void)state;
    struct swg_circuit *circuit = get(panel, "one-more");
    for (unsigned i = 0; i < 100; i++) {
        struct swg_permit permit = admitted(circuit);
        assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    }
    assert_int_equal(swg_circuit_status(circuit, &status), -ENOENT);
    assert_int_equal(swg_circuit_why(circuit, &why), -ENOENT);
    assert_int_equal(swg_circuit_state(circuit), -ENOENT);
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), -ENOENT);
    swg_panel_unref(panel);
}

/* ---- eviction */

static void fill(struct swg_panel *panel, const char *prefix) {
    for (unsigned i = 0; i < 8; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s-%u", prefix, i);
        (void)get(panel, name);
    }
}

/* Idle for a whole sweep, then its place is asked for; the handle finds its way when it is used again. */
static void test_a_handle_follows_an_eviction(void **state) {
    struct swg_panel_options options = small_options(NULL);
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    struct swg_status of = SWG_STATUS_INIT;
    struct swg_config *config = NULL;
    struct swg_circuit *circuit = NULL;
    char value[64];
    (void)state;
    options.virtual_clock = 1;
    struct swg_panel *panel = open_with(&options);
    assert_int_equal(swg_config_new(&config), 0);
    assert_int_equal(swg_config_set(config, "breaker.open.for", "7s", NULL), 0);
    assert_int_equal(swg_circuit_get(panel, "idle", config, &circuit, NULL), 0);
    for (unsigned round = 0; round < 4; round++) {
        char prefix[8];
        snprintf(prefix, sizeof(prefix), "round%u", round);
        fill(panel, prefix);
        assert_int_equal(swg_panel_advance(panel, S(11)), 0);
    }
    assert_int_equal(swg_panel_status(panel, &status), 0);
    assert_true(status.evicted > 0);
    assert_int_equal(swg_circuit_status(circuit, &of), -ENOENT);
    struct swg_permit permit = admitted(circuit);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    assert_ptr_equal(get(panel, "idle"), circuit);
    assert_string_equal(status_of(circuit).name, "idle");
    assert_int_equal(swg_circuit_setting(circuit, "breaker.open.for", value, sizeof(value)), 0);
    assert_string_equal(value, "7s");
    swg_config_unref(config);
    swg_panel_unref(panel);
}

static void test_what_is_not_calm_is_not_evicted(void **state) {
    struct swg_panel_options options = small_options(NULL);
    (void)state;
    options.virtual_clock = 1;
    options.beyond = SWG_BEYOND_SHARED;
    struct swg_panel *panel = open_with(&options);
    struct swg_circuit *open = get(panel, "open"), *isolated = get(panel, "isolated");
    assert_int_equal(swg_circuit_trip(open, NULL, NULL), 0);
    assert_int_equal(swg_circuit_mode(isolated, SWG_MODE_FORCED_OPEN, NULL, NULL), 0);
    for (unsigned round = 0; round < 4; round++) {
        char prefix[8];
        snprintf(prefix, sizeof(prefix), "round%u", round);
        fill(panel, prefix);
        assert_int_equal(swg_panel_advance(panel, S(11)), 0);
    }
    assert_int_equal(status_of(open).state, SWG_STATE_OPEN);
    assert_int_equal(status_of(isolated).mode, SWG_MODE_FORCED_OPEN);
    swg_panel_unref(panel);
}

/* ---- as many as there can be */

static void name_of(uint32_t number, char name[32]) {
    snprintf(name, 32, "circuit/%u@host-%u", number, number % 97);
}

static void find_all(struct swg_panel *panel, struct swg_circuit **all, uint32_t many) {
    char name[32];
    for (uint32_t i = 0; i < many; i++) {
        struct swg_circuit *found = NULL;
        name_of(i * 7919u % many, name);
        assert_int_equal(swg_circuit_find(panel, name, &found), 0);
        assert_ptr_equal(found, all[i * 7919u % many]);
        assert_string_equal(swg_circuit_name(found), name);
    }
}

static void test_65535_circuits(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    const uint32_t many = bounded(65535);
    struct swg_circuit **all = calloc(many, sizeof(*all)), *circuit = NULL;
    uint32_t cursor = 0, seen = 0;
    (void)state;
    assert_non_null(all);
    options.circuits_max = many;
    options.columns_max = 2;
    options.histograms_max = SWG_GEOMETRY_NONE;
    options.slots_max = SWG_GEOMETRY_NONE;
    options.beyond = SWG_BEYOND_ERROR;
    struct swg_config *config = NULL;
    assert_int_equal(swg_config_new(&config), 0);
    struct swg_panel *panel = open_with(&options);
    assert_int_equal(swg_config_set(config, "breaker.histogram", "no", NULL), 0);
    for (uint32_t i = 0; i < many; i++) {
        char name[32];
        name_of(i, name);
        assert_int_equal(swg_circuit_get(panel, name, config, &all[i], NULL), 0);
    }
    find_all(panel, all, many);
    while (swg_panel_next_circuit(panel, &cursor, &circuit) == 0)
        seen++;
    assert_int_equal(seen, many + 1);
    assert_int_equal(swg_panel_status(panel, &status), 0);
    assert_int_equal(status.circuits, many);
    assert_int_equal(swg_circuit_get(panel, "one-more", config, &circuit, NULL), -ENOSPC);
    struct swg_permit permit = admitted(all[many - 1]);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    assert_int_equal(status_of(all[many - 1]).successes, 1);
    assert_int_equal(status_of(all[many - 2]).calls, 0);
    swg_config_unref(config);
    swg_panel_unref(panel);
    free(all);
}

/* ---- threads and processes */

static void test_two_panels_in_turn(void **state) {
    struct swg_panel *one = open_small(path), *two = open_small(NULL);
    struct swg_circuit *here = get(one, "dependency"), *there = get(two, "dependency");
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        struct swg_permit first = admitted(here), second = admitted(there);
        assert_int_equal(swg_record(&first, SWG_SUCCESS), 0);
        assert_int_equal(swg_record(&second, i % 2 ? SWG_SUCCESS : SWG_IGNORED), 0);
    }
    assert_int_equal(status_of(here).successes, 1000);
    assert_int_equal(status_of(there).successes, 500);
    assert_int_equal(status_of(there).ignored, 500);
    assert_int_equal(status_of(here).in_flight, 0);
    assert_int_equal(status_of(there).in_flight, 0);
    swg_panel_unref(one);
    swg_panel_unref(two);
}

#define CROWD 12u
#define EACH  500u

static pthread_barrier_t all_there;

static void *one_of_a_crowd(void *arg) {
    struct swg_circuit *circuit = arg;
    pthread_barrier_wait(&all_there);
    for (unsigned i = 0; i < EACH; i++) {
        struct swg_permit permit;
        if (swg_acquire(circuit, NULL, &permit) != SWG_GO || swg_record(&permit, SWG_SUCCESS) != 0)
            return circuit;
    }
    pthread_barrier_wait(&all_there);
    return NULL;
}

/* Who finds no column of its own counts in the shared one: nothing is lost. */
static void test_more_threads_than_columns(void **state) {
    struct swg_panel *panel = open_small(NULL);
    struct swg_circuit *circuit = get(panel, "dependency");
    pthread_t threads[CROWD];
    void *failed = NULL;
    (void)state;
    assert_int_equal(pthread_barrier_init(&all_there, NULL, CROWD), 0);
    for (unsigned i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, one_of_a_crowd, circuit), 0);
    for (unsigned i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(status_of(circuit).calls, CROWD * EACH);
    assert_int_equal(status_of(circuit).successes, CROWD * EACH);
    pthread_barrier_destroy(&all_there);
    swg_panel_unref(panel);
}

static void use_it_in_the_child(void *arg) {
    struct swg_circuit *circuit = arg;
    struct swg_status status = SWG_STATUS_INIT;
    struct swg_permit permit;
    for (unsigned i = 0; i < 3; i++) {
        CHILD_ASSERT(swg_acquire(circuit, NULL, &permit) == SWG_GO);
        CHILD_ASSERT(swg_record(&permit, SWG_SUCCESS) == 0);
    }
    CHILD_ASSERT(swg_circuit_status(circuit, &status) == 0);
    CHILD_ASSERT(status.successes >= 3);
}

static void make_one_in_the_child(void *arg) {
    struct swg_circuit *circuit = NULL;
    struct swg_permit permit;
    CHILD_ASSERT(swg_circuit_get(arg, "of-the-child", NULL, &circuit, NULL) == 0);
    CHILD_ASSERT(swg_acquire(circuit, NULL, &permit) == SWG_GO);
    CHILD_ASSERT(swg_record(&permit, SWG_FAILURE) == 0);
    CHILD_ASSERT(swg_panel_poll(arg) >= 0);
    CHILD_ASSERT(swg_panel_unref(arg) == NULL);
}

/* A file panel is one for parent and child; what either learns the other knows. */
static void test_a_fork_in_the_middle(void **state) {
    struct swg_panel *panel = open_small(path);
    struct swg_circuit *circuit = get(panel, "dependency"), *theirs = NULL;
    (void)state;
    struct swg_permit before = admitted(circuit);
    in_child(use_it_in_the_child, circuit);
    in_child(make_one_in_the_child, panel);
    assert_int_equal(status_of(circuit).successes, 3);
    assert_int_equal(swg_circuit_find(panel, "of-the-child", &theirs), 0);
    assert_int_equal(status_of(theirs).failures, 1);
    assert_int_equal(swg_record(&before, SWG_SUCCESS), 0);
    assert_int_equal(status_of(circuit).successes, 4);
    assert_int_equal(status_of(circuit).in_flight, 0);
    swg_panel_unref(panel);
}

/* A private panel is the child's own from the fork on. */
static void test_a_fork_parts_private_panels(void **state) {
    struct swg_panel *panel = open_small(NULL);
    struct swg_circuit *circuit = get(panel, "dependency");
    (void)state;
    in_child(use_it_in_the_child, circuit);
    assert_int_equal(status_of(circuit).calls, 0);
    swg_panel_unref(panel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_that_are_none),
        cmocka_unit_test(test_every_byte_in_a_name),
        cmocka_unit_test(test_one_handle_for_one_name),
        cmocka_unit_test(test_settings_are_for_who_makes_it),
        cmocka_unit_test(test_beyond_the_limit_is_an_error),
        cmocka_unit_test(test_beyond_the_limit_is_shared),
        cmocka_unit_test(test_beyond_the_limit_is_unprotected),
        cmocka_unit_test(test_a_handle_follows_an_eviction),
        cmocka_unit_test(test_what_is_not_calm_is_not_evicted),
        cmocka_unit_test(test_65535_circuits),
        IN_FOLDER(test_two_panels_in_turn),
        cmocka_unit_test(test_more_threads_than_columns),
        IN_FOLDER(test_a_fork_in_the_middle),
        cmocka_unit_test(test_a_fork_parts_private_panels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
