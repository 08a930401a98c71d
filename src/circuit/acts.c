/* The person on call: trip, reset, probe, mode. Each act carries user and reason and stands in the
 * ring of acts. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "circuit/circuit.h"
#include "circuit/sized.h"

struct act {
    struct swgi_turn turn;
    struct swgi_hand hand;
    char user[32], source[SWGI_SOURCE_MAX + 1];
    const char *name;
};

static void login_name(char *out, size_t size) {
    char buffer[1024];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL)
        swgi_copy_text(out, size, found->pw_name);
    else
        snprintf(out, size, "uid %u", (unsigned)geteuid());
}

/* It ends up in tables, logs and labels, so it is a plain word. */
static bool is_source(const char *text) {
    size_t length = strlen(text);
    return length > 0 && length <= SWGI_SOURCE_MAX && strcmp(text, "rule") != 0 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == length;
}

static int read_act(const struct swg_act *act, struct swg_act *out, struct swg_error *error) {
    *out = (struct swg_act)SWG_ACT_INIT;
    if (act == NULL)
        return 0;
    int rc = swgi_sized_in(out, act);
    if (rc != 0)
        return swgi_fail(error, rc, "act", "%s",
                         rc == -E2BIG ? swg_strerror(rc) : "start the struct from SWG_ACT_INIT");
    if (out->user != NULL && strlen(out->user) > SWGI_USER_MAX)
        return swgi_fail(error, -EINVAL, "user", "a user's name is at most %u bytes long",
                         SWGI_USER_MAX);
    if (out->reason != NULL && strlen(out->reason) > SWGI_REASON_MAX)
        return swgi_fail(error, -EINVAL, "reason", "a reason is at most %u bytes long",
                         SWGI_REASON_MAX);
    if (out->source != NULL && !is_source(out->source))
        return swgi_fail(error, -EINVAL, "source",
                         "a source is 1 to %u of a-z, 0-9, '-' and '_', and not \"rule\"",
                         SWGI_SOURCE_MAX);
    if (out->for_ns < 0)
        return swgi_fail(error, -EINVAL, "for", "a bound in time must not be negative");
    return 0;
}

static int begin(struct act *act, struct swg_circuit *circuit, const struct swg_act *wanted,
                 struct swg_error *error) {
    struct swg_act known;
    if (circuit == NULL)
        return swgi_fail(error, -EINVAL, "circuit", "circuit must not be NULL");
    int rc = read_act(wanted, &known, error);
    if (rc != 0)
        return rc;
    const struct swgi_binding *binding = swgi_circuit_look(circuit);
    if (binding == NULL)
        return swgi_fail(error, -ENOENT, circuit->name,
                         "there is no such circuit in the panel now");
    rc = swgi_thread_enter(binding->map);
    if (rc < 0)
        return swgi_fail(error, rc, circuit->name, "%s", swg_strerror(rc));
    if (known.user != NULL)
        swgi_copy_text(act->user, sizeof(act->user), known.user);
    else
        login_name(act->user, sizeof(act->user));
    act->name = circuit->name;
    swgi_copy_text(act->source, sizeof(act->source),
                   known.source != NULL ? known.source : "program");
    act->hand = (struct swgi_hand){ .user = act->user,
                                    .reason = known.reason,
                                    .source = act->source,
                                    .for_ns = known.for_ns,
                                    .force = known.force != 0 };
    swgi_turn_begin(&act->turn, binding->map, binding->index, swgi_map_clock(binding->map));
    act->turn.hand = &act->hand;
    return 0;
}

static void when(int64_t wall_ms, char out[32]) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL || strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        snprintf(out, 32, "an unknown time");
}

/* Who set the mode that refuses, when, and how to undo it. */
static int tell_mode(const struct act *act, struct swg_error *error) {
    struct swgi_mode_act signed_by = { 0 };
    char at[32];
    unsigned mode = swgi_ctl_mode(swgi_load(&act->turn.cell->ctl));
    const char *what = mode == SWGI_FORCED_OPEN ? "isolated" : "disabled";
    if (!SWGI_RECORD_READ(&act->turn.cell->mode_act, &signed_by, SWGI_MODE_ACT_WORDS))
        return swgi_fail(error, -EBUSY, act->name, "it is %s; set its mode to normal first", what);
    when(signed_by.wall_ms, at);
    signed_by.user[sizeof(signed_by.user) - 1] = '\0';
    signed_by.reason[sizeof(signed_by.reason) - 1] = '\0';
    return swgi_fail(error, -EBUSY, act->name,
                     "it was %s by %s at %s (%.100s); undo that with `switchgear normal %.64s`",
                     what, signed_by.user, at,
                     signed_by.reason[0] != '\0' ? signed_by.reason : "no reason given", act->name);
}

static int tell_cooldown(const struct act *act, struct swg_error *error) {
    uint64_t passed = swgi_passed(act->turn.now, (int64_t)swgi_load(&act->turn.cell->last_trip));
    uint64_t cooldown = act->turn.settings.cooldown_ns;
    uint64_t left = passed < cooldown ? cooldown - passed : 0;
    return swgi_fail(error, -EAGAIN, act->name,
                     "it tripped %.1f s ago and cools down for %.1f s more; wait, or force it",
                     (double)passed / 1e9, (double)left / 1e9);
}

int swg_circuit_trip(struct swg_circuit *circuit, const struct swg_act *wanted,
                     struct swg_error *error) {
    struct act act;
    int rc = begin(&act, circuit, wanted, error);
    if (rc != 0)
        return rc;
    rc = swgi_act_trip(&act.turn);
    return rc == -EBUSY ? tell_mode(&act, error) : rc;
}

int swg_circuit_reset(struct swg_circuit *circuit, const struct swg_act *wanted,
                      struct swg_error *error) {
    struct act act;
    int rc = begin(&act, circuit, wanted, error);
    if (rc != 0)
        return rc;
    rc = swgi_act_reset(&act.turn);
    if (rc == -EAGAIN)
        return tell_cooldown(&act, error);
    return rc == -EBUSY ? tell_mode(&act, error) : rc;
}

int swg_circuit_probe(struct swg_circuit *circuit, const struct swg_act *wanted,
                      struct swg_error *error) {
    struct act act;
    int rc = begin(&act, circuit, wanted, error);
    if (rc != 0)
        return rc;
    rc = swgi_act_probe(&act.turn);
    if (rc == -EALREADY)
        return swgi_fail(error, rc, act.name, "it is not open, so there is nothing to probe");
    if (rc == -EAGAIN)
        return swgi_fail(
            error, rc, act.name,
            "it recovers by hand and has not been open for %.1f s yet; wait, or force it",
            (double)act.turn.settings.open_for_ns / 1e9);
    return rc == -EBUSY ? tell_mode(&act, error) : rc;
}

int swg_circuit_mode(struct swg_circuit *circuit, int mode, const struct swg_act *wanted,
                     struct swg_error *error) {
    struct act act;
    if (mode < SWG_MODE_NORMAL || mode > SWG_MODE_SHADOW)
        return swgi_fail(error, -EINVAL, "mode",
                         "%d is no mode; allowed are normal, forced_open, forced_closed, shadow",
                         mode);
    int rc = begin(&act, circuit, wanted, error);
    return rc != 0 ? rc : swgi_act_mode(&act.turn, (unsigned)mode);
}
