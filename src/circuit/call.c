/* A call in one piece, written on its two halves: there is one state machine. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "circuit/circuit.h"
#include "circuit/sized.h"

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
    struct swg_failure known = SWG_FAILURE_INIT;
    if (why == NULL || swgi_sized_in(&known, why) != 0)
        return;
    swgi_copy_text(attempt->kind, sizeof(attempt->kind), known.kind != NULL ? known.kind : "");
    swgi_copy_text(attempt->text, sizeof(attempt->text), known.text != NULL ? known.text : "");
    attempt->has_failure = true;
    attempt->failure = known;
    attempt->failure.kind = attempt->kind;
    attempt->failure.text = attempt->text;
}

/* The error inside keeps the size its caller gave it, like the result around it. */
static int finish(struct swg_result *out, const struct swg_result *result) {
    if (out == NULL)
        return result->rc;
    struct swg_result told = *result;
    if (out->size >= sizeof(told))
        told.error.size = out->error.size;
    swgi_sized_out(out, &told);
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
