/* `top` by its keys, on a real panel: the selection follows its circuit, acts are done to what was chosen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/commands.h"
#include "cli/top_view.h"

static char folder[64];
static struct swgi_options options;
static struct swg_panel *panel;
static struct swgi_view view;

static struct swg_circuit *circuit(const char *name) {
    struct swg_circuit *made = NULL;

    assert_int_equal(swg_circuit_get(panel, name, NULL, &made, NULL), 0);
    return made;
}

static void keys(const char *text) {
    for (; *text; text++)
        swgi_view_key(&view, (unsigned char)*text);
}

static const char *selected(void) {
    const struct swgi_top_row *row = swgi_view_selected(&view);

    return row ? row->status.name : "nothing";
}

static int begin(void **state) {
    struct swg_panel_options wanted = SWG_PANEL_OPTIONS_INIT;

    (void)state;
    strcpy(folder, "/tmp/top-view-XXXXXX");
    assert_non_null(mkdtemp(folder));
    options = (struct swgi_options){ .source = "cli", .config_is_default = true };
    options.command = swgi_command_find("top");
    snprintf(options.panel, sizeof(options.panel), "%s/panel", folder);
    wanted.path = options.panel;
    wanted.circuits_max = 64;
    assert_int_equal(swg_panel_open(&panel, &wanted, NULL), 0);
    circuit("a");
    circuit("b");
    circuit("c");
    options.screen.width = 80;
    assert_int_equal(swgi_view_init(&view, &options), 0);
    view.rows_fit = 10;
    swgi_view_look(&view);
    return 0;
}

static int end(void **state) {
    char path[128];

    (void)state;
    swgi_view_deinit(&view);
    panel = swg_panel_unref(panel);
    snprintf(path, sizeof(path), "%s/panel.v1.panel", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/panel.v1.lock", folder);
    unlink(path);
    return rmdir(folder);
}

static void trip(const char *name) {
    struct swg_act act = SWG_ACT_INIT;

    act.reason = "a story";
    assert_int_equal(swg_circuit_trip(circuit(name), &act, NULL), 0);
    swgi_view_look(&view);
}

static void test_nothing_chosen_is_whatever_is_on_top(void **state) {
    (void)state;
    assert_string_equal(selected(), "a");
    trip("c");
    assert_string_equal(selected(), "c");
    assert_int_equal(view.cursor, 0);
}

static void test_a_chosen_one_is_followed(void **state) {
    (void)state;
    keys("j");
    assert_string_equal(selected(), "b");
    trip("c");
    assert_string_equal(selected(), "b");
    assert_int_equal(view.cursor, 2);
    keys("kk");
    assert_string_equal(selected(), "c");
    keys("jjjjj");
    assert_string_equal(selected(), "b");
    swgi_view_key(&view, SWGI_KEY_HOME);
    assert_string_equal(selected(), "c");
}

/* Row 0, once chosen, is chosen, too: the act is not for who comes up meanwhile. */
static void test_the_first_row_can_be_chosen(void **state) {
    (void)state;
    keys("jk");
    assert_string_equal(selected(), "a");
    trip("b");
    assert_string_equal(selected(), "a");
    keys("t");
    assert_string_equal(view.ask.circuit, "a");
    trip("c");
    assert_string_equal(view.ask.circuit, "a");
}

static void test_a_filter_hides_and_gives_back(void **state) {
    (void)state;
    keys("jj/b");
    assert_int_equal(view.shown_count, 1);
    assert_string_equal(selected(), "b");
    swgi_view_key(&view, SWGI_KEY_LEAVE);
    assert_int_equal(view.shown_count, 3);
    assert_string_equal(selected(), "c");
    keys("/b");
    swgi_view_key(&view, SWGI_KEY_ENTER);
    assert_string_equal(view.filter, "b");
    swgi_view_key(&view, SWGI_KEY_LEAVE);
    assert_string_equal(view.filter, "");
    assert_string_equal(selected(), "b");
    keys("/x");
    swgi_view_key(&view, SWGI_KEY_ENTER);
    assert_string_equal(selected(), "nothing");
    keys("jkt");
    swgi_view_key(&view, SWGI_KEY_ENTER);
    assert_int_equal(view.ask.step, SWGI_ASK_NOTHING);
    assert_int_equal(view.page, SWGI_PAGE_TABLE);
}

static void test_an_act_is_done_to_what_was_chosen(void **state) {
    (void)state;
    keys("jtdrill");
    swgi_view_key(&view, SWGI_KEY_ENTER);
    swgi_view_key(&view, SWGI_KEY_ENTER);
    keys("y");
    assert_int_equal(swg_circuit_state(circuit("a")), SWG_STATE_CLOSED);
    assert_int_equal(swg_circuit_state(circuit("b")), SWG_STATE_OPEN);
    assert_string_equal(view.message, "b: OPEN (was CLOSED), by hand only");
    assert_false(view.message_is_bad);
    assert_string_equal(selected(), "b");
    keys("pback");
    swgi_view_key(&view, SWGI_KEY_ENTER);
    keys("n");
    assert_int_equal(swg_circuit_state(circuit("b")), SWG_STATE_OPEN);
}

static void test_pages(void **state) {
    (void)state;
    swgi_view_key(&view, SWGI_KEY_ENTER);
    assert_int_equal(view.page, SWGI_PAGE_WHY);
    assert_non_null(strstr(view.text, "a  CLOSED"));
    trip("a");
    assert_non_null(strstr(view.text, "a  OPEN"));
    keys("q");
    assert_int_equal(view.page, SWGI_PAGE_TABLE);
    assert_false(view.wants_out);
    keys("?");
    assert_int_equal(view.page, SWGI_PAGE_HELP);
    keys("tq");
    assert_int_equal(view.ask.step, SWGI_ASK_NOTHING);
    keys("q");
    assert_true(view.wants_out);
}

static void test_held_still(void **state) {
    (void)state;
    keys(" ");
    trip("c");
    assert_string_equal(selected(), "a");
    assert_int_equal(view.rows.sums.by_rank[0], 0);
    keys(" ");
    swgi_view_look(&view);
    assert_string_equal(selected(), "c");
}

/* What was seen stays to be read, until there is something new. */
static void test_a_panel_that_goes_and_comes(void **state) {
    struct swg_panel_options wanted = SWG_PANEL_OPTIONS_INIT;
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/panel.v1.panel", folder);
    panel = swg_panel_unref(panel);
    unlink(path);
    swgi_view_look(&view);
    assert_string_equal(view.watch.fault, "the panel is gone; waiting for it");
    assert_int_equal(view.shown_count, 3);
    keys("tdrill");
    swgi_view_key(&view, SWGI_KEY_ENTER);
    swgi_view_key(&view, SWGI_KEY_ENTER);
    keys("y");
    assert_true(view.message_is_bad);
    assert_int_equal(access(path, F_OK), -1);
    wanted.path = options.panel;
    assert_int_equal(swg_panel_open(&panel, &wanted, NULL), 0);
    circuit("new");
    swgi_view_look(&view);
    assert_string_equal(view.watch.fault, "");
    assert_string_equal(selected(), "new");
    assert_non_null(strstr(view.message, "replaced"));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_nothing_chosen_is_whatever_is_on_top),
        STORY(test_a_chosen_one_is_followed),
        STORY(test_the_first_row_can_be_chosen),
        STORY(test_a_filter_hides_and_gives_back),
        STORY(test_an_act_is_done_to_what_was_chosen),
        STORY(test_pages),
        STORY(test_held_still),
        STORY(test_a_panel_that_goes_and_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
