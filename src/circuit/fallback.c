/*
 * What stands in for a call: a kept answer instead of it, and the chain of fallbacks after it. All
 * that is served by a fallback is marked as degraded.
 */
#include <errno.h>
#include <string.h>

#include "circuit/call.h"
#include "circuit/circuit.h"

static int64_t panel_now(const struct swgi_call *call) {
    return swg_panel_now(call->circuit->panel);
}

static bool served(struct swgi_call *call, int source) {
    call->result.rc = SWG_GO;
    call->result.source = source;
    return true;
}

/* What the call that we followed came to: a failure, or a verdict, which is ours as well. */
static int verdict_of_leader(struct swgi_call *call) {
    return swg_is_rejection(call->ask.reason) ? swgi_call_reject(call->circuit, call->ask.reason)
                                              : SWG_FAILED;
}

/* Somebody asks the same already: his answer, or his failure, is ours. false: call yourself. */
static bool follow(struct swgi_call *call) {
    int64_t until = call->request.deadline != 0
                        ? swgi_shifted(call->request.deadline, call->time_shift)
                        : SWG_NS_MAX;
    switch (swgi_cache_wait(call->cache, &call->ask, panel_now(call), until, &call->result.value)) {
    case SWGI_CACHE_HIT:
        return served(call, SWG_SOURCE_CACHE);
    case SWGI_CACHE_FAILED:
        call->result.rc = verdict_of_leader(call);
        return true;
    case SWGI_CACHE_LATE:
        call->result.rc = swgi_call_reject(call->circuit, SWG_EXPIRED);
        return true;
    case SWGI_CACHE_LEAD:
        call->leads = true;
        return false;
    default:
        return false;
    }
}

/* cache.bypass no: an answer is served only where a call would have been let through. */
static bool may_serve(struct swgi_call *call) {
    struct swg_permit permit;
    if (swgi_load(&call->policies->habits) & SWGI_HABIT_CACHE_BYPASS)
        return true;
    int rc = swg_acquire(call->circuit, &call->request, &permit);
    if (rc == SWG_QUEUED)
        rc = swgi_call_wait(call->circuit, &permit);
    call->result.retry_in = swg_retry_in(&permit);
    swg_cancel(&permit);
    if (rc == SWG_GO)
        return true;
    swg_buffer_release(&call->result.value);
    call->result.rc = rc;
    return false;
}

bool swgi_call_cached(struct swgi_call *call) {
    if (call->request.key == 0 || !(swgi_load(&call->policies->habits) & SWGI_HABIT_CACHE))
        return false;
    int64_t now = panel_now(call);
    uint64_t total = swgi_load(&call->policies->total_ns);
    call->cache = swgi_extras_cache(call->circuit, call->policies, now);
    call->ask = (struct swgi_cache_ask){
        .key = call->request.key,
        .operation = call->request.operation,
        .lease_ns = total != SWGI_OFF ? total : 0, /* a call that lasts longer is given up */
    };
    if (call->cache == NULL)
        return false;
    switch (swgi_cache_begin(call->cache, &call->ask, now, &call->result.value)) {
    case SWGI_CACHE_HIT:
        return may_serve(call) ? served(call, SWG_SOURCE_CACHE) : true;
    case SWGI_CACHE_FOLLOW:
        return follow(call);
    default:
        call->leads = true;
        return false;
    }
}

void swgi_call_tell(struct swgi_call *call) {
    if (!call->leads)
        return;
    bool success = call->result.rc == SWG_GO && call->result.outcome == SWG_SUCCESS;
    call->ask.reason = call->result.rc;
    if (success && call->attempt.kept.owner != NULL)
        swgi_cache_put(call->cache, &call->ask, panel_now(call), call->attempt.kept.bytes,
                       call->attempt.kept.length);
    else if (success || call->result.rc <= 0)
        swgi_cache_leave(call->cache, &call->ask);
    else
        swgi_cache_fail(call->cache, &call->ask);
    call->leads = false;
}

/* ---- the chain */

static bool from_cache(struct swgi_call *call) {
    return call->cache != NULL &&
           swgi_cache_stale(call->cache, &call->ask, panel_now(call), &call->result.value) &&
           served(call, SWG_SOURCE_STALE);
}

/* Another service or region. It has policies of its own, but no fallbacks: chains do not chain. */
static bool from_alternative(struct swgi_call *call, const char *name) {
    struct swg_circuit *other;
    if (name[0] == '\0' || swg_circuit_find(call->circuit->panel, name, &other) != 0 ||
        other == call->circuit)
        return false;
    int rc = swgi_call_run(call, other);
    if (rc != SWG_GO)
        return false;
    call->result.value = call->attempt.kept;
    call->attempt.kept = (struct swg_buffer)SWG_BUFFER_INIT;
    return served(call, SWG_SOURCE_ALTERNATIVE);
}

static bool from_setting(struct swgi_call *call, const char *answer) {
    return swgi_buffer_new(&call->result.value, answer, strlen(answer)) == 0 &&
           served(call, SWG_SOURCE_STATIC);
}

static bool into_queue(struct swgi_call *call, const struct swgi_fallbacks *fallbacks) {
    const struct swg_request *request = &call->request;
    return fallbacks->enqueue != NULL &&
           fallbacks->enqueue(fallbacks->enqueue_arg, request->payload_key, request->payload,
                              request->payload_length) == 0 &&
           served(call, SWG_SOURCE_QUEUE);
}

static bool from_function(struct swgi_call *call, const struct swgi_fallbacks *fallbacks) {
    struct swg_buffer value = SWG_BUFFER_INIT;
    if (fallbacks->function == NULL || fallbacks->function(fallbacks->function_arg, &call->request,
                                                           call->result.verdict, &value) != SWG_GO)
        return false;
    call->result.value = value;
    return served(call, SWG_SOURCE_FUNCTION);
}

static bool serve(struct swgi_call *call, const struct swgi_fallback_settings *settings,
                  unsigned link) {
    struct swgi_fallbacks fallbacks = swgi_extras_fallbacks(call->circuit);
    switch (link) {
    case SWGI_FALLBACK_CACHE:
        return from_cache(call);
    case SWGI_FALLBACK_ALTERNATIVE:
        return from_alternative(call, settings->alternative);
    case SWGI_FALLBACK_STATIC:
        return from_setting(call, settings->answer);
    case SWGI_FALLBACK_QUEUE:
        return into_queue(call, &fallbacks);
    case SWGI_FALLBACK_FUNCTION:
        return from_function(call, &fallbacks);
    default:
        return false;
    }
}

void swgi_call_fallback(struct swgi_call *call) {
    int rc = call->result.rc, outcome = call->result.outcome;
    swg_ns retry_in = call->result.retry_in;
    struct swgi_policy_settings settings;
    if (!(swgi_load(&call->policies->habits) & SWGI_HABIT_FALLBACK) || rc == SWG_QUEUE_SATURATED ||
        (rc != SWG_FAILED && !swg_is_rejection(rc)))
        return;
    swgi_policies_load(call->policies, &settings);
    call->result.verdict = rc;
    for (unsigned i = 0; i < SWGI_FALLBACKS_MAX && call->result.rc != SWG_GO; i++) {
        call->result.rc = rc;
        call->result.degraded = serve(call, &settings.fallback, settings.fallback.chain[i]);
    }
    call->result.retry_in = retry_in; /* of the circuit that was asked for */
    if (!call->result.degraded)
        call->result.verdict = 0;
    if (call->result.source != SWG_SOURCE_ALTERNATIVE)
        call->result.outcome = outcome;
}
