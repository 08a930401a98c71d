/* Which circuit a URL belongs to, through the public function. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <switchgear/http.h>

static const char *name(const char *name_template, const char *url) {
    static char text[128];

    return swg_http_circuit_name(name_template, url, 7, text, sizeof(text)) == 0 ? text : "-";
}

static void a_circuit_per_origin_is_the_default(void **state) {
    (void)state;
    assert_string_equal(name(NULL, "http://example.com/a?b"), "http-http://example.com:80");
    assert_string_equal(name(NULL, "HTTPS://Example.COM"), "http-https://example.com:443");
    assert_string_equal(name(NULL, "https://example.com:8443/#x"), "http-https://example.com:8443");
    assert_string_equal(name(NULL, "example.com/path"), "http-http://example.com:80");
    assert_string_equal(name(NULL, "http://[::1]:8080/"), "http-http://::1:8080");
}

static void templates_are_filled_in(void **state) {
    (void)state;
    assert_string_equal(name("api-{host}", "http://h/x"), "api-h");
    assert_string_equal(name("{host}.{operation}", "http://h:1/x"), "h.7");
    assert_string_equal(name("op/{operation}", NULL), "op/7");
    assert_string_equal(name("payments", "anything at all"), "payments");
}

static void credentials_and_paths_stay_out(void **state) {
    (void)state;
    assert_string_equal(name(NULL, "http://user:secret@h/private?token=1"), "http-http://h:80");
}

static void no_two_hosts_share_a_name(void **state) {
    char first[128];

    (void)state;
    assert_string_equal(name("{host}", "http://b\xc3\xa9/"), "b@c3@a9");
    assert_string_equal(name("{host}", "http://a~b/"), "a@7eb");
    snprintf(first, sizeof(first), "%s", name("{host}", "http://a~b/"));
    assert_string_not_equal(first, name("{host}", "http://a!b/"));
}

static void long_names_end_in_a_hash(void **state) {
    char url[300] = "http://", first[128];

    (void)state;
    memset(url + 7, 'a', 200);
    memcpy(url + 207, ".b/", 4);
    snprintf(first, sizeof(first), "%s", name("{host}", url));
    assert_int_equal(strlen(first), 127);
    url[208] = 'c';
    assert_int_equal(strlen(name("{host}", url)), 127);
    assert_string_not_equal(first, name("{host}", url));
    assert_memory_equal(first, name("{host}", url), 110);
}

static void what_is_wrong_is_refused(void **state) {
    static const char *const urls[] = {
        "", "http://", "http://a b/", "http://h:99999/", "bad scheme://h/", "foo://h/"
    };
    char text[128], template[300];

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
        assert_int_equal(swg_http_circuit_name(NULL, urls[i], 0, text, sizeof(text)), -EINVAL);
    assert_int_equal(swg_http_circuit_name(NULL, NULL, 0, text, sizeof(text)), -EINVAL);
    assert_int_equal(swg_http_circuit_name("", "http://h/", 0, text, sizeof(text)), -EINVAL);
    assert_int_equal(swg_http_circuit_name("{path}", "http://h/", 0, text, sizeof(text)), -EINVAL);
    assert_int_equal(swg_http_circuit_name("a b", "http://h/", 0, text, sizeof(text)), -EINVAL);
    assert_int_equal(swg_http_circuit_name("x", "http://h/", 0, text, 127), -ERANGE);
    memset(template, 'x', 256);
    template[256] = '\0';
    assert_int_equal(swg_http_circuit_name(template, "http://h/", 0, text, sizeof(text)), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_circuit_per_origin_is_the_default),
        cmocka_unit_test(templates_are_filled_in),
        cmocka_unit_test(credentials_and_paths_stay_out),
        cmocka_unit_test(no_two_hosts_share_a_name),
        cmocka_unit_test(long_names_end_in_a_hash),
        cmocka_unit_test(what_is_wrong_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
