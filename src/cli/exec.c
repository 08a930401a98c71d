/* `exec`: any command, protected, from any shell. Its exit status is its outcome. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/commands.h"
#include "report/describe.h"
#include "report/json.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "cli/protect.h"
#include "report/text.h"
#include "cli/waiting.h"

/* As timeout(1) and the shells have them. */
#define STATUS_TIMED_OUT      124
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND      127
#define STATUS_SIGNAL         128

static int exit_status(const struct swgi_child_end *end) {
    if (end->failed_to_start)
        return end->failed_to_start == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
    if (end->timed_out)
        return STATUS_TIMED_OUT;
    return WIFSIGNALED(end->status) ? STATUS_SIGNAL + WTERMSIG(end->status)
                                    : WEXITSTATUS(end->status);
}

static bool is_ignored(const struct swgi_options *options, int status) {
    return options->ignored_statuses[status / 64 % 4] >> (status % 64) & 1;
}

static int outcome(const struct swgi_options *options, const struct swgi_child_end *end) {
    if (end->timed_out)
        return SWG_TIMEOUT;
    if (WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0)
        return SWG_SUCCESS;
    if (end->interrupted ||
        (WIFEXITED(end->status) && is_ignored(options, WEXITSTATUS(end->status))))
        return SWG_IGNORED;
    return SWG_FAILURE;
}

/* A run of the command, and what came of it. */
struct job {
    const struct swgi_options *options;
    struct swg_circuit *circuit;
    const sigset_t *mask;
    struct swg_permit permit;
    struct swgi_child_end end;
    swg_ns limit; /* of the last attempt; 0: none */
    swg_ns took;
    int attempts, outcome;
    int failure; /* it could not be run: the exit status; 0: it was */
};

/* The command's name is said, its arguments never: they may hold secrets. */
static int record(struct job *job) {
    const struct swgi_child_end *end = &job->end;
    struct swg_failure why = SWG_FAILURE_INIT;
    const char *command = job->options->arguments[1], *slash = strrchr(command, '/');
    const char *name = slash ? slash + 1 : command;
    char text[128], limit[SWGI_TEXT_MAX];
    bool timed_out = job->outcome == SWG_TIMEOUT;

    if (timed_out)
        snprintf(text, sizeof(text), "%.60s took longer than %s", name,
                 swgi_duration_text(job->limit, limit));
    else if (WIFSIGNALED(end->status))
        snprintf(text, sizeof(text), "%.60s was killed by signal %d", name, WTERMSIG(end->status));
    else
        snprintf(text, sizeof(text), "%.60s exited with %d", name, WEXITSTATUS(end->status));
    why.traceparent = getenv("TRACEPARENT");
    why.kind = timed_out ? "timeout" : WIFSIGNALED(end->status) ? "signal" : "exit";
    why.code = timed_out                  ? ETIMEDOUT
               : WIFSIGNALED(end->status) ? WTERMSIG(end->status)
                                          : WEXITSTATUS(end->status);
    why.text = text;
    if (job->outcome == SWG_FAILURE || timed_out)
        return swg_record_error(&job->permit, job->outcome, &why);
    return swg_record(&job->permit, job->outcome);
}

/* What the command line allows an attempt, or the circuit, whichever is less. */
static swg_ns limit_of(const struct job *job) {
    swg_ns limit = job->options->timeout_ns, deadline = swg_deadline(&job->permit);
    swg_ns left = deadline == SWG_NS_MAX ? SWG_NS_MAX : deadline - swg_now();

    if (left == SWG_NS_MAX || (limit > 0 && limit < left))
        return limit;
    return left > 0 ? left : 1;
}

/* SWG_GO, SWG_FAILED or SWG_RETRY; -errno: it could not be run, which counts neither way. */
static int attempt(struct job *job) {
    const struct swgi_options *options = job->options;
    swg_ns started = swg_now();
    int rc;

    job->limit = limit_of(job);
    rc = swgi_child_run(options->arguments + 1, job->mask, job->limit, options->kill_after_ns,
                        &job->end);
    job->took = swg_now() - started;
    if (rc < 0 || job->end.failed_to_start) {
        swg_cancel(&job->permit);
        job->failure = rc < 0 ? EX_OSERR : exit_status(&job->end);
        swgi_say("%s: %s", options->arguments[1],
                 strerror(rc < 0 ? -rc : job->end.failed_to_start));
        return rc < 0 ? rc : -job->end.failed_to_start;
    }
    job->attempts++;
    job->outcome = outcome(options, &job->end);
    if (record(job) == SWG_RETRY)
        return SWG_RETRY;
    return job->outcome == SWG_FAILURE || job->outcome == SWG_TIMEOUT ? SWG_FAILED : SWG_GO;
}

static void tell_retry(const struct job *job) {
    char pause[SWGI_TEXT_MAX];

    if (job->options->verbose && !job->options->json)
        swgi_tell(job->options, "%s: attempt %d: %s; again in %s", swg_circuit_name(job->circuit),
                  job->attempts, swg_outcome_name(job->outcome),
                  swgi_duration_text(swg_retry_in(&job->permit), pause));
}

/* All attempts: SWG_GO, SWG_FAILED, a rejection, or -errno after saying why. */
static int run(struct job *job) {
    struct swg_request request = SWG_REQUEST_INIT;
    int interrupted_by = 0, rc;

    request.load = job->options->load;
    request.operation = job->options->operation;
    request.priority = job->options->priority;
    rc = swg_acquire(job->circuit, &request, &job->permit);
    for (;;) {
        if (rc == SWG_QUEUED)
            rc = swgi_wait_turn(&job->permit, &interrupted_by);
        if (rc == SWG_GO && !interrupted_by)
            rc = attempt(job);
        if (rc != SWG_RETRY || interrupted_by)
            break;
        tell_retry(job);
        swgi_wait_pause(swg_retry_in(&job->permit), &interrupted_by);
        rc = interrupted_by ? SWG_RETRY : swg_acquire_again(&job->permit);
    }
    if (!interrupted_by)
        return swg_is_rejection(rc) && job->attempts > 0 ? SWG_FAILED : rc;
    swg_cancel(&job->permit);
    job->failure = STATUS_SIGNAL + interrupted_by;
    return -EINTR;
}

static json_t *json_of(const struct job *job, int degraded) {
    return json_pack("{s:s, s:b, s:s, s:i, s:b, s:o, s:i, s:b}", "circuit",
                     swg_circuit_name(job->circuit), "admitted", 1, "outcome",
                     swg_outcome_name(job->outcome), "exit_status", exit_status(&job->end),
                     "timed_out", job->end.timed_out, "duration_seconds",
                     swgi_json_seconds(job->took), "attempts", job->attempts, "degraded", degraded);
}

static int tell(const struct job *job) {
    const struct swgi_options *options = job->options;
    char took[SWGI_TEXT_MAX];

    if (options->json)
        swgi_json_print(stderr, json_of(job, 0), true);
    else if (options->verbose)
        swgi_tell(options, "%s: %s after %s", swg_circuit_name(job->circuit),
                  swg_outcome_name(job->outcome), swgi_latency_text(job->took, took));
    else if (job->outcome == SWG_TIMEOUT)
        swgi_tell(options, "%s: stopped after %s", swg_circuit_name(job->circuit),
                  swgi_duration_text(job->limit, took));
    return exit_status(&job->end);
}

/* The circuit's own answer, where the command gave none. */
static int stand_in(const struct job *job, int verdict, const char *answer) {
    const char *what = job->attempts > 0 ? "run" : "not run";

    if (*answer)
        puts(answer);
    if (!job->options->json)
        swgi_tell_degraded(job->options, job->circuit, verdict, what);
    else if (job->attempts > 0)
        swgi_json_print(stderr, json_of(job, 1), true);
    else
        swgi_json_print(stderr,
                        json_pack("{s:s, s:b, s:s, s:b}", "circuit", swg_circuit_name(job->circuit),
                                  "admitted", 0, "verdict", swgi_verdict_word(verdict), "degraded",
                                  1),
                        true);
    return 0;
}

/* Run it, or say why not. */
static int ask_and_run(const struct swgi_options *options, struct swg_circuit *circuit,
                       const sigset_t *mask) {
    struct job job = { .options = options, .circuit = circuit, .mask = mask };
    char answer[SWGI_STAND_IN_MAX];
    int rc = run(&job);

    if (job.failure)
        return job.failure;
    if (rc != SWG_GO && swgi_stand_in(circuit, rc, answer))
        return stand_in(&job, rc, answer);
    if (rc == SWG_GO || rc == SWG_FAILED)
        return tell(&job);
    if (swg_is_rejection(rc))
        return swgi_tell_refused(options, circuit, rc, swg_retry_in(&job.permit), "not run");
    swgi_say("%s: %s", swg_circuit_name(circuit), swg_strerror(rc));
    return swgi_fault_status(rc);
}

/* What a person interrupted must look interrupted, or the shell's loop around us goes on. */
static int end_as_it_did(int status, const sigset_t *mask) {
    sigset_t interrupt;

    if (status == STATUS_SIGNAL + SIGINT) {
        fflush(NULL);
        signal(SIGINT, SIG_DFL);
        sigemptyset(&interrupt);
        sigaddset(&interrupt, SIGINT);
        raise(SIGINT);
        sigprocmask(SIG_UNBLOCK, &interrupt, NULL);
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
    return status;
}

static int dry_run(const struct swgi_options *options) {
    printf("would run %s under the circuit %s of the panel %s\n", options->arguments[1],
           options->arguments[0], options->panel);
    return 0;
}

int swgi_exec_run(const struct swgi_options *options) {
    struct swg_panel *panel = NULL;
    struct swg_circuit *circuit = NULL;
    sigset_t mask;
    int status;

    if (options->dry_run)
        return dry_run(options);
    swgi_child_hold_signals(&mask);
    status = swgi_protect(options, options->arguments[0], &panel, &circuit);
    if (status == 0)
        status = ask_and_run(options, circuit, &mask);
    panel = swg_panel_unref(panel);
    return end_as_it_did(status, &mask);
}
