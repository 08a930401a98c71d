/* Numbers of the interface in words. */
#include <errno.h>
#include <string.h>

#include "switchgear/switchgear.h"
struct word {
    int number;
    const char *text;
};

static const char *look_up(const struct word *words, size_t count, int number,
                           const char *otherwise) {
    for (size_t i = 0; i < count; i++)
        if (words[i].number == number)
            return words[i].text;
    return otherwise;
}
#define LOOK_UP(words, number, otherwise) \
    look_up(words, sizeof(words) / sizeof((words)[0]), number, otherwise)

static const struct word states[] = { { SWG_STATE_CLOSED, "CLOSED" },
                                      { SWG_STATE_OPEN, "OPEN" },
                                      { SWG_STATE_HALF_OPEN, "HALF_OPEN" } };

static const struct word modes[] = { { SWG_MODE_NORMAL, "normal" },
                                     { SWG_MODE_FORCED_OPEN, "forced_open" },
                                     { SWG_MODE_FORCED_CLOSED, "forced_closed" },
                                     { SWG_MODE_SHADOW, "shadow" } };

static const struct word rules[] = { { SWG_RULE_NONE, "none" },
                                     { SWG_RULE_CONSECUTIVE, "consecutive" },
                                     { SWG_RULE_CHANGE, "change" },
                                     { SWG_RULE_COUNT_FAILURE, "count_failure_rate" },
                                     { SWG_RULE_COUNT_SLOW, "count_slow_rate" },
                                     { SWG_RULE_TIME_1, "time_1" },
                                     { SWG_RULE_TIME_2, "time_2" },
                                     { SWG_RULE_TIME_3, "time_3" },
                                     { SWG_RULE_TIME_4, "time_4" },
                                     { SWG_RULE_PROBE, "probe" },
                                     { SWG_RULE_HAND, "hand" } };

static const struct word outcomes[] = { { SWG_SUCCESS, "success" },
                                        { SWG_FAILURE, "failure" },
                                        { SWG_TIMEOUT, "timeout" },
                                        { SWG_IGNORED, "ignored" } };

static const struct word events[] = { { SWG_EVENT_TRANSITION, "transition" },
                                      { SWG_EVENT_TRIP, "trip" },
                                      { SWG_EVENT_RESET, "reset" },
                                      { SWG_EVENT_PROBE, "probe" },
                                      { SWG_EVENT_MODE, "mode" },
                                      { SWG_EVENT_CONFIG, "config" },
                                      { SWG_EVENT_CREATED, "created" },
                                      { SWG_EVENT_EVICTED, "evicted" },
                                      { SWG_EVENT_SAMPLE, "sample" },
                                      { SWG_EVENT_REJECTED, "rejected" },
                                      { SWG_EVENT_BEYOND, "beyond" },
                                      { SWG_EVENT_CLOCK, "clock" } };

static const struct word answers[] = {
    { SWG_GO, "go" },
    { SWG_OPEN, "not called: the circuit is open" },
    { SWG_FULL, "not called: the bulkhead is full" },
    { SWG_LIMITED, "not called: over the rate limit" },
    { SWG_SHED, "not called: shed under load" },
    { SWG_EXPIRED, "not called: the deadline had passed" },
    { SWG_FAILED, "called, and it failed" },
    { SWG_QUEUED, "waiting in the queue" },
    { SWG_RETRY, "recorded; another attempt is allowed" },
    { SWG_QUEUE_SATURATED, "not called: bulkhead and queue are full" },
    { SWG_SUCCESS, "success" },
    { SWG_FAILURE, "failure" },
    { SWG_TIMEOUT, "timeout" },
    { SWG_IGNORED, "ignored" },
    { -EINVAL, "invalid argument" },
    { -EPROTO, "the panel is of another version" },
    { -EBADMSG, "the panel is damaged" },
    { -ERANGE, "out of range" },
    { -EROFS, "the panel was opened to inspect only" },
    { -EAGAIN, "not now" },
    { -EBUSY, "busy" },
    { -ENOSPC, "no room" },
    { -ENOENT, "there is none" },
    { -EALREADY, "it is not open" },
    { -E2BIG, "a struct of a newer library with fields this one does not know" }
};

const char *swg_state_name(int state) {
    return LOOK_UP(states, state, "?");
}
const char *swg_mode_name(int mode) {
    return LOOK_UP(modes, mode, "?");
}
const char *swg_rule_name(int rule) {
    return LOOK_UP(rules, rule, "?");
}
const char *swg_outcome_name(int outcome) {
    return LOOK_UP(outcomes, outcome, "?");
}
const char *swg_event_name(int kind) {
    return LOOK_UP(events, kind, "?");
}

/* The kernel keeps to it; beyond, -rc might not be an int. */
#define ERRNO_MAX 4095

static const struct word sources[] = { { SWG_SOURCE_NONE, "none" },
                                       { SWG_SOURCE_CALL, "call" },
                                       { SWG_SOURCE_CACHE, "cache" },
                                       { SWG_SOURCE_STALE, "stale" },
                                       { SWG_SOURCE_ALTERNATIVE, "alternative" },
                                       { SWG_SOURCE_STATIC, "static" },
                                       { SWG_SOURCE_QUEUE, "queue" },
                                       { SWG_SOURCE_FUNCTION, "function" } };

const char *swg_source_name(int source) {
    return LOOK_UP(sources, source, "?");
}

const char *swg_strerror(int rc) {
    const char *known = LOOK_UP(answers, rc, NULL);
    if (known != NULL)
        return known;
    /* strerrordesc_np() is static storage, unlike strerror(). */
    const char *system = rc < 0 && rc >= -ERRNO_MAX ? strerrordesc_np(-rc) : NULL;
    return system != NULL ? system : "?";
}

int swg_is_rejection(int rc) {
    return (rc >= SWG_OPEN && rc <= SWG_EXPIRED) || rc == SWG_QUEUE_SATURATED;
}

const char *swg_version(void) {
    return SWGI_VERSION;
}
