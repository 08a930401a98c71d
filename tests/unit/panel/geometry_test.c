/* What a panel's sizes come to, and every number out of range refused by name. */
#include "inside.h"

#include "panel/geometry.h"

static struct swgi_geometry resolved(const struct swg_panel_options *options) {
    struct swgi_geometry geometry;
    if (swgi_geometry_resolve(options, &geometry, &error) != 0)
        fail_msg("%s", error.text);
    return geometry;
}

static void test_defaults(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swgi_geometry geometry = resolved(&options);
    (void)state;
    assert_int_equal(geometry.circuits, 1024 + 1);
    assert_int_equal(geometry.columns, 16 + 1);
    assert_int_equal(geometry.histograms, 1024);
    assert_int_equal(geometry.slot_chunks * SWGI_SLOT_CHUNK, 256 * 1024);
    assert_int_equal(geometry.policies, 1024);
    assert_int_equal(geometry.events, 1024);
    assert_int_equal(geometry.index_buckets, 4096);
}

static void test_many_circuits_have_bounded_extras(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    (void)state;
    options.circuits_max = 65535;
    struct swgi_geometry geometry = resolved(&options);
    assert_int_equal(geometry.histograms, 1024);
    assert_int_equal(geometry.slot_chunks * SWGI_SLOT_CHUNK, 262144);
}

static void test_the_largest_panel_fits_in_256_mib(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    (void)state;
    options.circuits_max = 65535;
    options.columns_max = 8;
    options.histograms_max = SWG_GEOMETRY_NONE;
    options.slots_max = SWG_GEOMETRY_NONE;
    struct swgi_geometry geometry = resolved(&options);
    assert_int_equal(geometry.histograms, 0);
    assert_int_equal(geometry.slot_chunks, 0);
    assert_true(geometry.size <= UINT64_C(256) << 20);
}

static void test_sections_follow_each_other(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swgi_geometry geometry = resolved(&options);
    struct swgi_section sections[SWGI_SECTIONS];
    uint64_t end = sizeof(struct swgi_header);
    (void)state;
    assert_int_equal(swgi_sections_plan(&geometry, sections), geometry.size);
    for (unsigned i = 0; i < SWGI_SECTIONS; i++) {
        assert_int_equal(sections[i].id, i + 1);
        assert_int_equal(sections[i].offset % SWGI_CACHE_LINE, 0);
        assert_true(sections[i].offset >= end);
        end = sections[i].offset + sections[i].stride * sections[i].count;
    }
    assert_true(end <= geometry.size);
}

static void refused(const char *key, size_t offset, uint32_t value, const char *words) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    memcpy((unsigned char *)&options + offset, &value, sizeof(value));
    assert_open_fails(&options, -EINVAL, words);
    assert_string_equal(error.key, key);
}
#define REFUSED(key, value, words) \
    refused(#key, offsetof(struct swg_panel_options, key), (value), (words))

static void test_out_of_range(void **state) {
    (void)state;
    REFUSED(circuits_max, 65536, "1 to 65535");
    REFUSED(columns_max, 257, "1 to 256");
    REFUSED(histograms_max, 1025, "0 to 1024");
    REFUSED(slots_max, 4194305, "0 to 4194304");
    REFUSED(policies_max, 1025, "0 to 1024");
    REFUSED(events_max, 63, "64 to 65536");
    REFUSED(events_max, 131072, "64 to 65536");
    REFUSED(events_max, 100, "power of two");
    REFUSED(access, 3, "SWG_PANEL_CREATE");
    REFUSED(beyond, 7, "SWG_BEYOND_SHARED");
    REFUSED(file_mode, 0666, "others never write");
    REFUSED(file_mode, 0060, "0600");
    REFUSED(file_mode, 0700, "nobody executes");
}

static void test_options_of_other_sizes(void **state) {
    struct {
        struct swg_panel_options options;
        uint64_t later;
    } newer = { .options = small_options(), .later = 0 };
    struct swg_panel *panel;
    (void)state;
    newer.options.path = NULL;
    newer.options.size = sizeof(newer);
    panel = open_with(&newer.options);
    swg_panel_unref(panel);
    newer.later = 1;
    assert_open_fails(&newer.options, -E2BIG, "newer library");
    newer.options.size = 0;
    assert_open_fails(&newer.options, -EINVAL, "SWG_PANEL_OPTIONS_INIT");
    newer.options.size = offsetof(struct swg_panel_options, columns_max);
    panel = open_with(&newer.options);
    assert_int_equal(map_of(panel)->geometry.circuits, 8 + 1);
    assert_int_equal(map_of(panel)->geometry.columns, 16 + 1);
    swg_panel_unref(panel);
    assert_int_equal(swg_panel_open(NULL, NULL, NULL), -EINVAL);
}

static void test_status_says_what_it_costs(void **state) {
    struct swg_panel *panel = open_private();
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    (void)state;
    assert_int_equal(swg_panel_status(panel, &status), 0);
    assert_int_equal(status.is_private, 1);
    assert_int_equal(status.circuits, 0);
    assert_int_equal(status.circuits_max, 8);
    assert_int_equal(status.columns_max, 4);
    assert_int_equal(status.slots_max, 256);
    assert_int_equal(status.bytes, map_of(panel)->geometry.size);
    assert_int_equal(status.bytes_per_circuit, 2048 + 5 * 128);
    assert_int_equal(status.processes, 1);
    assert_true(status.created_wall_ms > INT64_C(1600000000000));
    swg_panel_unref(panel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_many_circuits_have_bounded_extras),
        cmocka_unit_test(test_the_largest_panel_fits_in_256_mib),
        cmocka_unit_test(test_sections_follow_each_other),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_options_of_other_sizes),
        cmocka_unit_test(test_status_says_what_it_costs),
    };
    return cmocka_run_group_tests_name("geometry", tests, NULL, NULL);
}
