/* Pages of the audit. The database is read on another thread: it may be large, and its disk slow. */
#include "agent/admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/text.h"
#include "report/json.h"

#define LIMIT_DEFAULT 100u
#define LIMIT_MAX     1000u

struct audit {
    struct swgi_job job;
    char database[4096], circuit[SWGI_NAME_ROOM], action[32];
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

/* "1764442000000", or how long ago: "15m". */
static bool parse_since(const char *text, int64_t *out) {
    uint64_t number = 0;

    if (swgi_integer_parse(text, &number) == 0 && number <= INT64_MAX) {
        *out = (int64_t)number;
        return true;
    }
    if (swgi_duration_parse(text, &number) != 0)
        return false;
    *out = swgi_clock_wall_ms() - (int64_t)(number / 1000000);
    return true;
}

/* 1 to most. */
static bool parse_number(const char *text, uint64_t most, uint64_t *out) {
    return swgi_integer_parse(text, out) == 0 && *out >= 1 && *out <= most;
}

/* NULL, or the parameter that is wrong. */
static const char *read_query(const struct swgi_request *request, struct audit *audit) {
    struct swgi_audit_query *query = &audit->query;
    char text[32];
    uint64_t number = LIMIT_DEFAULT;
    int rc;

    rc = swgi_query_get(request, "circuit", audit->circuit, sizeof(audit->circuit));
    if (rc < 0)
        return "circuit";
    query->circuit = rc > 0 && audit->circuit[0] ? audit->circuit : NULL;
    rc = swgi_query_get(request, "action", audit->action, sizeof(audit->action));
    if (rc < 0)
        return "action";
    query->action = rc > 0 && audit->action[0] ? audit->action : NULL;
    rc = swgi_query_get(request, "since", text, sizeof(text));
    if (rc < 0 || (rc > 0 && !parse_since(text, &query->since_ms)))
        return "since";
    rc = swgi_query_get(request, "limit", text, sizeof(text));
    if (rc < 0 || (rc > 0 && !parse_number(text, LIMIT_MAX, &number)))
        return "limit";
    query->limit = (uint32_t)number;
    rc = swgi_query_get(request, "before", text, sizeof(text));
    if (rc < 0 || (rc > 0 && !parse_number(text, INT64_MAX, &number)))
        return "before";
    query->before_id = rc > 0 ? (int64_t)number : 0;
    return NULL;
}

void swgi_admin_audit(struct swgi_agent *agent, struct swgi_request *request,
                      struct swgi_answer *answer) {
    struct audit *audit = calloc(1, sizeof(*audit));
    const char *wrong;

    if (!audit || !agent->storage) {
        swgi_answer_problem(
            answer, request, audit ? SWGI_PROBLEM_DB_ERROR : SWGI_PROBLEM_INTERNAL, "%s",
            audit ? "this agent keeps no database (agent.database is off)" : "no memory");
        free(audit);
        return;
    }
    *audit = (struct audit){ .job = { work, finish }, .error = SWG_ERROR_INIT };
    wrong = read_query(request, audit);
    if (wrong) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_VALUE,
                            "%s: not a value this takes; /openapi.json says what is", wrong);
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
