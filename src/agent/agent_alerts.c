/* Alerts as the rest of the agent sees them: a line of the log, a row of the audit, and what the agent before this one left. */
#include "agent/agent.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "base/text.h"

/* Rows of alerts that are looked at when the agent starts. */
#define RECALLED_MAX 1000u

static const char *evidence_of(const struct swgi_alert_state *alert, int fired, char *out,
                               size_t size) {
    json_t *object =
        json_pack("{s:s, s:b, s:I, s:f}", "alert", alert->name, "fired", fired, "since_unix_ms",
                  (json_int_t)alert->since_wall_ms, "value", alert->value);
    size_t length = object ? json_dumpb(object, out, size - 1, JSON_COMPACT) : 0;

    json_decref(object);
    if (length == 0 || length >= size)
        return NULL;
    out[length] = '\0';
    return out;
}

void swgi_agent_on_alert(void *arg, const struct swgi_alert_state *alert, int fired) {
    struct swgi_agent *agent = arg;
    struct swgi_log_fields fields = { .context = "alerts", .circuit = alert->circuit };
    char evidence[512];

    swgi_log(fired && alert->severity != SWGI_SEVERITY_INFO ? SWGI_LOG_WARNING : SWGI_LOG_INFO,
             &fields, "alert %s %s%s%s", alert->name, fired ? "fires" : "ended",
             alert->summary && alert->summary[0] ? ": " : "", alert->summary ? alert->summary : "");
    if (agent->storage)
        swgi_storage_note(agent->storage, SWGI_ACTION_ALERT, alert->circuit,
                          fired ? alert->summary : "ended", "system", "rule",
                          evidence_of(alert, fired, evidence, sizeof(evidence)));
}

/* One alert of one circuit, as the newest row of the audit that tells of it has it. */
struct recalled {
    char name[SWGI_FILE_WORD_MAX], circuit[SWGI_FILE_WORD_MAX];
    int64_t since_ms;
    bool fired;
};

struct recall {
    struct recalled *list;
    size_t count;
};

static bool is_known(const struct recall *recall, const char *name, const char *circuit) {
    for (size_t i = 0; i < recall->count; i++) {
        if (strcmp(recall->list[i].name, name) == 0 &&
            strcmp(recall->list[i].circuit, circuit) == 0)
            return true;
    }
    return false;
}

/* Rows come newest first: what is known already is newer. */
static void add_row(void *arg, const struct swgi_audit_row *row) {
    struct recall *recall = arg;
    json_t *object = json_loads(row->evidence, 0, NULL);
    const char *name = json_string_value(json_object_get(object, "alert"));

    if (name && recall->count < RECALLED_MAX && !is_known(recall, name, row->circuit)) {
        struct recalled *one = &recall->list[recall->count++];

        swgi_copy_text(one->name, sizeof(one->name), name);
        swgi_copy_text(one->circuit, sizeof(one->circuit), row->circuit);
        one->fired = json_is_true(json_object_get(object, "fired"));
        one->since_ms = json_integer_value(json_object_get(object, "since_unix_ms"));
    }
    json_decref(object);
}

void swgi_agent_recall_alerts(struct swgi_agent *agent) {
    struct swgi_audit_query query = { .action = swgi_action_name(SWGI_ACTION_ALERT),
                                      .limit = RECALLED_MAX };
    struct recall recall = { .list = calloc(RECALLED_MAX, sizeof(struct recalled)) };
    struct swg_error error = SWG_ERROR_INIT;
    char path[4096];

    if (agent->storage && recall.list &&
        swgi_storage_path(agent->file, path, sizeof(path), &error) == 0 &&
        swgi_audit_read(path, &query, add_row, &recall, &error) == 0) {
        for (size_t i = 0; i < recall.count; i++) {
            if (recall.list[i].fired)
                (void)swgi_alerts_restore(agent->alerts, recall.list[i].name,
                                          recall.list[i].circuit, recall.list[i].since_ms);
        }
    }
    free(recall.list);
}
