/*
 * What can be done by hand. The panel itself keeps who did what and why: what is answered here with 2xx stands in its ring. A reload is
 * no act on a circuit, so its row must be in the database before it is answered.
 */
#include "agent/admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "base/text.h"
#include "report/json.h"

/* A disk that takes longer is told of instead. */
#define AUDIT_PATIENCE_MS 3000

enum act { TRIP, RESET, PROBE, MODE };
static const char *const act_names[] = { "trip", "reset", "probe", "mode" };

static int act_on(struct swg_circuit *circuit, enum act act, const struct swgi_act_body *body,
                  const struct swgi_request *request, struct swg_error *error) {
    struct swg_act by_hand = SWG_ACT_INIT;

    by_hand.user = request->user[0] ? request->user : "admin";
    by_hand.reason = body->reason[0] ? body->reason : NULL;
    by_hand.for_ns = body->for_ns;
    by_hand.force = body->force;
    by_hand.source = "admin";
    switch (act) {
    case TRIP:
        return swg_circuit_trip(circuit, &by_hand, error);
    case RESET:
        return swg_circuit_reset(circuit, &by_hand, error);
    case PROBE:
        return swg_circuit_probe(circuit, &by_hand, error);
    default:
        return swg_circuit_mode(circuit, body->mode, &by_hand, error);
    }
}

/* How long until it will not be refused for this: seconds, at least one; 0: nobody knows. */
static long seconds_left(struct swgi_agent *agent, struct swg_circuit *circuit, enum act act) {
    struct swg_status status = SWG_STATUS_INIT;
    char text[64];
    uint64_t ns = 0;
    swg_ns left;

    if (swg_circuit_setting(circuit, act == PROBE ? "breaker.open.for" : "breaker.open.cooldown",
                            text, sizeof(text)) != 0 ||
        swgi_duration_parse(text, &ns) != 0 || swg_circuit_status(circuit, &status) != 0)
        return 0;
    left = status.last_trip + (swg_ns)ns - swg_panel_now(agent->panel);
    return left > 0 ? (long)((left + 999999999) / 1000000000) : 1;
}

static void refuse(struct swgi_agent *agent, const struct swgi_request *request,
                   struct swgi_answer *answer, struct swg_circuit *circuit, enum act act, int rc,
                   const struct swg_error *error) {
    const char *message = error->text[0] ? error->text : swg_strerror(rc);
    int problem = rc == -EAGAIN     ? SWGI_PROBLEM_COOLDOWN
                  : rc == -EBUSY    ? SWGI_PROBLEM_MODE_HELD
                  : rc == -EALREADY ? SWGI_PROBLEM_NOT_OPEN
                  : rc == -ENOENT   ? SWGI_PROBLEM_UNKNOWN_CIRCUIT
                  : rc == -EINVAL   ? SWGI_PROBLEM_BAD_VALUE
                                    : SWGI_PROBLEM_INTERNAL;
    long seconds = rc == -EAGAIN ? seconds_left(agent, circuit, act) : 0;

    if (seconds > 0)
        swgi_answer_header(answer, "Retry-After", "%ld", seconds);
    swgi_answer_circuit_problem(answer, request, agent, circuit, problem, message);
}

static json_t *result(const char *name, enum act act, const struct swg_status *before,
                      const struct swg_status *after) {
    json_t *object = json_object();

    json_object_set_new(object, "circuit", swgi_json_text(name));
    json_object_set_new(object, "act", json_string(act_names[act]));
    json_object_set_new(object, "state_before", json_string(swg_state_name(before->state)));
    json_object_set_new(object, "mode_before", json_string(swg_mode_name(before->mode)));
    json_object_set_new(object, "state", json_string(swg_state_name(after->state)));
    json_object_set_new(object, "mode", json_string(swg_mode_name(after->mode)));
    return object;
}

/* The result, or NULL and the answer says why not. */
static json_t *act_on_circuit(struct swgi_agent *agent, const struct swgi_request *request,
                              struct swgi_answer *answer, struct swg_circuit *circuit,
                              enum act act) {
    struct swg_status before = SWG_STATUS_INIT, after = SWG_STATUS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_act_body body;
    int rc;

    if (!swgi_admin_body(request, answer, &body))
        return NULL;
    if (act == MODE && body.mode == SWG_MODE_NORMAL && body.for_ns != 0) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_VALUE,
                            "for: mode normal has no end; leave it out");
        return NULL;
    }
    (void)swg_circuit_status(circuit, &before);
    rc = act_on(circuit, act, &body, request, &error);
    if (rc != 0) {
        refuse(agent, request, answer, circuit, act, rc, &error);
        return NULL;
    }
    (void)swg_circuit_status(circuit, &after);
    return result(swg_circuit_name(circuit), act, &before, &after);
}

static void run(struct swgi_agent *agent, struct swgi_request *request, struct swgi_answer *answer,
                enum act act) {
    struct swg_circuit *circuit = swgi_admin_circuit(agent, request, answer);
    json_t *object = circuit ? act_on_circuit(agent, request, answer, circuit, act) : NULL;

    if (object)
        swgi_answer_json(answer, 200, object);
}

void swgi_admin_trip(struct swgi_agent *agent, struct swgi_request *request,
                     struct swgi_answer *answer) {
    run(agent, request, answer, TRIP);
}

void swgi_admin_reset(struct swgi_agent *agent, struct swgi_request *request,
                      struct swgi_answer *answer) {
    run(agent, request, answer, RESET);
}

void swgi_admin_probe(struct swgi_agent *agent, struct swgi_request *request,
                      struct swgi_answer *answer) {
    run(agent, request, answer, PROBE);
}

void swgi_admin_mode(struct swgi_agent *agent, struct swgi_request *request,
                     struct swgi_answer *answer) {
    run(agent, request, answer, MODE);
}

/* The seed calls circuits by their alias. */
static struct swg_circuit *by_alias(struct swgi_agent *agent, struct swgi_request *request,
                                    struct swgi_answer *answer) {
    const struct swgi_file_circuit *entry = swgi_file_alias(agent->file, request->name);

    if (entry && !entry->is_pattern)
        swgi_copy_text(request->name, sizeof(request->name), entry->name);
    return swgi_admin_circuit(agent, request, answer);
}

void swgi_admin_seed_reset(struct swgi_agent *agent, struct swgi_request *request,
                           struct swgi_answer *answer) {
    struct swg_circuit *circuit = by_alias(agent, request, answer);
    json_t *object = circuit ? act_on_circuit(agent, request, answer, circuit, RESET) : NULL;
    char message[192];

    if (!object)
        return;
    snprintf(message, sizeof(message), "Circuit breaker %s was reset", request->name);
    json_object_set_new(object, "success", json_true());
    json_object_set_new(object, "message", swgi_json_text(message));
    swgi_answer_json(answer, 200, object);
}

static json_t *errors_json(const struct swgi_file_errors *errors) {
    json_t *array = json_array();

    for (unsigned i = 0; i < errors->count && i < SWGI_FILE_ERRORS_MAX; i++) {
        const struct swg_error *error = &errors->errors[i];
        json_t *object = json_object();

        json_object_set_new(object, "line", error->line ? json_integer(error->line) : json_null());
        json_object_set_new(object, "column",
                            error->column ? json_integer(error->column) : json_null());
        json_object_set_new(object, "key", swgi_json_text(error->key));
        json_object_set_new(object, "message", swgi_json_text(error->text));
        json_array_append_new(array, object);
    }
    return array;
}

static void refuse_reload(const struct swgi_agent *agent, const struct swgi_request *request,
                          struct swgi_answer *answer, const struct swgi_file_errors *errors) {
    json_t *object;
    char message[512] = "";

    if (errors->count > 0)
        snprintf(message, sizeof(message), "%s%s%s", errors->errors[0].key,
                 errors->errors[0].key[0] ? ": " : "", errors->errors[0].text);
    object = swgi_problem_new(request, SWGI_PROBLEM_CONFIG_REFUSED, message);
    json_object_set_new(object, "file", swgi_json_text(agent->config));
    json_object_set_new(object, "errors_count", json_integer(errors->count));
    json_object_set_new(object, "errors", errors_json(errors));
    swgi_answer_problem_json(answer, SWGI_PROBLEM_CONFIG_REFUSED, object);
}

/* It is in force; that it is answered means that the audit has it, too. */
struct wait {
    struct swgi_job job;
    struct swgi_storage *storage;
    uint64_t row;
    unsigned circuits;
    bool is_written;
};

static void wait_for_row(struct swgi_job *job) {
    struct wait *wait = (struct wait *)job;

    wait->is_written = swgi_storage_wait(wait->storage, wait->row, AUDIT_PATIENCE_MS);
}

static void tell_reload(struct swgi_job *job, const struct swgi_request *request,
                        struct swgi_answer *answer) {
    struct wait *wait = (struct wait *)job;
    struct swgi_storage_counts counts;

    if (wait->is_written) {
        swgi_answer_json(
            answer, 200,
            json_pack("{s:b,s:I}", "reloaded", 1, "circuits", (json_int_t)wait->circuits));
    } else {
        swgi_storage_counts(wait->storage, &counts);
        swgi_answer_problem(answer, request, SWGI_PROBLEM_DB_ERROR,
                            "the file is in force, but the audit does not have that yet: %s",
                            counts.last_fault[0] ? counts.last_fault : "its disk is slow");
    }
    free(wait);
}

void swgi_admin_reload(struct swgi_agent *agent, struct swgi_request *request,
                       struct swgi_answer *answer) {
    static struct swgi_file_errors errors; /* large, and the loop's alone */
    struct wait *wait = calloc(1, sizeof(*wait));
    struct swgi_act_body body;

    if (!wait) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_INTERNAL, "no memory");
    } else if (!swgi_admin_body(request, answer, &body)) {
        free(wait);
    } else if (swgi_agent_reload(agent, request->user, "admin", &errors) != 0) {
        refuse_reload(agent, request, answer, &errors);
        free(wait);
    } else {
        *wait = (struct wait){ .job = { wait_for_row, tell_reload },
                               .storage = agent->storage,
                               .row = agent->reload_row,
                               .circuits = agent->file->circuits_count,
                               .is_written = !agent->storage };
        if (agent->storage)
            answer->job = &wait->job;
        else
            tell_reload(&wait->job, request, answer);
    }
}
