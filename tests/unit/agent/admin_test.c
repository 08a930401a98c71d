/* The admin interface without sockets: what is asked, by whom, and what is answered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/admin.h"
#include "agent/agent.h"

struct story {
    struct swg_panel *panel;
    struct swgi_agent *agent;
    char tokens[32], token[3][SWGI_TOKEN_TEXT_MAX];
    struct swgi_answer answer;
    json_t *json;
};

static void write_tokens(struct story *story) {
    static const char *const names[][2] = { { "eve", "viewer" },
                                            { "alice", "operator" },
                                            { "bob", "admin" } };
    char line[SWGI_TOKEN_LINE_MAX];
    FILE *file;

    strcpy(story->tokens, "/tmp/admin-XXXXXX");
    file = fdopen(mkstemp(story->tokens), "w");
    for (int i = 0; i < 3; i++) {
        swgi_token_make(names[i][0], names[i][1], story->token[i], line, NULL);
        fprintf(file, "%s\n", line);
    }
    fclose(file);
}

static int begin(void **state) {
    struct story *story = calloc(1, sizeof(*story));
    struct swgi_agent_options options = { .is_embedded = true, .log_level = 4 };
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_circuit *circuit;

    write_tokens(story);
    options.tokens = story->tokens;
    if (swg_panel_open(&story->panel, NULL, NULL) != 0 ||
        swg_circuit_get(story->panel, "a/b", NULL, &circuit, NULL) != 0 ||
        swgi_agent_new(&story->agent, &options, story->panel, NULL, &error) != 0)
        return -1;
    *state = story;
    return 0;
}

static int end(void **state) {
    struct story *story = *state;

    swgi_answer_deinit(&story->answer);
    json_decref(story->json);
    swgi_agent_free(story->agent);
    swg_panel_unref(story->panel);
    unlink(story->tokens);
    free(story);
    return 0;
}

/* who: 0 viewer ... 2 admin, -1 nobody. The answer stays until the next. */
static int ask(struct story *story, const char *method, const char *path, int who,
               const char *body) {
    static const struct swgi_peer peer = { .text = "127.0.0.1" };
    struct swgi_request request = { .method = method, .query = "", .peer = &peer, .refused = -1 };
    char authorization[128], copy[256], *question;

    snprintf(copy, sizeof(copy), "%s", path);
    question = strchr(copy, '?');
    if (question)
        *question = '\0';
    request.path = copy;
    request.query = question ? question + 1 : "";
    snprintf(authorization, sizeof(authorization), "bearer  %s", who >= 0 ? story->token[who] : "");
    request.headers[SWGI_HEADER_AUTHORIZATION] = who >= 0 ? authorization : NULL;
    request.headers[SWGI_HEADER_CONTENT_TYPE] = "application/json; charset=utf-8";
    request.body = body;
    request.body_size = body ? strlen(body) : 0;
    swgi_answer_deinit(&story->answer);
    swgi_admin_answer(story->agent, &request, &story->answer);
    json_decref(story->json);
    story->json = story->answer.text
                      ? json_loadb(story->answer.text->at, story->answer.text->size, 0, NULL)
                      : NULL;
    return story->answer.status;
}

static const char *code(const struct story *story) {
    return json_string_value(json_object_get(story->json, "code"));
}

static const char *text(const struct story *story, const char *key) {
    return json_string_value(json_object_get(story->json, key));
}

static void test_every_route_asks_for_its_role(void **state) {
    struct story *story = *state;
    size_t count;
    const struct swgi_route *routes = swgi_routes(&count);

    for (size_t i = 0; i < count; i++) {
        char path[128];
        const char *brace = strchr(routes[i].path, '{');

        snprintf(path, sizeof(path), "%.*s%s%s",
                 (int)(brace ? brace - routes[i].path : (ptrdiff_t)strlen(routes[i].path)),
                 routes[i].path, brace ? "a%2Fb" : "", brace ? strchr(brace, '}') + 1 : "");
        assert_int_equal(ask(story, routes[i].method, path, -1, NULL) == 401,
                         routes[i].role > SWGI_ROLE_NONE);
        for (int who = 0; who < 3; who++)
            assert_int_equal(ask(story, routes[i].method, path, who, NULL) == 403,
                             routes[i].role > who + 1);
    }
}

static void test_a_name_is_one_piece_of_the_path(void **state) {
    struct story *story = *state;

    assert_int_equal(ask(story, "GET", "/v1/circuits/a%2fb", 0, NULL), 200);
    assert_string_equal(text(story, "name"), "a/b");
    assert_int_equal(ask(story, "GET", "/v1/circuits/a/b", 0, NULL), 404);
    assert_string_equal(code(story), "NOT_FOUND");
    assert_int_equal(ask(story, "GET", "/v1/circuits/a%2fc", 0, NULL), 404);
    assert_string_equal(code(story), "UNKNOWN_CIRCUIT");
    assert_int_equal(ask(story, "GET", "/v1/circuits/", 0, NULL), 404);
    for (const char *const *path =
             (const char *const[]){ "/v1/circuits/%", "/v1/circuits/%2", "/v1/circuits/%g0",
                                    "/v1/circuits/%00", "/v1/circuits/a%0Ab", NULL };
         *path; path++)
        assert_int_equal(ask(story, "GET", *path, 0, NULL), 400);
}

static void test_a_path_may_come_with_its_host(void **state) {
    static const char *const good[] = { "http://localhost/v1/circuits",
                                        "HTTP://127.0.0.1:9190/v1/circuits",
                                        "https://[::1]/v1/circuits?", NULL };
    struct story *story = *state;

    for (const char *const *path = good; *path; path++)
        assert_int_equal(ask(story, "GET", *path, 0, NULL), 200);
    assert_int_equal(ask(story, "GET", "http://localhost/v1/circuits/a%2Fb", 0, NULL), 200);
    assert_int_equal(ask(story, "GET", "http://localhost/nosuch", 0, NULL), 404);
    assert_int_equal(ask(story, "GET", "ftp://localhost/v1/circuits", 0, NULL), 404);
    assert_int_equal(ask(story, "GET", "http:///v1/circuits", 0, NULL), 400);
    story->agent->file->agent.public_reads = true;
    assert_int_equal(ask(story, "GET", "http://localhost/v1/circuits", -1, NULL), 200);
    assert_int_equal(ask(story, "GET", "http://evil.example/v1/circuits", -1, NULL), 403);
    assert_string_equal(code(story), "HOST_REFUSED");
    story->agent->file->agent.public_reads = false;
}

static void test_an_act_says_what_it_did(void **state) {
    struct story *story = *state;

    assert_int_equal(
        ask(story, "POST", "/v1/circuits/a%2Fb/trip", 1, "{\"reason\":\"x\",\"for\":\"5m\"}"), 200);
    assert_string_equal(text(story, "circuit"), "a/b");
    assert_string_equal(text(story, "state_before"), "CLOSED");
    assert_string_equal(text(story, "state"), "OPEN");
    assert_int_equal(ask(story, "GET", "/v1/circuits/a%2Fb/why", 0, NULL), 200);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(story->json, "trip"), "user")), "alice");
    assert_int_equal(ask(story, "POST", "/v1/circuits/a%2Fb/reset", 1, NULL), 200);
    assert_string_equal(text(story, "state"), "CLOSED");
    assert_int_equal(ask(story, "POST", "/v1/circuits/a%2Fb/reset", 1, "{}"), 200);
}

static void test_bodies_are_read_by_their_table(void **state) {
    static const char *const wrong[] = { "{}",
                                         "[]",
                                         "{",
                                         "null",
                                         "{\"reason\":null}",
                                         "{\"reason\":\"\"}",
                                         "{\"reason\":\"   \"}",
                                         "{\"reason\":\" \\t\\n\\u0001\\u007f\"}",
                                         "{\"reason\":\"x\",\"for\":0}",
                                         "{\"reason\":\"x\",\"for\":\"0s\"}",
                                         "{\"reason\":\"x\",\"for\":\"-1s\"}",
                                         "{\"reason\":\"x\",\"force\":true}",
                                         "{\"reason\":\"x\",\"mode\":\"normal\"}",
                                         "{\"reason\":\"x\"} x",
                                         "{\"reason\":\"\\u0000\"}" };
    struct story *story = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(ask(story, "POST", "/v1/circuits/a%2Fb/trip", 1, wrong[i]), 400);
    assert_int_equal(
        ask(story, "POST", "/v1/circuits/a%2Fb/mode", 1, "{\"mode\":\"broken\",\"reason\":\"x\"}"),
        400);
    assert_int_equal(ask(story, "GET", "/v1/circuits/a%2Fb", 0, NULL), 200);
    assert_string_equal(text(story, "state"), "CLOSED");
}

static void test_unescape(void **state) {
    char out[8];

    (void)state;
    assert_true(swgi_unescape("a%2Fb%41", 8, out, sizeof(out)));
    assert_string_equal(out, "a/bA");
    assert_true(swgi_unescape("1234567", 7, out, sizeof(out)));
    assert_false(swgi_unescape("12345678", 8, out, sizeof(out)));
    assert_false(swgi_unescape("%4", 2, out, sizeof(out)));
    assert_false(swgi_unescape("%41", 2, out, sizeof(out))); /* not past its length */
    assert_false(swgi_unescape("%7f", 3, out, sizeof(out)));
}

static int query(const char *text, const char *key, char out[16]) {
    const struct swgi_request request = { .query = text };

    return swgi_query_get(&request, key, out, 16);
}

static void test_the_query(void **state) {
    char out[16] = "?";

    (void)state;
    assert_int_equal(query("", "a", out), 0);
    assert_int_equal(query("ab=1&b=2", "a", out), 0);
    assert_int_equal(query("ab=1&a=2+%2b3&&", "a", out), 1);
    assert_string_equal(out, "2 +3");
    assert_int_equal(query("a", "a", out), 1);
    assert_string_equal(out, "");
    assert_int_equal(query("a=1&a=2", "a", out), -EINVAL);
    assert_int_equal(query("a=%", "a", out), -EINVAL);
    assert_int_equal(query("a=0123456789abcdef", "a", out), -EINVAL);
}

static void test_a_key_of_the_query_that_is_none(void **state) {
    static const char *const wrong[][2] = {
        { "/v1/audit?circuits=a", "'circuits' is no parameter of this path; it takes circuit, "
                                  "action, since, limit, before" },
        { "/v1/audit?limit=1&Last-Event-ID=5", "'Last-Event-ID' is no parameter of this path; it "
                                               "takes circuit, action, since, limit, before" },
        { "/v1/audit?=1", "'' is no parameter of this path; it takes circuit, action, since, "
                          "limit, before" },
        { "/v1/audit?limit=1&limit=2", "limit: it is given twice in the query; give it once" },
        { "/v1/audit?since&limit=1&&since=1h",
          "since: it is given twice in the query; give it once" },
        { "/v1/events?tick=1", "'tick' is no parameter of this path; it takes circuit, ticks" },
        { "/v1/circuits?state=open", "'state': this path takes no parameters" },
        { "/v1/whoami?verbose", "'verbose': this path takes no parameters" },
    };
    struct story *story = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(ask(story, "GET", wrong[i][0], 0, NULL), 400);
        assert_string_equal(code(story), "BAD_VALUE");
        assert_string_equal(text(story, "message"), wrong[i][1]);
    }
    assert_int_equal(ask(story, "GET", "/v1/circuits?state=open", -1, NULL), 401);
    assert_int_equal(ask(story, "POST", "/v1/circuits/a%2Fb/trip?reason=x", 1, NULL), 400);
    assert_int_equal(ask(story, "GET", "/v1/circuits?&", 0, NULL), 200);
    assert_int_equal(ask(story, "GET", "/livez?a=1&a=2", -1, NULL), 200);
    /* Monitors add what they like, and take a refusal for an agent that is not well. */
    assert_int_equal(ask(story, "GET", "/livez?verbose", -1, NULL), 200);
    assert_int_equal(ask(story, "GET", "/health?x=1", 0, NULL), 200);
    assert_int_equal(ask(story, "GET", "/metrics?collect[]=a", 0, NULL), 200);
}

static void test_what_changed_not_is_not_sent_again(void **state) {
    struct story *story = *state;
    static const struct swgi_peer peer = { .is_unix = true, .role = SWGI_ROLE_VIEWER };
    struct swgi_request request = {
        .method = "GET", .path = "/v1/circuits", .query = "", .peer = &peer, .refused = -1
    };
    struct swgi_answer first, second;
    char tag[256];

    swgi_admin_answer(story->agent, &request, &first);
    assert_int_equal(first.status, 200);
    assert_string_equal(first.headers[0].name, "ETag");
    snprintf(tag, sizeof(tag), "\"other\", %s", first.headers[0].value);
    request.headers[SWGI_HEADER_IF_NONE_MATCH] = tag;
    swgi_admin_answer(story->agent, &request, &second);
    assert_int_equal(second.status, 304);
    assert_null(second.text);
    swgi_answer_deinit(&first);
    ask(story, "POST", "/v1/circuits/a%2Fb/trip", 1, "{\"reason\":\"x\"}");
    swgi_admin_answer(story->agent, &request, &second);
    assert_int_equal(second.status, 200);
    swgi_answer_deinit(&second);
}

static int ask_as(struct story *story, const char *method, const char *host, const char *origin,
                  bool is_unix, bool has_token) {
    const struct swgi_peer peer = { .is_unix = is_unix, .role = SWGI_ROLE_ADMIN };
    struct swgi_request request = {
        .method = method, .query = "", .peer = &peer, .refused = -1, .path = "/v1/circuits"
    };
    char authorization[128];

    if (strcmp(method, "POST") == 0)
        request.path = "/v1/circuits/a%2Fb/reset";
    snprintf(authorization, sizeof(authorization), "Bearer %s", story->token[1]);
    request.headers[SWGI_HEADER_AUTHORIZATION] = has_token ? authorization : NULL;
    request.headers[SWGI_HEADER_HOST] = host;
    request.headers[SWGI_HEADER_ORIGIN] = origin;
    swgi_answer_deinit(&story->answer);
    swgi_admin_answer(story->agent, &request, &story->answer);
    json_decref(story->json);
    story->json = json_loadb(story->answer.text->at, story->answer.text->size, 0, NULL);
    return story->answer.status;
}

static const char *const our_names[] = { "localhost",
                                         "LOCALHOST:9190",
                                         "localhost.:1",
                                         "127.0.0.1:9190",
                                         "127.0.0.1",
                                         "10.1.2.3:80",
                                         "[::1]:9190",
                                         "[fd00::1]",
                                         "switchgear.monitoring.svc:9190",
                                         "Ops.Example",
                                         "here.example:80",
                                         "rooted.example:80",
                                         "ROOTED.example.",
                                         NULL };
static const char *const other_names[] = { "evil.example",
                                           "evil.example:9190",
                                           "localhost.evil.example",
                                           "127.0.0.1.evil.example:9190",
                                           "127.0.0.1@evil.example",
                                           "evil.example@127.0.0.1",
                                           "[::1].evil.example",
                                           "[::1",
                                           "[evil]",
                                           "127.1",
                                           "localhost:80:80",
                                           "localhost:x",
                                           "svc",
                                           "",
                                           ":9190",
                                           NULL };

static void name_the_agent(struct story *story) {
    static char ops[] = "ops.EXAMPLE", service[] = "*.monitoring.svc", rooted[] = "rooted.Example.",
                *names[] = { ops, service, rooted };

    story->agent->file->agent.hosts = (struct swgi_file_words){ .count = 3, .at = names };
    strcpy(story->agent->file->agent.listen, "here.example:0");
    story->agent->file->agent.public_reads = true;
}

static void forget_names(struct story *story) {
    story->agent->file->agent.hosts = (struct swgi_file_words){ 0 };
    strcpy(story->agent->file->agent.listen, "off");
    story->agent->file->agent.public_reads = false;
}

static void test_without_a_token_the_host_must_be_ours(void **state) {
    struct story *story = *state;
    char self[256] = "";

    name_the_agent(story);
    gethostname(self, sizeof(self) - 1);
    assert_int_equal(ask_as(story, "GET", self, NULL, false, false), 200);
    assert_int_equal(ask_as(story, "GET", NULL, NULL, false, false), 200);
    for (const char *const *host = our_names; *host; host++)
        assert_int_equal(ask_as(story, "GET", *host, NULL, false, false), 200);
    for (const char *const *host = other_names; *host; host++) {
        assert_int_equal(ask_as(story, "GET", *host, NULL, false, false), 403);
        assert_string_equal(code(story), "HOST_REFUSED");
        assert_non_null(strstr(text(story, "message"), "agent.hosts"));
        assert_int_equal(ask_as(story, "GET", *host, NULL, false, true), 200);
        assert_int_equal(ask_as(story, "GET", *host, NULL, true, false), 200);
    }
    forget_names(story);
    assert_int_equal(ask_as(story, "GET", "off", NULL, false, true), 200);
}

/* A page that leads here under its own name sends Host and Origin that agree. */
static void test_an_origin_is_ours_if_its_host_is(void **state) {
    struct story *story = *state;
    char origin[128];

    name_the_agent(story);
    for (const char *const *host = our_names; *host; host++) {
        snprintf(origin, sizeof(origin), "http://%s", *host);
        assert_int_equal(ask_as(story, "POST", *host, origin, false, true), 200);
        assert_int_equal(ask_as(story, "POST", *host, "http://evil.example", false, true), 403);
    }
    for (const char *const *host = other_names; *host; host++) {
        snprintf(origin, sizeof(origin), "http://%s", *host);
        assert_int_equal(ask_as(story, "POST", *host, origin, false, true), 403);
        assert_string_equal(code(story), "ORIGIN_REFUSED");
        bool agree = swgi_admin_is_origin_of(origin, *host); /* what is no authority does not */
        assert_non_null(strstr(text(story, "message"), agree ? "agent.hosts" : "agent.origins"));
        assert_int_equal(ask_as(story, "POST", *host, NULL, false, true), 200);
        assert_int_equal(ask_as(story, "POST", *host, origin, true, false), agree ? 200 : 403);
    }
    forget_names(story);
}

/* Browsers leave out the port of the scheme; what stands between may say it. */
static void test_an_origin_is_ours_with_the_usual_port_or_without(void **state) {
    static const struct {
        const char *origin, *host;
        int status;
    } pairs[] = {
        { "http://ops.example", "ops.example:80", 200 },
        { "http://ops.example:80", "ops.example", 200 },
        { "https://ops.example", "ops.example:443", 200 },
        { "https://ops.example:443", "OPS.example", 200 },
        { "HTTPS://Ops.Example", "oPS.example:443", 200 },
        { "http://[::1]", "[::1]:80", 200 },
        { "http://[fd00::AB]:80", "[FD00::ab]", 200 },
        { "http://ops.example:65535", "ops.example:65535", 200 },
        { "http://ops.example", "ops.example:443", 403 },
        { "https://ops.example", "ops.example:80", 403 },
        { "http://ops.example:443", "ops.example", 403 },
        { "http://ops.example", "ops.example:8080", 403 },
        { "http://ops.example:9190", "ops.example:9191", 403 },
        { "http://ops.example:080", "ops.example", 403 },
        { "http://ops.example", "ops.example:080", 403 },
        { "http://ops.example:080", "ops.example:080", 403 },
        { "http://ops.example:", "ops.example", 403 },
        { "http://ops.example", "ops.example:", 403 },
        { "http://ops.example:99999", "ops.example:99999", 403 },
        { "http://ops.example:65616", "ops.example", 403 }, /* 80 in 16 bits */
        { "http://ops.example:4294967376", "ops.example", 403 },
        { "http://ops.example:0", "ops.example:0", 403 },
        { "http://ops.example:+80", "ops.example", 403 },
        { "http://ops.example:80 ", "ops.example", 403 },
        { "http://ops.example:80/", "ops.example", 403 },
        { "http://ops.example/", "ops.example:80", 403 },
        { "http://ops.example:80:80", "ops.example", 403 },
        { "http://ops.example.evil", "ops.example:80", 403 },
        { "http://ops.example:80@evil.example", "ops.example", 403 },
        { "http://evil.example?://ops.example", "ops.example", 403 },
        { "http://[::1", "[::1:80", 403 },
        { "http://[::1]x:80", "[::1]", 403 },
        { "ftp://ops.example", "ops.example", 403 },
        { "ops.example", "ops.example:80", 403 },
        { "http://", "", 403 },
        { "http://:80", ":80", 403 },
        { "", "", 403 },
        { "null", "ops.example", 403 },
    };
    struct story *story = *state;

    name_the_agent(story);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        int status = ask_as(story, "POST", pairs[i].host, pairs[i].origin, false, true);

        if (status != pairs[i].status)
            fail_msg("Origin %s of Host %s: %d", pairs[i].origin, pairs[i].host, status);
    }
    forget_names(story);
}

static void test_a_trace_is_taken_over(void **state) {
    struct story *story = *state;
    static const struct swgi_peer peer = { .text = "x" };
    struct swgi_request request = {
        .method = "GET", .path = "/nosuch", .query = "", .peer = &peer, .refused = -1
    };
    struct swgi_answer answer;

    request.headers[SWGI_HEADER_TRACEPARENT] =
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    swgi_admin_answer(story->agent, &request, &answer);
    assert_string_equal(request.trace_id, "0af7651916cd43dd8448eb211c80319c");
    swgi_answer_deinit(&answer);
    request.headers[SWGI_HEADER_TRACEPARENT] =
        "00-00000000000000000000000000000000-b7ad6b7169203331-01";
    swgi_admin_answer(story->agent, &request, &answer);
    assert_string_not_equal(request.trace_id, "00000000000000000000000000000000");
    assert_int_equal(strlen(request.trace_id), 32);
    swgi_answer_deinit(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unescape),
        cmocka_unit_test(test_the_query),
        cmocka_unit_test(test_every_route_asks_for_its_role),
        cmocka_unit_test(test_a_name_is_one_piece_of_the_path),
        cmocka_unit_test(test_a_path_may_come_with_its_host),
        cmocka_unit_test(test_an_act_says_what_it_did),
        cmocka_unit_test(test_bodies_are_read_by_their_table),
        cmocka_unit_test(test_a_key_of_the_query_that_is_none),
        cmocka_unit_test(test_what_changed_not_is_not_sent_again),
        cmocka_unit_test(test_without_a_token_the_host_must_be_ours),
        cmocka_unit_test(test_an_origin_is_ours_if_its_host_is),
        cmocka_unit_test(test_an_origin_is_ours_with_the_usual_port_or_without),
        cmocka_unit_test(test_a_trace_is_taken_over),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
