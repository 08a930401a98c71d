/* A call in one piece, written on its two halves: there is one state machine. */
#include "circuit/call.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/text.h"
#include "circuit/circuit.h"
#include "circuit/permit.h"
#include "circuit/sized.h"

swg_ns swg_attempt_deadline(const struct swg_attempt *attempt) {
    return attempt->deadline;
}

uint32_t swg_attempt_number(const struct swg_attempt *attempt) {
    return attempt->number;
}

struct swg_circuit *swg_attempt_circuit(const struct swg_attempt *attempt) {
    return attempt->circuit;
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
    swgi_copy_text(attempt->traceparent, sizeof(attempt->traceparent), known.traceparent);
    attempt->failure.traceparent = known.traceparent != NULL ? attempt->traceparent : NULL;
}

int swg_attempt_keep(struct swg_attempt *attempt, const void *bytes, size_t length) {
    swg_buffer_release(&attempt->kept);
    return swgi_buffer_new(&attempt->kept, bytes, length);
}

static_assert(SWGI_REJECTED_EXPIRED == SWG_EXPIRED - SWG_OPEN, "counters in the verdicts' order");

static int answer_of(int outcome) {
    if (outcome < SWG_SUCCESS || outcome > SWG_IGNORED)
        return -EINVAL;
    return outcome == SWG_FAILURE || outcome == SWG_TIMEOUT ? SWG_FAILED : SWG_GO;
}

/* Where time stands still a pause would never end. */
static void pause_for(const struct swg_circuit *circuit, int64_t ns) {
    const struct swgi_map *map = swgi_load(&circuit->panel->map);
    struct timespec left = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
    if (map->virtual_on || ns <= 0)
        return;
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static void begin_attempt(struct swgi_call *call, const struct swg_permit *permit) {
    struct swg_attempt *attempt = &call->attempt;
    swg_ns asked = call->request.deadline != 0 ? call->request.deadline : SWG_NS_MAX;
    swg_ns given = swg_deadline(permit);
    attempt->number++;
    attempt->deadline = given < asked ? given : asked;
    attempt->has_failure = false;
    swg_buffer_release(&attempt->kept);
}

/* Once: SWG_RETRY, or what the call came to. */
static int try_once(struct swgi_call *call, struct swg_permit *permit) {
    struct swg_attempt *attempt = &call->attempt;
    begin_attempt(call, permit);
    call->result.outcome = call->fn(attempt, call->arg);
    call->result.attempts++;
    if (attempt->has_failure && attempt->failure.traceparent == NULL)
        attempt->failure.traceparent = call->request.traceparent;
    int rc = swg_record_error(permit, call->result.outcome,
                              attempt->has_failure ? &attempt->failure : NULL);
    return rc == 0 ? answer_of(call->result.outcome) : rc;
}

static unsigned counter_of(int verdict) {
    return verdict == SWG_QUEUE_SATURATED ? SWGI_REJECTED_SATURATED
                                          : (unsigned)(verdict - SWG_OPEN);
}

int swgi_call_reject(struct swg_circuit *circuit, int verdict) {
    const struct swgi_binding *binding = swgi_circuit_bind(circuit);
    if (binding == NULL || swgi_thread_enter(binding->map) < 0)
        return verdict;
    struct swgi_turn turn;
    unsigned counter = counter_of(verdict);
    swgi_column_add(&swgi_column(binding->index)->rejected[counter], 1);
    swgi_turn_look(&turn, binding->map, binding->index, swgi_binding_now(binding));
    swgi_note_rejections(&turn, verdict, SWGI_COUNTER(rejected) + counter);
    return verdict;
}

int swgi_call_wait(struct swg_circuit *circuit, struct swg_permit *permit) {
    int rc = swg_wait(permit, SWG_NS_MAX);
    if (rc != SWG_QUEUED)
        return rc;
    bool paced = permit->opaque[1] & SWGI_PERMIT_PACED;
    swg_cancel(permit);
    return swgi_call_reject(circuit, paced ? SWG_LIMITED : SWG_FULL);
}

int swgi_call_run(struct swgi_call *call, struct swg_circuit *circuit) {
    struct swg_permit permit;
    call->attempt.circuit = circuit;
    call->attempt.number = 0;
    int rc = swg_acquire(circuit, &call->request, &permit);
    for (;;) {
        if (rc == SWG_QUEUED)
            rc = swgi_call_wait(circuit, &permit);
        if (rc != SWG_GO)
            break;
        rc = try_once(call, &permit);
        if (rc != SWG_RETRY)
            return rc;
        pause_for(circuit, swg_retry_in(&permit));
        rc = swg_acquire_again(&permit);
    }
    call->result.retry_in = swg_retry_in(&permit);
    /* A retry that was not let through is still the failure of the attempt before it. */
    return rc > 0 && call->result.attempts > 0 ? SWG_FAILED : rc;
}

static void tell_failure(const struct swg_attempt *attempt, struct swg_error *error) {
    if (!attempt->has_failure)
        return;
    error->size = sizeof(*error);
    swgi_fail(error, attempt->failure.code, attempt->kind, "%s", attempt->text);
}

/* The error inside keeps the size its caller gave it, like the result around it. */
static int finish(struct swg_result *out, struct swg_result *result) {
    bool takes_value =
        out != NULL && out->size >= offsetof(struct swg_result, value) + sizeof(struct swg_buffer);
    if (!takes_value)
        swg_buffer_release(&result->value);
    if (out == NULL)
        return result->rc;
    struct swg_result told = *result;
    if (out->size >= offsetof(struct swg_result, source))
        told.error.size = out->error.size;
    swgi_sized_out(out, &told);
    return result->rc;
}

static void take_answer(struct swgi_call *call) {
    struct swg_result *result = &call->result;
    if (result->rc != SWG_GO || result->source != SWG_SOURCE_NONE)
        return;
    result->source = SWG_SOURCE_CALL;
    result->value = call->attempt.kept;
    call->attempt.kept = (struct swg_buffer)SWG_BUFFER_INIT;
}

static int begin(struct swgi_call *call, const struct swg_request *request) {
    struct swg_request known = SWG_REQUEST_INIT;
    int rc = request != NULL ? swgi_sized_in(&known, request) : 0;
    call->request = known;
    if (rc != 0 || call->circuit == NULL)
        return rc != 0 ? rc : -EINVAL;
    const struct swgi_binding *binding = swgi_circuit_bind(call->circuit);
    if (binding != NULL) {
        call->policies = swgi_policies_of(binding->map, binding->cell);
        call->time_shift = binding->time_shift;
    }
    return 0;
}

int swg_call(struct swg_circuit *circuit, const struct swg_request *request, swg_fn *fn, void *arg,
             struct swg_result *out) {
    struct swgi_call call = {
        .circuit = circuit,
        .fn = fn,
        .arg = arg,
        .result = SWG_RESULT_INIT,
        .attempt = { .deadline = SWG_NS_MAX, .kept = SWG_BUFFER_INIT },
    };
    if (fn == NULL)
        return -EINVAL;
    call.result.rc = begin(&call, request);
    if (call.result.rc == 0 && !(call.policies != NULL && swgi_call_cached(&call))) {
        call.result.rc = swgi_call_run(&call, circuit);
        swgi_call_tell(&call);
        tell_failure(&call.attempt, &call.result.error);
    }
    if (call.policies != NULL && call.result.rc > 0)
        swgi_call_fallback(&call);
    take_answer(&call);
    swg_buffer_release(&call.attempt.kept);
    return finish(out, &call.result);
}
