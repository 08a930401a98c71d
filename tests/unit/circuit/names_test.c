/* Numbers of the interface in words: every one has some, and nothing else does. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "switchgear/switchgear.h"

typedef const char *name_fn(int);

/* Every number in the range has a name of its own, and its neighbours are "?". */
static void assert_named(name_fn *name, int first, int last) {
    for (int i = first; i <= last; i++) {
        assert_string_not_equal(name(i), "?");
        for (int k = first; k < i; k++)
            assert_string_not_equal(name(i), name(k));
    }
    assert_string_equal(name(first - 1), "?");
    assert_string_equal(name(last + 1), "?");
    assert_string_equal(name(INT_MIN), "?");
    assert_string_equal(name(INT_MAX), "?");
}

static void test_names(void **state) {
    (void)state;
    assert_named(swg_state_name, SWG_STATE_CLOSED, SWG_STATE_HALF_OPEN);
    assert_named(swg_mode_name, SWG_MODE_NORMAL, SWG_MODE_SHADOW);
    assert_named(swg_rule_name, SWG_RULE_NONE, SWG_RULE_HAND);
    assert_named(swg_outcome_name, SWG_SUCCESS, SWG_IGNORED);
    assert_named(swg_event_name, SWG_EVENT_TRANSITION, SWG_EVENT_CLOCK);
    assert_string_equal(swg_state_name(SWG_STATE_HALF_OPEN), "HALF_OPEN");
    assert_string_equal(swg_mode_name(SWG_MODE_FORCED_CLOSED), "forced_closed");
    assert_string_equal(swg_outcome_name(SWG_TIMEOUT), "timeout");
}

static void test_rejections(void **state) {
    (void)state;
    for (int rc = -200; rc < 200; rc++)
        assert_int_equal(swg_is_rejection(rc) != 0,
                         (rc >= SWG_OPEN && rc <= SWG_EXPIRED) || rc == SWG_QUEUE_SATURATED);
}

static void test_answers_in_words(void **state) {
    static const int faults[] = { -EINVAL, -E2BIG,  -ERANGE,   -ENOENT,    -EACCES, -ELOOP,
                                  -EPERM,  -EPROTO, -EBADMSG,  -ENOSPC,    -EBUSY,  -EAGAIN,
                                  -EROFS,  -ENOMEM, -EALREADY, -EOVERFLOW, -ESTALE, -EIO };
    (void)state;
    for (int rc = SWG_GO; rc <= SWG_QUEUE_SATURATED; rc++) {
        assert_string_not_equal(swg_strerror(rc), "?");
        assert_int_equal(strncmp(swg_strerror(rc), "not called", 10) == 0, swg_is_rejection(rc));
        for (int other = SWG_GO; other < rc; other++)
            assert_string_not_equal(swg_strerror(rc), swg_strerror(other));
    }
    for (int outcome = SWG_SUCCESS; outcome <= SWG_IGNORED; outcome++)
        assert_string_equal(swg_strerror(outcome), swg_outcome_name(outcome));
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        assert_string_not_equal(swg_strerror(faults[i]), "?");
        assert_true(strlen(swg_strerror(faults[i])) > 3);
    }
}

/* Never NULL, never empty, always the same text at the same place. */
static void test_any_number_at_all(void **state) {
    static const int far[] = { INT_MIN, INT_MIN + 1, -100000, 100000, INT_MAX };
    (void)state;
    for (int rc = -1000; rc < 1000; rc++) {
        const char *text = swg_strerror(rc);
        assert_non_null(text);
        assert_string_not_equal(text, "");
        assert_ptr_equal(swg_strerror(rc), text);
    }
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
        assert_string_equal(swg_strerror(far[i]), "?");
}

static void test_version(void **state) {
    int major = -1, minor = -1, patch = -1, end = 0;
    (void)state;
    assert_int_equal(sscanf(swg_version(), "%d.%d.%d%n", &major, &minor, &patch, &end), 3);
    assert_int_equal(strlen(swg_version()), end);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_rejections),
        cmocka_unit_test(test_answers_in_words),
        cmocka_unit_test(test_any_number_at_all),
        cmocka_unit_test(test_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
