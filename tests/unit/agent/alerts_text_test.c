/* What is secret does not leave the house; what is not, does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/alerts_text.h"

static void assert_redacted(const char *text, const char *expected) {
    char out[512];

    assert_string_equal(swgi_redact(text, out, sizeof(out)), expected);
}

static void secrets_are_taken_out(void **state) {
    (void)state;
    assert_redacted("connect to postgres://app:s3cret@db.internal:5432/main failed",
                    "connect to postgres://[redacted]@db.internal:5432/main failed");
    assert_redacted("GET /pay?token=abc&user=7: 500", "GET /pay?token=[redacted]&user=7: 500");
    assert_redacted("password = 'hunter2', retry", "password = '[redacted]', retry");
    assert_redacted("{\"api_key\": \"k-1\", \"n\": 1}", "{\"api_key\": \"[redacted]\", \"n\": 1}");
    assert_redacted("X-Auth-Token: x1", "X-Auth-Token: [redacted]");
    assert_redacted("Authorization: Bearer abc.def", "Authorization: [redacted]");
    assert_redacted("sent Bearer abcdefgh12 twice", "sent Bearer [redacted] twice");
    assert_redacted("AWS_SECRET_ACCESS_KEY=x", "AWS_SECRET_ACCESS_KEY=[redacted]");
    assert_redacted("key 9f86d081884c7d659a2feaa0c55ad015 refused", "key [token] refused");
    assert_redacted("https://hooks.example/T0/B0/XXXXabcd1234XXXXabcd1234",
                    "https://hooks.example/T0/B0/[token]");
}

static void people_are_taken_out(void **state) {
    (void)state;
    assert_redacted("no account for jane.doe+x@mail.example.com!", "no account for [email]!");
    assert_redacted("card 4111111111111111 declined", "card [digits] declined");
    assert_redacted("card 4111 1111 1111 1111 declined", "card [digits] declined");
    assert_redacted("card 4111-1111-1111-1111", "card [digits]");
}

static void everything_else_stays(void **state) {
    (void)state;
    assert_redacted("connection refused", "connection refused");
    assert_redacted("timeout after 5000 ms at 10.20.30.40:5432",
                    "timeout after 5000 ms at 10.20.30.40:5432");
    assert_redacted("INC-4711: failover of 2025-11-21", "INC-4711: failover of 2025-11-21");
    assert_redacted("token expired", "token expired");
    assert_redacted("https://api.example.com/v1/orders?page=2",
                    "https://api.example.com/v1/orders?page=2");
    assert_redacted("user@localhost", "user@localhost");
    assert_redacted("Gr\xc3\xbc\xc3\x9f"
                    "e",
                    "Gr\xc3\xbc\xc3\x9f"
                    "e");
    assert_redacted("", "");
    assert_redacted(NULL, "");
}

static void what_could_disturb_is_made_harmless(void **state) {
    char small[8];

    (void)state;
    assert_redacted("a\nb\x1b[31m\xff", "a?b?[31m?");
    assert_string_equal(swgi_redact("1234567890 123", small, sizeof(small)), "[digits");
    assert_string_equal(swgi_redact("\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", small, sizeof(small)),
                        "\xc3\xbc\xc3\xbc\xc3\xbc?");
}

static void slack_sees_no_markup(void **state) {
    char out[64], small[8];

    (void)state;
    assert_string_equal(swgi_slack_escape("<!channel> a & b", out, sizeof(out)),
                        "&lt;!channel&gt; a &amp; b");
    assert_string_equal(swgi_slack_escape("abcd&", small, sizeof(small)), "abcd");
    assert_string_equal(swgi_slack_escape("abcdef\xc3\xbc", small, sizeof(small)), "abcdef");
}

static void instants_are_utc(void **state) {
    char out[SWGI_UTC_TEXT];

    (void)state;
    assert_string_equal(swgi_utc_text(INT64_C(1763690000042), out), "2025-11-21T01:53:20.042Z");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_taken_out),
        cmocka_unit_test(people_are_taken_out),
        cmocka_unit_test(everything_else_stays),
        cmocka_unit_test(what_could_disturb_is_made_harmless),
        cmocka_unit_test(slack_sees_no_markup),
        cmocka_unit_test(instants_are_utc),
    };

    return cmocka_run_group_tests_name("agent/alerts_text", tests, NULL, NULL);
}
