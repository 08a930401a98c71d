/*
 * A run: entries in order, each asked for, noted, called, recorded, and noted again.
 *
 * The first note is committed before the call without waiting for the disk, so that a process that dies in the call has counted
 * it; the second one is durable. The circuit is asked inside the first transaction: waiting for the database neither holds a
 * permit nor makes the call look slow, and a rejection writes nothing.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DELAY_FIRST (100 * SWGI_NS_PER_MS)
#define DELAY_MOST  (60 * SWGI_NS_PER_S)

enum next { NOTHING, CALL, GIVE_UP };

/* What the callback gets, and behind it where swg_outbox_failure() puts the reason. */
struct attempt {
    struct swg_outbox_item item;
    struct swg_failure why;
    char kind[24], text[128], traceparent[57];
};

struct run {
    struct swg_outbox *outbox;
    struct swg_circuit *circuit;
    struct swgi_outbox_first first;
    struct swg_permit permit;
    struct swg_outbox_result result;
    struct swg_error *error;
};

void swg_outbox_failure(struct swg_outbox_item *item, const struct swg_failure *why) {
    struct attempt *attempt = (struct attempt *)item;
    struct swg_failure mine = SWG_FAILURE_INIT;

    if (item == NULL || why == NULL || swgi_outbox_take(&mine, sizeof(mine), why) != 0)
        return;
    snprintf(attempt->kind, sizeof(attempt->kind), "%s", mine.kind != NULL ? mine.kind : "");
    snprintf(attempt->text, sizeof(attempt->text), "%s", mine.text != NULL ? mine.text : "");
    mine.size = sizeof(mine);
    mine.kind = attempt->kind;
    mine.text = attempt->text;
    snprintf(attempt->traceparent, sizeof(attempt->traceparent), "%s",
             mine.traceparent != NULL ? mine.traceparent : "");
    mine.traceparent = attempt->traceparent;
    attempt->why = mine;
}

/* SWG_GO and a permit, a rejection, or a fault. What is late already does not stand in a queue before calls of now. */
static int ask(struct run *run) {
    struct swg_request request = SWG_REQUEST_INIT;
    int rc;

    request.priority = run->outbox->options.priority;
    rc = swg_acquire(run->circuit, &request, &run->permit);
    if (rc > 0)
        run->result.retry_in = swg_retry_in(&run->permit);
    if (rc == SWG_QUEUED) {
        swg_cancel(&run->permit);
        rc = SWG_FULL;
    }
    if (rc > 0)
        snprintf(run->result.text, sizeof(run->result.text), "%s", swg_strerror(rc));
    if (rc < 0)
        swgi_outbox_fault(run->error, rc, "circuit", "%s", swg_strerror(rc));
    return rc;
}

static bool is_expired(const struct run *run) {
    return swgi_outbox_age(run->first.put_ms) > run->outbox->options.age_max;
}

/* Inside the first transaction, which is kept only if the answer is CALL. */
static int choose(struct run *run, enum next *next) {
    int rc = swgi_outbox_first(run->outbox, &run->first, true, run->error);

    if (rc <= 0)
        return rc;
    if (is_expired(run) || run->first.attempts >= run->outbox->options.attempts_max) {
        *next = GIVE_UP;
        return 0;
    }
    rc = ask(run);
    if (rc != 0)
        return rc;
    rc = swgi_outbox_mark(run->outbox, &run->first, run->error);
    if (rc == 0)
        *next = CALL;
    else
        swg_cancel(&run->permit);
    return rc;
}

static int begin_attempt(struct run *run, enum next *next) {
    int rc = swgi_outbox_begin(run->outbox, false, run->error);

    *next = NOTHING;
    if (rc != 0)
        return rc;
    rc = choose(run, next);
    if (rc != 0 || *next != CALL) {
        swgi_outbox_end(run->outbox, 1, NULL);
        return rc;
    }
    rc = swgi_outbox_end(run->outbox, 0, run->error);
    if (rc != 0)
        swg_cancel(&run->permit);
    return rc;
}

/* Without a call: it is too old, or no attempt at it ever came to an end. */
static int give_up(struct run *run) {
    struct swgi_outbox_end end = { .attempts = run->first.attempts };
    int rc;

    if (is_expired(run)) {
        end.kind = "expired";
        end.text = "older than age_max when its turn came";
    } else {
        end.kind = "broken_off";
        end.text = "the process ended, or gave no outcome, during the last attempt";
    }
    rc = swgi_outbox_bury(run->outbox, &run->first, &end, run->error);
    run->result.dead += rc == 0;
    return rc;
}

static swg_ns delay(uint32_t attempt) {
    swg_ns delay = DELAY_FIRST;

    while (--attempt > 0 && delay < DELAY_MOST)
        delay *= 2;
    return delay < DELAY_MOST ? delay : DELAY_MOST;
}

/* The circuit learns of it at once: what the note on the disk takes is not the dependency's time. */
static int record(struct run *run, const struct attempt *attempt) {
    struct swg_outbox_result *result = &run->result;
    bool failed = result->outcome == SWG_FAILURE || result->outcome == SWG_TIMEOUT;
    int rc = swg_record_error(&run->permit, result->outcome,
                              result->outcome == SWG_SUCCESS ? NULL : &attempt->why);

    if (failed) {
        result->retry_in = delay(attempt->item.attempt);
        if (attempt->why.retry_after > result->retry_in)
            result->retry_in = attempt->why.retry_after;
        if (rc == SWG_RETRY && swg_retry_in(&run->permit) > result->retry_in)
            result->retry_in = swg_retry_in(&run->permit);
        snprintf(result->text, sizeof(result->text), "%s%s%s",
                 attempt->kind[0] != '\0' ? attempt->kind : swg_outcome_name(result->outcome),
                 attempt->text[0] != '\0' ? ": " : "", attempt->text);
    }
    if (rc == SWG_RETRY)
        swg_cancel(&run->permit); /* the next attempt is another run's */
    return rc < 0
               ? swgi_outbox_fault(run->error, rc, "outcome",
                                   "the callback returned %d, which is no outcome", result->outcome)
               : 0;
}

static int settle(struct run *run, const struct attempt *attempt) {
    const struct swgi_outbox_end end = { .attempts = attempt->item.attempt,
                                         .outcome = run->result.outcome,
                                         .code = attempt->why.code,
                                         .kind = attempt->kind,
                                         .text = attempt->text };
    bool ignored = end.outcome == SWG_IGNORED;
    int rc;

    if (end.outcome == SWG_SUCCESS) {
        rc = swgi_outbox_deliver(run->outbox, &run->first, run->error);
        run->result.delivered += rc == 0;
        return rc;
    }
    if (ignored || end.attempts >= run->outbox->options.attempts_max) {
        rc = swgi_outbox_bury(run->outbox, &run->first, &end, run->error);
        run->result.dead += rc == 0;
    } else {
        rc = swgi_outbox_fail(run->outbox, &run->first, &end, run->error);
    }
    return rc == 0 && !ignored ? SWG_FAILED : rc;
}

static int call(struct run *run, swg_outbox_fn *fn, void *arg) {
    struct attempt attempt = { .item = { .size = sizeof(attempt.item),
                                         .key = run->first.key,
                                         .bytes = run->outbox->bytes,
                                         .length = run->first.length,
                                         .attempt = run->first.attempts + 1,
                                         .age = swgi_outbox_age(run->first.put_ms) },
                               .why = SWG_FAILURE_INIT };
    int rc;

    run->result.attempt = attempt.item.attempt;
    snprintf(run->result.key, sizeof(run->result.key), "%s", run->first.key);
    run->result.outcome = fn(&attempt.item, arg);
    rc = record(run, &attempt);
    if (rc == 0)
        rc = swgi_outbox_enter(run->outbox, run->error);
    if (rc != 0)
        return rc;
    rc = settle(run, &attempt);
    swgi_outbox_leave(run->outbox);
    return rc;
}

/* One entry. 1: none was left. */
static int one(struct run *run, swg_outbox_fn *fn, void *arg, bool *is_empty) {
    enum next next = NOTHING;
    int rc = swgi_outbox_enter(run->outbox, run->error);

    if (rc != 0)
        return rc;
    rc = begin_attempt(run, &next);
    if (rc == 0 && next == GIVE_UP)
        rc = give_up(run);
    swgi_outbox_leave(run->outbox);
    *is_empty = rc == 0 && next == NOTHING;
    return rc == 0 && next == CALL ? call(run, fn, arg) : rc;
}

static int begin_run(struct swg_outbox *outbox, struct swg_error *error) {
    int rc = swgi_outbox_enter(outbox, error);

    if (rc != 0)
        return rc;
    rc = outbox->running ? -EBUSY : swgi_outbox_check_lock(outbox, error);
    if (rc == 0)
        rc = swgi_outbox_lock_byte(outbox, outbox->queue, 0);
    outbox->running |= rc == 0;
    swgi_outbox_leave(outbox);
    if (rc == -EBUSY)
        swgi_outbox_fault(error, rc, outbox->path, "another run of this queue is under way");
    else if (rc != 0 && rc != -ESTALE)
        swgi_outbox_fault(error, rc, outbox->lock_path, "%s", strerror(-rc));
    return rc;
}

/* Not in a child that the callback forked: the lock is its parent's. */
static void end_run(struct swg_outbox *outbox) {
    if (swgi_outbox_enter(outbox, NULL) != 0)
        return;
    swgi_outbox_unlock_byte(outbox, outbox->queue);
    outbox->running = false;
    swgi_outbox_leave(outbox);
}

int swg_outbox_run(struct swg_outbox *outbox, struct swg_circuit *circuit, swg_outbox_fn *fn,
                   void *arg, uint64_t limit, struct swg_outbox_result *result,
                   struct swg_error *error) {
    struct run run = {
        .outbox = outbox, .circuit = circuit, .result = SWG_OUTBOX_RESULT_INIT, .error = error
    };
    bool is_empty = false;
    int rc;

    if (circuit == NULL || fn == NULL)
        return swgi_outbox_fault(error, -EINVAL, circuit == NULL ? "circuit" : "fn",
                                 "there must be one");
    rc = begin_run(outbox, error);
    if (rc != 0)
        return rc;
    while (rc == 0 && !is_empty && (limit == 0 || run.result.delivered + run.result.dead < limit))
        rc = one(&run, fn, arg, &is_empty);
    end_run(outbox);
    if (rc < 0)
        snprintf(run.result.text, sizeof(run.result.text), "%s", swg_strerror(rc));
    swgi_outbox_give(result, &run.result, sizeof(run.result));
    return rc;
}
