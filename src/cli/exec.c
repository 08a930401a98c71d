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
#include "cli/json.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "cli/protect.h"
#include "cli/text.h"

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

/* The command's name is said, its arguments never: they may hold secrets. */
static void record(const struct swgi_options *options, struct swg_permit *permit,
                   const struct swgi_child_end *end, int what) {
    struct swg_failure why = SWG_FAILURE_INIT;
    const char *slash = strrchr(options->arguments[1], '/');
    const char *name = slash ? slash + 1 : options->arguments[1];
    char text[128], limit[SWGI_TEXT_MAX];

    if (what == SWG_TIMEOUT)
        snprintf(text, sizeof(text), "%.60s took longer than %s", name,
                 swgi_duration_text(options->timeout_ns, limit));
    else if (WIFSIGNALED(end->status))
        snprintf(text, sizeof(text), "%.60s was killed by signal %d", name, WTERMSIG(end->status));
    else
        snprintf(text, sizeof(text), "%.60s exited with %d", name, WEXITSTATUS(end->status));
    why.kind = what == SWG_TIMEOUT ? "timeout" : WIFSIGNALED(end->status) ? "signal" : "exit";
    why.code = what == SWG_TIMEOUT        ? ETIMEDOUT
               : WIFSIGNALED(end->status) ? WTERMSIG(end->status)
                                          : WEXITSTATUS(end->status);
    why.text = text;
    if (what == SWG_FAILURE || what == SWG_TIMEOUT)
        swg_record_error(permit, what, &why);
    else
        swg_record(permit, what);
}

static void tell(const struct swgi_options *options, const struct swg_circuit *circuit,
                 const struct swgi_child_end *end, int what, swg_ns duration) {
    char took[SWGI_TEXT_MAX];

    if (options->json)
        swgi_json_print(stderr,
                        json_pack("{s:s, s:b, s:s, s:i, s:b, s:o}", "circuit",
                                  swg_circuit_name(circuit), "admitted", 1, "outcome",
                                  swg_outcome_name(what), "exit_status", exit_status(end),
                                  "timed_out", end->timed_out, "duration_seconds",
                                  swgi_json_seconds(duration)),
                        true);
    else if (options->verbose)
        swgi_tell(options, "%s: %s after %s", swg_circuit_name(circuit), swg_outcome_name(what),
                  swgi_latency_text(duration, took));
    else if (what == SWG_TIMEOUT)
        swgi_tell(options, "%s: stopped after %s", swg_circuit_name(circuit),
                  swgi_duration_text(options->timeout_ns, took));
}

static int run_admitted(const struct swgi_options *options, struct swg_circuit *circuit,
                        struct swg_permit *permit, const sigset_t *mask) {
    struct swgi_child_end end;
    swg_ns started = swg_now();
    int rc = swgi_child_run(options->arguments + 1, mask, options->timeout_ns,
                            options->kill_after_ns, &end),
        what;

    if (rc < 0 || end.failed_to_start) {
        swg_cancel(permit);
        swgi_say("%s: %s", options->arguments[1], strerror(rc < 0 ? -rc : end.failed_to_start));
        return rc < 0 ? EX_OSERR : exit_status(&end);
    }
    what = outcome(options, &end);
    record(options, permit, &end, what);
    tell(options, circuit, &end, what, swg_now() - started);
    return exit_status(&end);
}

/* Run it, or say why not. */
static int ask_and_run(const struct swgi_options *options, struct swg_circuit *circuit,
                       const sigset_t *mask) {
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_permit permit;
    int rc;

    request.load = options->load;
    request.operation = options->operation;
    rc = swg_acquire(circuit, &request, &permit);
    if (rc == SWG_GO)
        return run_admitted(options, circuit, &permit, mask);
    if (swg_is_rejection(rc))
        return swgi_tell_refused(options, circuit, rc, swg_retry_in(&permit), "not run");
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
