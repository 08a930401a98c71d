/* What answers are made of: bytes that are counted, JSON, problems (RFC 9457), headers. */
#include "agent/admin.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "report/json.h"

#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

static const struct {
    int status;
    const char *code, *title;
} problems[] = {
#define SWGI_PROBLEM(name, status, code, title) { status, code, title },
#include "tables/problems.h"
#undef SWGI_PROBLEM
};

struct swgi_text *swgi_text_new(char *bytes, size_t size) {
    struct swgi_text *text = calloc(1, sizeof(*text));

    if (!text) {
        free(bytes);
        return NULL;
    }
    *text = (struct swgi_text){ .references = 1, .size = size, .bytes = bytes, .at = bytes };
    return text;
}

struct swgi_text *swgi_text_static(const void *bytes, size_t size) {
    struct swgi_text *text = swgi_text_new(NULL, size);

    if (text)
        text->at = bytes;
    return text;
}

struct swgi_text *swgi_text_ref(struct swgi_text *text) {
    if (text)
        text->references++;
    return text;
}

struct swgi_text *swgi_text_unref(struct swgi_text *text) {
    if (text && --text->references == 0) {
        free(text->bytes);
        free(text);
    }
    return NULL;
}

static int add_piece(const char *text, size_t size, void *bytes) {
    swgi_bytes_add(bytes, text, size);
    return 0;
}

void swgi_answer_deinit(struct swgi_answer *answer) {
    answer->text = swgi_text_unref(answer->text);
}

void swgi_answer_header(struct swgi_answer *answer, const char *name, const char *format, ...) {
    va_list arguments;

    if (answer->headers_count == SWGI_ANSWER_HEADERS_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(answer->headers[answer->headers_count].value,
              sizeof(answer->headers[answer->headers_count].value), format, arguments);
    va_end(arguments);
    answer->headers[answer->headers_count++].name = name;
}

/* Without memory for an answer there is still one. */
void swgi_answer_bytes(struct swgi_answer *answer, int status, const char *type, char *bytes,
                       size_t size) {
    answer->text = swgi_text_unref(answer->text);
    if (bytes)
        answer->text = swgi_text_new(bytes, size);
    answer->status = answer->text ? status : 500;
    answer->type = type;
}

static void give(struct swgi_answer *answer, int status, const char *type,
                 struct swgi_bytes *bytes) {
    size_t size;
    char *text = swgi_bytes_end(bytes, &size);

    swgi_answer_bytes(answer, status, type, text, size);
}

static void give_json(struct swgi_answer *answer, int status, const char *type, json_t *object) {
    struct swgi_bytes bytes = { 0 };

    bytes.failed = !object || json_dump_callback(object, add_piece, &bytes, DUMP_FLAGS) != 0;
    json_decref(object);
    give(answer, status, type, &bytes);
}

void swgi_answer_writer(struct swgi_answer *answer, int status, struct swgi_writer *writer) {
    give(answer, status, "application/json", &writer->bytes);
}

void swgi_answer_json(struct swgi_answer *answer, int status, json_t *object) {
    give_json(answer, status, "application/json", object);
}

static void put(json_t *object, const char *key, json_t *value) {
    if (object)
        json_object_set_new(object, key, value);
    else
        json_decref(value);
}

static json_t *type_of(int problem) {
    char type[96];

    snprintf(type, sizeof(type), "urn:switchgear:problem:%s", problems[problem].code);
    for (char *c = type + strlen("urn:switchgear:problem:"); *c; c++)
        *c = (char)(*c == '_' ? '-' : tolower(*c));
    return json_string(type);
}

json_t *swgi_problem_new(const struct swgi_request *request, int problem, const char *message) {
    json_t *object = json_object();
    const char *text = message && message[0] ? message : problems[problem].title;

    put(object, "type", type_of(problem));
    put(object, "title", json_string(problems[problem].title));
    put(object, "status", json_integer(problems[problem].status));
    put(object, "detail", swgi_json_text(text));
    put(object, "code", json_string(problems[problem].code));
    put(object, "message", swgi_json_text(text));
    put(object, "circuitState", json_null());
    put(object, "metrics", json_null());
    put(object, "trace_id", json_string(request->trace_id));
    return object;
}

void swgi_answer_problem_json(struct swgi_answer *answer, int problem, json_t *object) {
    give_json(answer, problems[problem].status, "application/problem+json", object);
}

void swgi_answer_problem(struct swgi_answer *answer, const struct swgi_request *request,
                         int problem, const char *format, ...) {
    char message[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    swgi_answer_problem_json(answer, problem, swgi_problem_new(request, problem, message));
}

void swgi_answer_circuit_problem(struct swgi_answer *answer, const struct swgi_request *request,
                                 struct swgi_agent *agent, struct swg_circuit *circuit, int problem,
                                 const char *message) {
    struct swg_status status = SWG_STATUS_INIT;
    json_t *object = swgi_problem_new(request, problem, message);

    if (swg_circuit_status(circuit, &status) == 0) {
        put(object, "circuitState", json_string(swg_state_name(status.state)));
        put(object, "metrics", swgi_json_seed_circuit(agent, circuit, &status));
    }
    swgi_answer_problem_json(answer, problem, object);
}

/* Is the tag one of the list that the client holds? Weakly: W/ makes no difference (RFC 9110, 13.1.2). */
static bool holds(const char *list, const char *etag) {
    const char *opaque = strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;

    return strcmp(list, "*") == 0 || strstr(list, opaque) != NULL;
}

bool swgi_answer_unchanged(struct swgi_answer *answer, const struct swgi_request *request,
                           const char *etag) {
    const char *list = request->headers[SWGI_HEADER_IF_NONE_MATCH];

    swgi_answer_header(answer, "ETag", "%s", etag);
    if (!list || !holds(list, etag))
        return false;
    answer->status = 304;
    return true;
}

const char *swgi_admin_meant(struct swgi_agent *agent, const char *name) {
    struct swg_circuit *circuit = NULL;
    const struct swgi_file_circuit *entry;

    if (swg_circuit_find(agent->panel, name, &circuit) == 0)
        return name;
    entry = swgi_file_alias(agent->file, name);
    return entry && !entry->is_pattern ? entry->name : name;
}

struct swg_circuit *swgi_admin_circuit(struct swgi_agent *agent, const struct swgi_request *request,
                                       struct swgi_answer *answer) {
    struct swg_circuit *circuit = NULL;
    const char *name = swgi_admin_meant(agent, request->name);

    if (swg_circuit_find(agent->panel, name, &circuit) == 0)
        return circuit;
    swgi_answer_problem(answer, request, SWGI_PROBLEM_UNKNOWN_CIRCUIT,
                        "there is no circuit '%s'; GET /v1/circuits lists them", request->name);
    return NULL;
}
