/* Every row of the table of errors to outcomes, as numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

/* What it tests is hidden in the library. */
#include "../../../adapters/http/classify.c" /* NOLINT(bugprone-suspicious-include) */

static struct swgi_http_class judge(int curl_code, int status, int os_errno, bool names_wait) {
    struct swgi_http_facts facts = { .curl_code = curl_code,
                                     .status = status,
                                     .os_errno = os_errno };

    facts.names_wait = names_wait;
    return swgi_http_classify(&facts);
}

static int of_status(int status) {
    return judge(CURLE_OK, status, 0, false).outcome;
}

static int of_code(int curl_code) {
    return judge(curl_code, 0, 0, false).outcome;
}

static void an_answer_is_a_success(void **state) {
    (void)state;
    for (int status = 100; status < 400; status++)
        assert_int_equal(of_status(status), SWG_SUCCESS);
    assert_int_equal(of_status(0), SWG_SUCCESS);
}

static void the_callers_own_4xx_is_ignored(void **state) {
    (void)state;
    for (int status = 400; status < 500; status++)
        assert_int_equal(of_status(status), status == 429 ? SWG_TIMEOUT : SWG_IGNORED);
    assert_string_equal(judge(CURLE_OK, 404, 0, false).kind, "http_4xx");
    assert_string_equal(judge(CURLE_OK, 429, 0, false).kind, "http_429");
}

static void a_5xx_is_a_failure(void **state) {
    (void)state;
    for (int status = 500; status < 600; status++)
        assert_int_equal(of_status(status), SWG_FAILURE);
    assert_int_equal(of_status(600), SWG_FAILURE);
    assert_int_equal(of_status(999), SWG_FAILURE);
    assert_int_equal(of_status(1), SWG_FAILURE);
}

static void a_503_that_names_a_wait_is_overload(void **state) {
    (void)state;
    assert_int_equal(judge(CURLE_OK, 503, 0, true).outcome, SWG_TIMEOUT);
    assert_int_equal(judge(CURLE_OK, 503, 0, false).outcome, SWG_FAILURE);
    assert_int_equal(judge(CURLE_OK, 500, 0, true).outcome, SWG_FAILURE);
    assert_true(swgi_http_status_names_wait(503));
    assert_true(swgi_http_status_names_wait(429));
    assert_false(swgi_http_status_names_wait(301));
}

static void a_broken_way_is_a_failure(void **state) {
    static const int codes[] = {
        CURLE_COULDNT_RESOLVE_PROXY,
        CURLE_COULDNT_RESOLVE_HOST,
        CURLE_COULDNT_CONNECT,
        CURLE_PROXY,
        CURLE_QUIC_CONNECT_ERROR,
        CURLE_SSL_CONNECT_ERROR,
        CURLE_PEER_FAILED_VERIFICATION,
        CURLE_USE_SSL_FAILED,
        CURLE_SSL_SHUTDOWN_FAILED,
        CURLE_SSL_ISSUER_ERROR,
        CURLE_SSL_PINNEDPUBKEYNOTMATCH,
        CURLE_SSL_INVALIDCERTSTATUS,
        CURLE_SEND_ERROR,
        CURLE_RECV_ERROR,
        CURLE_GOT_NOTHING,
        CURLE_PARTIAL_FILE,
        CURLE_WEIRD_SERVER_REPLY,
        CURLE_BAD_CONTENT_ENCODING,
        CURLE_HTTP2,
        CURLE_HTTP2_STREAM,
        CURLE_HTTP3,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        assert_int_equal(of_code(codes[i]), SWG_FAILURE);
    assert_int_equal(of_code(CURLE_OPERATION_TIMEDOUT), SWG_TIMEOUT);
    assert_int_equal(of_code(CURLE_TFTP_NOTFOUND), SWG_FAILURE);
    assert_int_equal(of_code(12345), SWG_FAILURE);
}

static void a_refused_connection_is_told_from_a_silent_host(void **state) {
    (void)state;
    assert_string_equal(judge(CURLE_COULDNT_CONNECT, 0, ECONNREFUSED, false).kind, "refused");
    assert_string_equal(judge(CURLE_COULDNT_CONNECT, 0, EHOSTUNREACH, false).kind, "unreachable");
    assert_int_equal(judge(CURLE_COULDNT_CONNECT, 0, ETIMEDOUT, false).outcome, SWG_TIMEOUT);
    assert_int_equal(judge(CURLE_COULDNT_CONNECT, 0, EMFILE, false).outcome, SWG_IGNORED);
}

static void an_answer_that_is_no_http_is_not_the_callers(void **state) {
    struct swgi_http_facts facts = { .curl_code = CURLE_UNSUPPORTED_PROTOCOL, .sent = true };

    (void)state;
    assert_int_equal(swgi_http_classify(&facts).outcome, SWG_FAILURE);
    facts.status = 302; /* and then sent us where we cannot go */
    assert_int_equal(swgi_http_classify(&facts).outcome, SWG_IGNORED);
}

static void the_callers_mistakes_are_ignored(void **state) {
    static const int codes[] = {
        CURLE_WRITE_ERROR,
        CURLE_READ_ERROR,
        CURLE_ABORTED_BY_CALLBACK,
        CURLE_SEND_FAIL_REWIND,
        CURLE_FILESIZE_EXCEEDED,
        CURLE_TOO_MANY_REDIRECTS,
        CURLE_RANGE_ERROR,
        CURLE_BAD_DOWNLOAD_RESUME,
        CURLE_UNSUPPORTED_PROTOCOL,
        CURLE_URL_MALFORMAT,
        CURLE_NOT_BUILT_IN,
        CURLE_UNKNOWN_OPTION,
        CURLE_SETOPT_OPTION_SYNTAX,
        CURLE_BAD_FUNCTION_ARGUMENT,
        CURLE_LOGIN_DENIED,
        CURLE_AUTH_ERROR,
        CURLE_SSL_CERTPROBLEM,
        CURLE_SSL_CLIENTCERT,
        CURLE_FAILED_INIT,
        CURLE_OUT_OF_MEMORY,
        CURLE_FILE_COULDNT_READ_FILE,
        CURLE_FUNCTION_NOT_FOUND,
        CURLE_HTTP_POST_ERROR,
        CURLE_INTERFACE_FAILED,
        CURLE_SSL_ENGINE_NOTFOUND,
        CURLE_SSL_ENGINE_SETFAILED,
        CURLE_SSL_ENGINE_INITFAILED,
        CURLE_SSL_CIPHER,
        CURLE_SSL_CACERT_BADFILE,
        CURLE_SSL_CRL_BADFILE,
        CURLE_AGAIN,
        CURLE_NO_CONNECTION_AVAILABLE,
        CURLE_RECURSIVE_API_CALL,
        CURLE_UNRECOVERABLE_POLL,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        assert_int_equal(of_code(codes[i]), SWG_IGNORED);
}

static void hanging_up_on_a_5xx_does_not_hide_it(void **state) {
    (void)state;
    assert_int_equal(judge(CURLE_WRITE_ERROR, 200, 0, false).outcome, SWG_IGNORED);
    assert_int_equal(judge(CURLE_WRITE_ERROR, 404, 0, false).outcome, SWG_IGNORED);
    assert_int_equal(judge(CURLE_WRITE_ERROR, 500, 0, false).outcome, SWG_FAILURE);
    assert_int_equal(judge(CURLE_ABORTED_BY_CALLBACK, 429, 0, false).outcome, SWG_TIMEOUT);
    assert_int_equal(judge(CURLE_HTTP_RETURNED_ERROR, 404, 0, false).outcome, SWG_IGNORED);
    assert_int_equal(judge(CURLE_HTTP_RETURNED_ERROR, 502, 0, false).outcome, SWG_FAILURE);
    assert_int_equal(judge(CURLE_OPERATION_TIMEDOUT, 200, 0, false).outcome, SWG_TIMEOUT);
    assert_int_equal(judge(CURLE_PARTIAL_FILE, 200, 0, false).outcome, SWG_FAILURE);
}

static void every_kind_fits_where_it_is_kept(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(curl_rows) / sizeof(*curl_rows); i++) {
        assert_in_range(strlen(curl_rows[i].kind), 1, 23);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(curl_rows[i].code, curl_rows[j].code);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_a_success),
        cmocka_unit_test(the_callers_own_4xx_is_ignored),
        cmocka_unit_test(a_5xx_is_a_failure),
        cmocka_unit_test(a_503_that_names_a_wait_is_overload),
        cmocka_unit_test(a_broken_way_is_a_failure),
        cmocka_unit_test(a_refused_connection_is_told_from_a_silent_host),
        cmocka_unit_test(an_answer_that_is_no_http_is_not_the_callers),
        cmocka_unit_test(the_callers_mistakes_are_ignored),
        cmocka_unit_test(hanging_up_on_a_5xx_does_not_hide_it),
        cmocka_unit_test(every_kind_fits_where_it_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
