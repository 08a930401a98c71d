/* Pages of "label  value" lines, 80 columns, the state first: what is wrong must be on the first line. */
#include "cli/report.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "report/describe.h"
#include "report/text.h"

#define LABEL 16 /* columns of a label, its indent included */

static void label(const struct swgi_screen *screen, const char *text) {
    fputs("  ", screen->out);
    swgi_screen_put(screen, SWGI_FAINT, LABEL - 2, text);
}

void swgi_report_line(const struct swgi_screen *screen, const char *name, const char *text) {
    if (!text[0])
        return;
    label(screen, name);
    swgi_screen_wrap(screen, SWGI_PLAIN, LABEL, LABEL, text);
}

/* A title is a line, for grep; on a terminal it is broken where the words are. */
void swgi_report_title(const struct swgi_screen *screen, const struct swg_status *status,
                       swg_ns now) {
    char name[SWGI_CLEAN_MAX], next[80], since[SWGI_TEXT_MAX], text[160] = "";
    bool has_age = status->mode == SWG_MODE_NORMAL && status->since;
    const char *state = swgi_state_word(status);
    struct swgi_screen wide = *screen;

    wide.width = screen->is_terminal ? screen->width : INT_MAX;
    swgi_screen_put(screen, SWGI_STRONG, 0,
                    swgi_clean_text(status->name, screen->utf8, name, sizeof(name)));
    fputs("  ", screen->out);
    swgi_next_text(status, now, next, sizeof(next));
    swgi_screen_put(screen, swgi_state_tone(status), 0, state);
    if (has_age)
        snprintf(text, sizeof(text), "for %s", swgi_duration_text(now - status->since, since));
    else if (next[0])
        fputc(',', screen->out);
    if (next[0])
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", has_age ? ", " : "",
                 next);
    if (text[0])
        fputc(' ', screen->out);
    swgi_screen_wrap(&wide, SWGI_PLAIN, (int)(strlen(name) + strlen(state)) + 4, 2, text);
}

/* "1,100 successes, 96 failures": what is zero is left out, and so is a line with nothing in it. */
struct counted {
    uint64_t count;
    const char *what;
};

static const char *counts_text(const struct counted *list, size_t length, char *out,
                               size_t out_size) {
    char count[SWGI_TEXT_MAX];
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < length && used + 64 < out_size; i++) {
        if (list[i].count > 0)
            used += (size_t)snprintf(out + used, out_size - used, "%s%s %s", used ? ", " : "",
                                     swgi_count_text(list[i].count, count), list[i].what);
    }
    return out;
}
#define COUNTS_TEXT(list, out) counts_text(list, sizeof(list) / sizeof((list)[0]), out, sizeof(out))

static void calls_lines(const struct swgi_screen *screen, const struct swg_status *status) {
    const struct counted outcomes[] = {
        { status->successes, "good" },      { status->failures, "failed" },
        { status->timeouts, "timed out" },  { status->ignored, "ignored" },
        { status->cancelled, "cancelled" }, { status->late, "late" },
    };
    const struct counted verdicts[] = {
        { status->rejected_open, "open" },
        { status->rejected_full, "full" },
        { status->rejected_limited, "limited" },
        { status->rejected_shed, "shed" },
        { status->rejected_expired, "expired" },
        { status->rejected_saturated, "queue saturated" },
        { status->would_reject, "let through by shadow" },
    };
    char text[256], total[SWGI_TEXT_MAX], sentence[320];

    COUNTS_TEXT(outcomes, text);
    snprintf(sentence, sizeof(sentence), "%s%s%s", swgi_count_text(status->calls, total),
             text[0] ? ": " : "", text);
    swgi_report_line(screen, "calls", sentence);
    if (status->slow)
        swgi_report_line(screen, "slow", swgi_count_text(status->slow, total));
    if (status->in_flight)
        swgi_report_line(
            screen, "in flight",
            swgi_count_text(status->in_flight > 0 ? (uint64_t)status->in_flight : 0, total));
    swgi_report_line(screen, "rejected", COUNTS_TEXT(verdicts, text));
}

static void judgement_lines(const struct swgi_screen *screen, const struct swg_status *status) {
    char failing[SWGI_TEXT_MAX], slow[SWGI_TEXT_MAX], calls[SWGI_TEXT_MAX], text[160];

    if (status->window_calls > 0) {
        snprintf(text, sizeof(text), "%s failing, %s slow, of %s calls",
                 swgi_share_text(status->failure_rate, failing),
                 swgi_share_text(status->slow_rate, slow),
                 swgi_count_text(status->window_calls, calls));
        swgi_report_line(screen, "window", text);
    }
    if (status->score_limit > 0) {
        snprintf(text, sizeof(text), "%s of %s", swgi_value_text(status->score, failing),
                 swgi_value_text(status->score_limit, slow));
        swgi_report_line(screen, "score", text);
    }
    if (status->state == SWG_STATE_HALF_OPEN) {
        snprintf(text, sizeof(text), "%u of %u out, %u of %u good", status->probes_held,
                 status->probes_max, status->probe_successes, status->success_threshold);
        swgi_report_line(screen, "probes", text);
    }
}

static void latency_line(const struct swgi_screen *screen, const struct swg_status *status) {
    const struct swg_latency *latency = &status->latency;
    char p50[SWGI_TEXT_MAX], p90[SWGI_TEXT_MAX], p99[SWGI_TEXT_MAX], p999[SWGI_TEXT_MAX],
        most[SWGI_TEXT_MAX], text[256];

    if (!status->has_latency || latency->count == 0)
        return;
    snprintf(text, sizeof(text), "p50 %s, p90 %s, p99 %s, p99.9 %s, max %s",
             swgi_latency_text(latency->p50, p50), swgi_latency_text(latency->p90, p90),
             swgi_latency_text(latency->p99, p99), swgi_latency_text(latency->p999, p999),
             swgi_latency_text(latency->max, most));
    swgi_report_line(screen, "latency", text);
}

static void history_lines(const struct swgi_screen *screen, const struct swg_status *status,
                          swg_ns now) {
    char age[SWGI_TEXT_MAX], trips[SWGI_TEXT_MAX], text[160];

    if (status->trips > 0) {
        snprintf(text, sizeof(text), "%s (%s so far, %u in a row)",
                 swgi_age_text(now, status->last_trip, age), swgi_count_text(status->trips, trips),
                 status->trips_in_a_row);
        swgi_report_line(screen, "last trip", text);
    }
    swgi_report_line(screen, "last success", swgi_age_text(now, status->last_success, age));
    swgi_report_line(screen, "last failure", swgi_age_text(now, status->last_failure, age));
}

static void state_lines(const struct swgi_screen *screen, const struct swg_status *status) {
    if (status->state != SWG_STATE_CLOSED && status->rule)
        swgi_report_line(screen, "opened by", swgi_rule_words(status->rule));
    if (status->mode != SWG_MODE_NORMAL) {
        char text[80];

        snprintf(text, sizeof(text), "%s, the breaker itself is %s", swg_mode_name(status->mode),
                 swg_state_name(status->state));
        swgi_report_line(screen, "mode", text);
    }
}

void swgi_report_status(const struct swgi_screen *screen, const struct swg_status *status,
                        swg_ns now) {
    char preset[SWGI_CLEAN_MAX];

    swgi_report_title(screen, status, now);
    state_lines(screen, status);
    calls_lines(screen, status);
    swgi_report_policies(screen, status);
    judgement_lines(screen, status);
    latency_line(screen, status);
    history_lines(screen, status, now);
    swgi_report_line(screen, "preset",
                     swgi_clean_text(status->preset, screen->utf8, preset, sizeof(preset)));
}

void swgi_report_heading(const struct swgi_screen *screen, const char *text) {
    fputc('\n', screen->out);
    swgi_screen_put(screen, SWGI_STRONG, 0, text);
    fputc('\n', screen->out);
}

#define BAR  10
#define RULE (2 + BAR + 16 + 2) /* columns before a rule's words */

static const char *rule_text(const struct swgi_screen *screen, const struct swg_rule *rule,
                             char *out, size_t out_size) {
    char calls[SWGI_TEXT_MAX], needed[SWGI_TEXT_MAX];
    size_t length;

    swgi_clean_text(rule->text, screen->utf8, out, out_size);
    length = strlen(out);
    swgi_count_text(rule->calls, calls);
    if (rule->calls_min > rule->calls)
        snprintf(out + length, out_size - length, "; %s of the %s calls it needs", calls,
                 swgi_count_text(rule->calls_min, needed));
    else if (rule->calls_min > 0)
        snprintf(out + length, out_size - length, "; %s call%s", calls,
                 rule->calls == 1 ? "" : "s");
    return out;
}

static void rule_line(const struct swgi_screen *screen, const struct swg_rule *rule) {
    char text[SWGI_CLEAN_MAX], value[SWGI_TEXT_MAX], threshold[SWGI_TEXT_MAX];
    double share = rule->threshold > 0 ? rule->value / rule->threshold : 0;
    enum swgi_tone tone = rule->met ? SWGI_BAD : share >= 0.8 ? SWGI_WARN : SWGI_GOOD;

    fputs("  ", screen->out);
    swgi_screen_bar(screen, tone, share, BAR);
    snprintf(text, sizeof(text), "  %s of %s",
             swgi_measure_text(rule->rule, rule->value, rule->threshold, value),
             swgi_measure_text(rule->rule, rule->threshold, rule->threshold, threshold));
    swgi_screen_put(screen, tone, 16, text);
    fputs("  ", screen->out);
    swgi_screen_wrap(screen, SWGI_PLAIN, RULE, RULE, rule_text(screen, rule, text, sizeof(text)));
}

static void rules_part(const struct swgi_screen *screen, const struct swg_why *why) {
    if (why->rules_count == 0)
        return;
    swgi_report_heading(screen, "Rules: now, and where they trip");
    for (uint32_t i = 0; i < why->rules_count; i++)
        rule_line(screen, &why->rules[i]);
}

void swgi_report_event_text(const struct swgi_screen *screen, const struct swg_event *event,
                            int column, int indent) {
    char text[SWGI_SENTENCE_MAX];

    swgi_event_text(screen, event, text, sizeof(text));
    swgi_screen_wrap(screen, swgi_event_tone(event), column, indent, text);
}

/* On a page about one circuit the age says more than the date. */
static void event_line(const struct swgi_screen *screen, const struct swg_event *event,
                       swg_ns now) {
    char age[SWGI_TEXT_MAX];

    swgi_age_text(now, event->at, age);
    label(screen, age);
    bool is_full = strlen(age) + 2 >= LABEL;
    if (is_full)
        fputc(' ', screen->out);
    swgi_report_event_text(screen, event, is_full ? (int)strlen(age) + 3 : LABEL, LABEL);
}

static void events_part(const struct swgi_screen *screen, const char *title,
                        const struct swg_event *events, uint32_t count, swg_ns now) {
    if (count == 0)
        return;
    swgi_report_heading(screen, title);
    for (uint32_t i = 0; i < count; i++)
        event_line(screen, &events[i], now);
}

/* The rule in its own words, if it is still configured. */
static void rule_words_line(const struct swgi_screen *screen, const struct swg_why *why) {
    char text[SWGI_CLEAN_MAX];

    for (uint32_t i = 0; i < why->rules_count; i++) {
        if (why->rules[i].rule == why->trip.rule)
            swgi_report_line(screen, "rule",
                             swgi_clean_text(why->rules[i].text, screen->utf8, text, sizeof(text)));
    }
}

/* Of all its life, up to there: how much of the trouble was before. */
static void counted_line(const struct swgi_screen *screen, const struct swg_why *why) {
    const struct counted counts[] = { { why->trip_failures, "failed" },
                                      { why->trip_timeouts, "timed out" },
                                      { why->trip_slow, "slow" } };
    char text[256];

    COUNTS_TEXT(counts, text);
    swgi_report_line(screen, "by then", text);
}

static void trip_part(const struct swgi_screen *screen, const struct swg_why *why, swg_ns now) {
    char wall[SWGI_TEXT_MAX], title[80];

    if (why->evidence == 0)
        return;
    snprintf(title, sizeof(title), "Last trip, %s", swgi_wall_text(why->trip.wall_ms, wall));
    if (why->evidence == 1) {
        swgi_report_heading(screen, title);
        event_line(screen, &why->trip, now);
        rule_words_line(screen, why);
        counted_line(screen, why);
    } else {
        swgi_report_heading(screen, "Last trip");
        fprintf(screen->out, "  %s; the evidence was lost\n", swgi_rule_words(why->status.rule));
    }
}

static void holders_part(const struct swgi_screen *screen, const struct swg_why *why) {
    char process[SWGI_CLEAN_MAX];

    if (why->holders_count == 0)
        return;
    swgi_report_heading(screen, "Probes are held by");
    for (uint32_t i = 0; i < why->holders_count; i++) {
        const struct swg_holder *holder = &why->holders[i];

        fprintf(screen->out, "  probe %u  pid %lld  %s  ", holder->probe, (long long)holder->pid,
                swgi_clean_text(holder->process, screen->utf8, process, sizeof(process)));
        swgi_screen_put(screen, holder->alive ? SWGI_GOOD : SWGI_BAD, 0,
                        holder->alive ? "alive" : "dead, the next call takes it over");
        fputc('\n', screen->out);
    }
}

static void mode_part(const struct swgi_screen *screen, const struct swg_why *why) {
    char user[SWGI_CLEAN_MAX], reason[SWGI_CLEAN_MAX], wall[SWGI_TEXT_MAX];

    if (why->status.mode == SWG_MODE_NORMAL)
        return;
    swgi_report_heading(screen, "Mode");
    fprintf(screen->out, "  %s, set by %s on %s", swg_mode_name(why->status.mode),
            swgi_clean_text(why->mode_user, screen->utf8, user, sizeof(user)),
            swgi_wall_text(why->mode_wall_ms, wall));
    if (why->mode_reason[0])
        fprintf(screen->out, ": %s",
                swgi_clean_text(why->mode_reason, screen->utf8, reason, sizeof(reason)));
    fprintf(screen->out, "\n  to undo it: switchgear normal %s --reason ...\n",
            swgi_clean_text(why->status.name, screen->utf8, user, sizeof(user)));
}

void swgi_report_why(const struct swgi_screen *screen, const struct swg_why *why,
                     const struct swgi_file_circuit *entry, struct swg_panel *panel, swg_ns now) {
    char origin[SWGI_CLEAN_MAX];

    swgi_report_status(screen, &why->status, now);
    swgi_report_line(screen, "configured",
                     swgi_clean_text(why->origin, screen->utf8, origin, sizeof(origin)));
    swgi_report_entry(screen, entry, panel);
    mode_part(screen, why);
    rules_part(screen, why);
    trip_part(screen, why, now);
    swgi_report_permits(screen, why, now);
    holders_part(screen, why);
    events_part(screen, "Last transitions, newest first", why->transitions, why->transitions_count,
                now);
    events_part(screen, "Last errors, newest first", why->samples, why->samples_count, now);
}

static void geometry_line(const struct swgi_screen *screen, const char *name, uint32_t used,
                          uint32_t most) {
    char left[SWGI_TEXT_MAX], used_text[SWGI_TEXT_MAX], most_text[SWGI_TEXT_MAX], text[160];
    double share = most ? (double)used / most : 0;

    label(screen, name);
    swgi_screen_bar(screen,
                    share >= 0.9    ? SWGI_BAD
                    : share >= 0.75 ? SWGI_WARN
                                    : SWGI_GOOD,
                    share, BAR);
    fputs("  ", screen->out);
    snprintf(text, sizeof(text), "%s of %s, %s left", swgi_count_text(used, used_text),
             swgi_count_text(most, most_text),
             swgi_count_text(most > used ? most - used : 0, left));
    swgi_screen_wrap(screen, SWGI_PLAIN, LABEL + BAR + 2, LABEL + BAR + 2, text);
}

static void cost_lines(const struct swgi_screen *screen, const struct swg_panel_info *status) {
    char all[SWGI_TEXT_MAX], circuit[SWGI_TEXT_MAX], histogram[SWGI_TEXT_MAX], text[200];

    snprintf(text, sizeof(text), "%s in all; %s for each circuit, and %s if it has a histogram",
             swgi_bytes_text(status->bytes, all),
             swgi_bytes_text(status->bytes_per_circuit, circuit),
             swgi_bytes_text(status->bytes_per_histogram, histogram));
    swgi_report_line(screen, "memory", text);
}

static void trouble_lines(const struct swgi_screen *screen, const struct swg_panel_info *status) {
    const struct counted troubles[] = {
        { status->beyond, "circuits found no place" },
        { status->evicted, "idle circuits gave theirs up" },
        { status->clocks_replaced, "wrong clocks replaced" },
        { status->events_lost, "events lost" },
    };
    char text[256];

    swgi_report_line(screen, "trouble", COUNTS_TEXT(troubles, text));
}

void swgi_report_panel(const struct swgi_screen *screen, const struct swg_panel_info *status) {
    char path[SWGI_CLEAN_MAX], wall[SWGI_TEXT_MAX], count[SWGI_TEXT_MAX], text[120];

    swgi_screen_put(screen, SWGI_STRONG, 0,
                    swgi_clean_text(status->path, screen->utf8, path, sizeof(path)));
    fputc('\n', screen->out);
    snprintf(text, sizeof(text), "%s%s", swgi_wall_text(status->created_wall_ms, wall),
             status->is_virtual ? ", with a virtual clock" : "");
    swgi_report_line(screen, "made", text);
    geometry_line(screen, "circuits", status->circuits, status->circuits_max);
    geometry_line(screen, "histograms", status->histograms, status->histograms_max);
    geometry_line(screen, "policies", status->policies, status->policies_max);
    geometry_line(screen, "slots", status->slots, status->slots_max);
    geometry_line(screen, "columns", status->columns, status->columns_max);
    geometry_line(screen, "processes", status->processes, status->processes_max);
    snprintf(text, sizeof(text), "two rings of %s", swgi_count_text(status->events_max, count));
    swgi_report_line(screen, "events", text);
    cost_lines(screen, status);
    trouble_lines(screen, status);
}
