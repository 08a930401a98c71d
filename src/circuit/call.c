/* A call in one piece, written on its two halves: there is one state machine. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "circuit/circuit.h"

struct swg_attempt {
    uint32_t number;
    swg_ns deadline;
    bool has_failure;
    struct swg_failure failure;
    char kind[24], text[SWGI_SAMPLE_MAX + 1];
};

swg_ns swg_attempt_deadline(const struct swg_attempt *attempt) {
    return attempt->deadline;
}

uint32_t swg_attempt_number(const struct swg_attempt *attempt) {
    return attempt->number;
}

void swg_attempt_failure(struct swg_attempt *attempt, const struct swg_failure *why) {
    if (why == NULL || why->size < sizeof(*why))
        return;
    attempt->has_failure = true;
    attempt->failure = *why;
    attempt->failure.size = sizeof(*why);
    swgi_copy_text(attempt->kind, sizeof(attempt->kind), why->kind != NULL ? why->kind : "");
    swgi_copy_text(attempt->text, sizeof(attempt->text), why->text != NULL ? why->text : "");
    attempt->failure.kind = attempt->kind;
    attempt->failure.text = attempt->text;
}

static int finish(struct swg_result *out, const struct swg_result *result) {
    if (out == NULL)
        return result->rc;
    uint32_t size = out->size < sizeof(*result) ? out->size : (uint32_t)sizeof(*result);
    uint32_t error_size = out->error.size;
    uint32_t of_caller = out->size;
    memcpy(out, result, size);
    out->size = of_caller;
    if (size == sizeof(*result))
        out->error.size = error_size;
    return result->rc;
}

static int answer_of(int outcome) {
    if (outcome < SWG_SUCCESS || outcome > SWG_IGNORED)
        return -EINVAL;
    return outcome == SWG_FAILURE || outcome == SWG_TIMEOUT ? SWG_FAILED : SWG_GO;
}

static void tell_failure(const struct swg_attempt *attempt, struct swg_error *error) {
    if (!attempt->has_failure)
        return;
    error->size = sizeof(*error);
    swgi_fail(error, attempt->failure.code, attempt->kind, "%s", attempt->text);
}

int swg_call(struct swg_circuit *circuit, const struct swg_request *request, swg_fn *fn, void *arg,
             struct swg_result *out) {
    struct swg_result result = SWG_RESULT_INIT;
    struct swg_attempt attempt = { .number = 1, .deadline = SWG_NS_MAX };
    struct swg_permit permit;
    if (fn == NULL)
        return -EINVAL;
    if (request != NULL &&
        request->size >= offsetof(struct swg_request, deadline) + sizeof(swg_ns) &&
        request->deadline != 0)
        attempt.deadline = request->deadline;
    result.rc = swg_acquire(circuit, request, &permit);
    if (result.rc != SWG_GO) {
        result.retry_in = swg_retry_in(&permit);
        return finish(out, &result);
    }
    result.outcome = fn(&attempt, arg);
    result.attempts = 1;
    result.rc = answer_of(result.outcome);
    int rc =
        swg_record_error(&permit, result.outcome, attempt.has_failure ? &attempt.failure : NULL);
    if (rc < 0)
        result.rc = rc;
    tell_failure(&attempt, &result.error);
    return finish(out, &result);
}
