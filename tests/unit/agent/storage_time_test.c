/* Instants as text, and back. */
#include "storage_story.h"

static void test_text_and_back(void **state) {
    static const int64_t instants[] = { 0,          1,
                                        999,        951782399999,
                                        MONDAY + 1, INT64_C(253402300799999) };
    char text[SWGI_ISO_MAX];
    int64_t back;
    (void)state;
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
        assert_int_equal(swgi_iso_parse(swgi_iso_text(instants[i], text), &back), 0);
        assert_int_equal(back, instants[i]);
    }
    assert_string_equal(swgi_iso_text(MONDAY + 7, text), "2025-12-01T00:00:00.007Z");
    assert_string_equal(swgi_iso_text(-5, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(swgi_iso_text(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
}

static void test_as_people_write_it(void **state) {
    static const struct {
        const char *text;
        int64_t at;
    } good[] = { { "2025-12-01", MONDAY },
                 { "2025-12-01 08:30", MONDAY + 30600000 },
                 { "2025-12-01T08:30:01", MONDAY + 30601000 },
                 { "2025-12-01T08:30:01Z", MONDAY + 30601000 },
                 { "2025-12-01T08:30:01.250Z", MONDAY + 30601250 } };
    int64_t at;
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(swgi_iso_parse(good[i].text, &at), 0);
        assert_int_equal(at, good[i].at);
    }
}

static void test_what_is_none(void **state) {
    static const char *const bad[] = { "",
                                       "x",
                                       "2025-12",
                                       "2025-13-01",
                                       "2025-02-30",
                                       "2025-12-01T",
                                       "2025-12-01T25:00",
                                       "2025-12-01Q10:00",
                                       "2025-12-01T10:00:61",
                                       "2025-12-01T10:00:00.1Z",
                                       "2025-12-01T10:00:00ZZ",
                                       "1969-01-01",
                                       "2025-12-01 10:00 " };
    int64_t at = 5;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (swgi_iso_parse(bad[i], &at) != -EINVAL)
            fail_msg("'%s' was taken", bad[i]);
    assert_int_equal(at, 5);
}

static int64_t since(const char *text) {
    int64_t at = -1;
    int rc = swgi_since_parse(text, MONDAY + 5, &at);
    assert_int_equal(rc, at == -1 ? -EINVAL : 0);
    return at;
}

static void test_since_when(void **state) {
    static const char *const bad[] = { "",
                                       "yesterday",
                                       "5",
                                       "10",
                                       "99999999999",
                                       "2026-13-01",
                                       "-1h",
                                       "1h ago",
                                       "18446744073709551615",
                                       "99999999999999999999" };
    (void)state;
    setenv("TZ", "Etc/GMT-2", 1);
    tzset();
    assert_int_equal(since("10m"), MONDAY + 5 - 600000);
    assert_int_equal(since("7d"), MONDAY + 5 - 7 * SWGI_DAY_MS);
    assert_int_equal(since("1764442000000"), 1764442000000);
    assert_int_equal(since("2025-12-01T08:30Z"), MONDAY + 30600000);
    assert_int_equal(since("2025-12-01 08:30"), MONDAY + 30600000 - 2 * SWGI_HOUR_MS);
    assert_int_equal(since("2025-12-01"), MONDAY - 2 * SWGI_HOUR_MS);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (since(bad[i]) != -1)
            fail_msg("'%s' was taken", bad[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_and_back),
        cmocka_unit_test(test_as_people_write_it),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_since_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
