/*
 * Whatever a client sends, without the network: method, path, query, headers and body into the dispatcher of a real agent. Nothing
 * crashes; every answer is whole; what needs a role is refused without one; and nothing but an operator's act moves a circuit.
 */
#include "fuzz.h"

#include <unistd.h>

#include "agent/admin.h"
#include "agent/agent.h"

static struct swgi_agent *agent;
static struct swg_panel *panel;
static struct swg_circuit *circuit;

static void begin(void) {
    struct swgi_agent_options options = { .is_embedded = true, .log_level = 4 };

    if (agent != NULL)
        return;
    REQUIRE(swg_panel_open(&panel, NULL, NULL) == 0);
    REQUIRE(swg_circuit_get(panel, "database", NULL, &circuit, NULL) == 0);
    REQUIRE(swgi_agent_new(&agent, &options, panel, NULL, NULL) == 0);
}

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "", "get" };
#define METHODS (sizeof(methods) / sizeof(methods[0]))

static const char *method_of(unsigned choice, const char *given) {
    return choice % 8 < METHODS ? methods[choice % 8] : given;
}

/* JSON where it says so, no line break in any header, and no more of them than there may be. */
static void check(const struct swgi_answer *answer) {
    REQUIRE(answer->status == 200 || answer->status == 304 ||
            (answer->status >= 400 && answer->status <= 503));
    REQUIRE(answer->status == 304 || answer->text != NULL || answer->stream.wanted ||
            answer->job != NULL);
    REQUIRE(answer->headers_count <= SWGI_ANSWER_HEADERS_MAX);
    for (unsigned i = 0; i < answer->headers_count; i++)
        REQUIRE(strpbrk(answer->headers[i].value, "\r\n") == NULL);
    if (answer->text != NULL && strstr(answer->type, "json") != NULL) {
        json_t *object = json_loadb(answer->text->at, answer->text->size, 0, NULL);

        REQUIRE(json_is_object(object));
        REQUIRE(answer->status < 400 || json_is_string(json_object_get(object, "code")));
        json_decref(object);
    }
}

static void ask(struct swgi_request *request) {
    struct swgi_answer answer;
    struct swg_status before = SWG_STATUS_INIT, after = SWG_STATUS_INIT;

    REQUIRE(swg_circuit_status(circuit, &before) == 0);
    swgi_admin_answer(agent, request, &answer);
    if (answer.job != NULL) {
        answer.job->work(answer.job);
        answer.job->finish(answer.job, request, &answer);
        answer.job = NULL;
    }
    check(&answer);
    REQUIRE(swg_circuit_status(circuit, &after) == 0);
    if (request->role < SWGI_ROLE_OPERATOR || answer.status != 200)
        REQUIRE(before.state == after.state && before.mode == after.mode);
    if (request->route != NULL && request->peer->role < request->route->role)
        REQUIRE(answer.status == 401 || answer.status == 403);
    swgi_answer_deinit(&answer);
}

/* Back to where every input begins. */
static void mend(void) {
    struct swg_act act = SWG_ACT_INIT;

    act.force = 1;
    (void)swg_circuit_mode(circuit, SWG_MODE_NORMAL, &act, NULL);
    (void)swg_circuit_reset(circuit, &act, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct input input = { bytes, bytes + size };
    struct swgi_peer peer = { .text = "fuzz", .user = "fuzz" };
    struct swgi_request request = { .peer = &peer, .refused = -1 };
    unsigned choice = (unsigned)take(&input, 1), who = (unsigned)take(&input, 1);
    char *texts[SWGI_HEADERS + 4];

    begin();
    for (unsigned i = 0; i < SWGI_HEADERS + 4; i++)
        texts[i] = take_text(&input, '\n');
    peer.is_unix = (who & 4) != 0;
    peer.role = peer.is_unix ? (int)(who & 3) : SWGI_ROLE_NONE;
    request.method = method_of(choice, texts[0]);
    request.path = texts[1];
    request.query = texts[2];
    request.body = texts[3];
    request.body_size = strlen(texts[3]) < SWGI_BODY_MAX ? strlen(texts[3]) : SWGI_BODY_MAX;
    for (unsigned i = 0; i < SWGI_HEADERS; i++)
        request.headers[i] = (who & 8) != 0 || texts[4 + i][0] != '\0' ? texts[4 + i] : NULL;
    if ((who & 16) != 0)
        request.refused = (int)(who >> 5) % SWGI_PROBLEMS;
    ask(&request);
    mend();
    for (unsigned i = 0; i < SWGI_HEADERS + 4; i++)
        free(texts[i]);
    return 0;
}

/* Choice, who, and the lines: method, path, query, body, headers. */
static unsigned write_route(const char *folder, unsigned number, const struct swgi_route *route) {
    static const char *const bodies[] = { "", "{\"reason\":\"x\",\"for\":\"5m\"}",
                                          "{\"reason\":\"x\",\"force\":true}",
                                          "{\"reason\":\"x\",\"force\":true}",
                                          "{\"mode\":\"shadow\",\"reason\":\"x\"}" };
    char bytes[512], path[128];
    const char *brace = strchr(route->path, '{');
    int length;

    snprintf(path, sizeof(path), "%.*s%s%s",
             (int)(brace ? brace - route->path : (ptrdiff_t)strlen(route->path)), route->path,
             brace ? "database" : "", brace ? strchr(brace, '}') + 1 : "");
    for (unsigned who = 4; who < 8; who += 3) {
        length =
            snprintf(bytes, sizeof(bytes),
                     "%c%c\n%s\nlimit=5&circuit=a*&ticks=1\n%s\n"
                     "Bearer x\nhttp://h\nh\napplication/json\n"
                     "application/openmetrics-text\nW/\"0\"\n1-2\n"
                     "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                     route->method[0] == 'G' ? '\0' : '\2', (char)who, path, bodies[route->body]);
        write_seed(folder, number++, bytes, (size_t)length);
    }
    return number;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *folder = seeds_folder(*argc, *argv);
    unsigned number = 0;
    size_t count;
    const struct swgi_route *routes = swgi_routes(&count);

    for (size_t i = 0; folder != NULL && i < count; i++)
        number = write_route(folder, number, &routes[i]);
    if (folder != NULL)
        exit(0);
    return 0;
}
