/*
 * What a person does to circuits: trip, reset, probe, and the modes. Every act carries user and reason. One that reaches many circuits
 * asks first and goes slowly, so that there is time to take the hand off the lever.
 */
#include "cli/act.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "report/describe.h"
#include "report/json.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "base/text.h"
#include "report/text.h"

static int mode_normal(struct swg_circuit *circuit, const struct swg_act *act,
                       struct swg_error *error) {
    return swg_circuit_mode(circuit, SWG_MODE_NORMAL, act, error);
}

static int mode_isolate(struct swg_circuit *circuit, const struct swg_act *act,
                        struct swg_error *error) {
    return swg_circuit_mode(circuit, SWG_MODE_FORCED_OPEN, act, error);
}

static int mode_disable(struct swg_circuit *circuit, const struct swg_act *act,
                        struct swg_error *error) {
    return swg_circuit_mode(circuit, SWG_MODE_FORCED_CLOSED, act, error);
}

static int mode_shadow(struct swg_circuit *circuit, const struct swg_act *act,
                       struct swg_error *error) {
    return swg_circuit_mode(circuit, SWG_MODE_SHADOW, act, error);
}

struct act {
    const char *name;
    int (*perform)(struct swg_circuit *, const struct swg_act *, struct swg_error *);
};

static const struct act *find_act(const char *name) {
    static const struct act acts[] = {
        { "trip", swg_circuit_trip },   { "reset", swg_circuit_reset },
        { "probe", swg_circuit_probe }, { "isolate", mode_isolate },
        { "disable", mode_disable },    { "shadow", mode_shadow },
        { "normal", mode_normal },
    };
    size_t i = 0;

    while (strcmp(acts[i].name, name) != 0)
        i++;
    return &acts[i];
}

int swgi_act_perform(const char *name, struct swg_circuit *circuit, const struct swg_act *act,
                     struct swg_error *error) {
    return find_act(name)->perform(circuit, act, error);
}

bool swgi_act_is_bounded(const char *name) {
    const struct swgi_command *command = swgi_command_find(name);

    return command && (command->takes & SWGI_TAKES_BOUND);
}

/* One line typed by a person; false at the end of input. */
static bool ask(const char *question, char *answer, size_t size) {
    fputs(question, stderr);
    fflush(stderr);
    if (!fgets(answer, (int)size, stdin))
        return false;
    answer[strcspn(answer, "\n")] = '\0';
    return true;
}

static bool may_ask(void) {
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* Closing a circuit from the console needs no words: there, breaker.reset(name) is a command of its own. */
static bool needs_reason(const struct swgi_options *options) {
    return strcmp(options->source, "console") != 0 || strcmp(options->command->name, "reset") != 0;
}

/* The reason, from the command line or, where there is somebody to ask, typed; NULL if there is none. */
static const char *find_reason(const struct swgi_options *options, char *typed, size_t size) {
    const char *reason = options->reason;

    if (!reason && !needs_reason(options))
        return "";
    if (!reason && may_ask() && ask("Reason (kept with the act): ", typed, size))
        reason = typed;
    if (swgi_text_is_blank(reason)) {
        swgi_say("an act needs a reason for those who come after: --reason 'TEXT'");
        return NULL;
    }
    if (strlen(reason) > SWGI_REASON_MAX) {
        swgi_say("--reason: at most %u bytes, these are %zu", SWGI_REASON_MAX, strlen(reason));
        return NULL;
    }
    return reason;
}

static int refuse_many(const struct swgi_options *options, const struct swgi_circuits *circuits) {
    char first[SWGI_CLEAN_MAX];

    swgi_say("%s would reach %zu circuit%s (%s%s); say --yes if that is meant, or --dry-run to see",
             options->command->name, circuits->count, circuits->count == 1 ? "" : "s",
             swgi_clean_text(swg_circuit_name(circuits->at[0]), options->screen.utf8, first,
                             sizeof(first)),
             circuits->count > 1 ? ", ..." : "");
    return EX_USAGE;
}

/* 0 to go on. */
static int confirm(const struct swgi_options *options, const struct swgi_circuits *circuits) {
    char question[128], answer[16];

    if (!circuits->by_pattern || options->yes || options->dry_run || circuits->count == 0)
        return 0;
    if (!may_ask())
        return refuse_many(options, circuits);
    snprintf(question, sizeof(question), "%s %zu circuit%s, one a second? [y/N] ",
             options->command->name, circuits->count, circuits->count == 1 ? "" : "s");
    if (ask(question, answer, sizeof(answer)) && (answer[0] == 'y' || answer[0] == 'Y'))
        return 0;
    swgi_say("nothing was done");
    return 1;
}

static void print_result(const struct swgi_options *options, const struct swg_status *before,
                         const struct swg_status *after, swg_ns now) {
    const struct swgi_screen *screen = &options->screen;
    char name[SWGI_CLEAN_MAX], next[80];

    fprintf(screen->out, "%s: ", swgi_clean_text(after->name, screen->utf8, name, sizeof(name)));
    swgi_screen_put(screen, swgi_state_tone(after), 0, swgi_state_word(after));
    fprintf(screen->out, " (was %s)", swgi_state_word(before));
    swgi_next_text(after, now, next, sizeof(next));
    if (next[0])
        fprintf(screen->out, ", %s", next);
    fputc('\n', screen->out);
}

static json_t *state_or_null(const struct swg_status *status, const char *text) {
    return status->name[0] ? json_string(text) : json_null();
}

static void print_json(const struct swgi_options *options, const char *name, int rc,
                       const char *fault, const struct swg_status *before,
                       const struct swg_status *after) {
    json_t *object = json_object();

    json_object_set_new(object, "circuit", swgi_json_text(name));
    json_object_set_new(object, "act", json_string(options->command->name));
    json_object_set_new(object, "done", json_boolean(rc == 0 && !options->dry_run));
    json_object_set_new(object, "dry_run", json_boolean(options->dry_run));
    json_object_set_new(object, "state_before",
                        state_or_null(before, swg_state_name(before->state)));
    json_object_set_new(object, "mode_before", state_or_null(before, swg_mode_name(before->mode)));
    json_object_set_new(object, "state", state_or_null(after, swg_state_name(after->state)));
    json_object_set_new(object, "mode", state_or_null(after, swg_mode_name(after->mode)));
    json_object_set_new(object, "error", rc < 0 ? swgi_json_text(fault) : json_null());
    swgi_json_print(stdout, object, true);
}

static void print_dry_run(const struct swgi_options *options, const struct swg_status *status) {
    char name[SWGI_CLEAN_MAX];

    printf("%s: would %s (now %s)\n",
           swgi_clean_text(status->name, options->screen.utf8, name, sizeof(name)),
           options->command->name, swgi_state_word(status));
}

/* A state that does not allow the act is an answer, 1; so is being told to wait, 75. */
static int act_status(int rc) {
    return rc == -EBUSY || rc == -EALREADY ? 1 : rc == -EINVAL ? EX_USAGE : swgi_fault_status(rc);
}

static int act_on(const struct swgi_options *options, struct swg_panel *panel,
                  struct swg_circuit *circuit, const struct swg_act *act) {
    struct swg_status before = SWG_STATUS_INIT, after = SWG_STATUS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    const char *name = swg_circuit_name(circuit);
    int rc = 0;

    swg_circuit_status(circuit, &before);
    if (!options->dry_run)
        rc = swgi_act_perform(options->command->name, circuit, act, &error);
    swg_circuit_status(circuit, &after);
    if (options->json)
        print_json(options, name, rc, swgi_fault_text(rc, &error), &before, &after);
    else if (rc == 0 && options->dry_run)
        print_dry_run(options, &before);
    else if (rc == 0 && !options->quiet)
        print_result(options, &before, &after, swg_panel_now(panel));
    if (rc < 0)
        swgi_say("%s: not done: %s", name, swgi_fault_text(rc, &error));
    return rc < 0 ? act_status(rc) : 0;
}

static void wait_a_second(void) {
    struct timespec left = { .tv_sec = 1 };

    fflush(stdout);
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static int act_on_all(const struct swgi_options *options, struct swg_panel *panel,
                      const struct swgi_circuits *circuits, const struct swg_act *act) {
    int status = 0;

    for (size_t i = 0; i < circuits->count; i++) {
        int done = act_on(options, panel, circuits->at[i], act);

        status = status ? status : done;
        if (circuits->by_pattern && !options->dry_run && i + 1 < circuits->count)
            wait_a_second();
    }
    return status;
}

static int select_and_act(const struct swgi_options *options, struct swg_panel *panel,
                          const struct swg_act *act) {
    struct swgi_circuits circuits;
    int status = swgi_circuits_select(panel, options->file, options->arguments,
                                      options->arguments_count, options->all, &circuits);

    if (status)
        return status;
    status = confirm(options, &circuits);
    if (status == 0)
        status = act_on_all(options, panel, &circuits, act);
    swgi_circuits_deinit(&circuits);
    return status;
}

const char *swgi_login_name(char *out, size_t size) {
    return getlogin_r(out, size) == 0 && out[0] && strlen(out) <= SWGI_USER_MAX ? out : NULL;
}

int swgi_act_run(const struct swgi_options *options) {
    __attribute__((cleanup(swgi_panel_release))) struct swg_panel *panel = NULL;
    struct swg_act act = SWG_ACT_INIT;
    char typed[SWGI_REASON_MAX + 2], login[256];
    int status;

    if (options->user && (!options->user[0] || strlen(options->user) > SWGI_USER_MAX)) {
        swgi_say("--user: 1 to %u bytes", SWGI_USER_MAX);
        return EX_USAGE;
    }
    status =
        swgi_panel_attach(options, options->dry_run ? SWG_PANEL_INSPECT : SWG_PANEL_ATTACH, &panel);
    if (status)
        return status;
    act.user = options->user ? options->user : swgi_login_name(login, sizeof(login));
    act.source = options->source;
    act.for_ns = options->for_ns;
    act.force = options->force;
    act.reason = options->dry_run ? "" : find_reason(options, typed, sizeof(typed));
    return act.reason ? select_and_act(options, panel, &act) : EX_USAGE;
}
