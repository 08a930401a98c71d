/* Pages of the audit. The database is read on another thread: it may be large, and its disk slow. */
#include "agent/admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/storage_time.h"
#include "base/clock.h"
#include "base/text.h"
#include "report/json.h"

#define LIMIT_DEFAULT 100u
#define LIMIT_MAX     1000u

struct audit {
    struct swgi_job job;
    char database[4096], circuit[SWGI_NAME_ROOM];
    struct swgi_audit_query query;
    json_t *rows;
    int64_t last_id;
    uint32_t count;
    int rc;
    struct swg_error error;
};

static json_t *evidence_json(const char *text) {
    json_t *object = text[0] ? json_loads(text, 0, NULL) : NULL;

    return object ? object : json_null();
}

static void add_row(void *arg, const struct swgi_audit_row *row) {
    struct audit *audit = arg;
    json_t *object = json_object();

    json_object_set_new(object, "id", json_integer(row->id));
    json_object_set_new(object, "timestamp", json_integer(row->wall_ms));
    json_object_set_new(object, "circuit", swgi_json_text(row->circuit));
    json_object_set_new(object, "action", swgi_json_text(row->action));
    json_object_set_new(object, "reason", swgi_json_text(row->reason));
    json_object_set_new(object, "evidence", evidence_json(row->evidence));
    json_object_set_new(object, "user", swgi_json_text(row->user));
    json_object_set_new(object, "source", swgi_json_text(row->source));
    json_array_append_new(audit->rows, object);
    audit->last_id = row->id;
    audit->count++;
}

static void work(struct swgi_job *job) {
    struct audit *audit = (struct audit *)job;

    audit->rows = json_array();
    audit->rc = swgi_audit_read(audit->database, &audit->query, add_row, audit, &audit->error);
}

static void finish(struct swgi_job *job, const struct swgi_request *request,
                   struct swgi_answer *answer) {
    struct audit *audit = (struct audit *)job;
    json_t *object;

    if (audit->rc < 0) {
        swgi_answer_header(answer, "Retry-After", "1");
        swgi_answer_problem(answer, request, SWGI_PROBLEM_DB_ERROR, "%s",
                            audit->error.text[0] ? audit->error.text : strerror(-audit->rc));
        json_decref(audit->rows);
    } else {
        object = json_object();
        json_object_set_new(object, "rows", audit->rows);
        json_object_set_new(object, "next_before",
                            audit->count == audit->query.limit ? json_integer(audit->last_id)
                                                               : json_null());
        swgi_answer_json(answer, 200, object);
    }
    free(audit);
}

/* 1 to most. */
static bool parse_number(const char *text, uint64_t most, uint64_t *out) {
    return swgi_integer_parse(text, out) == 0 && *out >= 1 && *out <= most;
}

/* Each false: that parameter is wrong. */

static bool read_since(const struct swgi_request *request, struct swgi_audit_query *query) {
    char text[40];
    int rc = swgi_query_get(request, "since", text, sizeof(text));

    return rc == 0 ||
           (rc > 0 && swgi_since_parse(text, swgi_clock_wall_ms(), &query->since_ms) == 0);
}

static bool read_action(const struct swgi_request *request, struct swgi_audit_query *query) {
    char text[32];
    int rc = swgi_query_get(request, "action", text, sizeof(text));
    enum swgi_audit_action action = rc > 0 ? swgi_action_parse(text) : SWGI_ACTIONS;

    if (action != SWGI_ACTIONS)
        query->action = swgi_action_name(action);
    return rc == 0 || query->action;
}

static bool read_circuit(struct swgi_agent *agent, const struct swgi_request *request,
                         struct audit *audit) {
    int rc = swgi_query_get(request, "circuit", audit->circuit, sizeof(audit->circuit));

    audit->query.circuit =
        rc > 0 && audit->circuit[0] ? swgi_admin_meant(agent, audit->circuit) : NULL;
    return rc >= 0;
}

/* 1 to most; left alone where it is not said. */
static bool read_number(const struct swgi_request *request, const char *key, uint64_t most,
                        uint64_t *out) {
    char text[32];
    int rc = swgi_query_get(request, key, text, sizeof(text));

    return rc == 0 || (rc > 0 && parse_number(text, most, out));
}

static bool wrong(const struct swgi_request *request, struct swgi_answer *answer, const char *key,
                  const char *forms) {
    swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_VALUE, "%s: %s", key, forms);
    return false;
}

/* false: answered already. */
static bool read_query(struct swgi_agent *agent, const struct swgi_request *request,
                       struct swgi_answer *answer, struct audit *audit) {
    char words[SWGI_ACTION_WORDS_MAX];
    uint64_t limit = LIMIT_DEFAULT, before = 0;

    if (!read_circuit(agent, request, audit))
        return wrong(request, answer, "circuit", "write a name or a glob, once");
    if (!read_action(request, &audit->query))
        return wrong(request, answer, "action", swgi_action_words(words));
    if (!read_since(request, &audit->query))
        return wrong(request, answer, "since", SWGI_SINCE_FORMS);
    if (!read_number(request, "limit", LIMIT_MAX, &limit))
        return wrong(request, answer, "limit", "write a number from 1 to 1000");
    if (!read_number(request, "before", INT64_MAX, &before))
        return wrong(request, answer, "before", "write the next_before of the page before");
    audit->query.limit = (uint32_t)limit;
    audit->query.before_id = (int64_t)before;
    return true;
}

void swgi_admin_audit(struct swgi_agent *agent, struct swgi_request *request,
                      struct swgi_answer *answer) {
    struct audit *audit = calloc(1, sizeof(*audit));

    if (!audit || !agent->storage) {
        swgi_answer_problem(
            answer, request, audit ? SWGI_PROBLEM_DB_ERROR : SWGI_PROBLEM_INTERNAL, "%s",
            audit ? "this agent keeps no database (agent.database is off)" : "no memory");
        free(audit);
        return;
    }
    *audit = (struct audit){ .job = { work, finish }, .error = SWG_ERROR_INIT };
    if (!read_query(agent, request, answer, audit)) {
        free(audit);
        return;
    }
    if (swgi_storage_path(agent->file, audit->database, sizeof(audit->database), &audit->error) !=
        0) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_DB_ERROR, "%s", audit->error.text);
        free(audit);
        return;
    }
    answer->job = &audit->job;
}
