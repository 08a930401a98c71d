/* Where a stream of events begins, and what one tick of all circuits says. */
#include "agent/admin.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/text.h"
#include "report/describe.h"
#include "report/json.h"

/*
 * An event's id is its cursor and when the panel was made, so that an id of a panel that was replaced meanwhile is known for one.
 */
static bool parse_id(const char *id, uint64_t *cursor, int64_t *created) {
    size_t length = strcspn(id, "-");
    uint64_t number = 0;
    char text[24];

    if (length == 0 || length >= sizeof(text) || id[length] != '-')
        return false;
    memcpy(text, id, length);
    text[length] = '\0';
    if (swgi_integer_parse(text, cursor) != 0 || swgi_integer_parse(id + length + 1, &number) != 0)
        return false;
    *created = (int64_t)number;
    return true;
}

static bool take_cursor(struct swgi_agent *agent, const struct swgi_request *request,
                        struct swgi_stream_wish *wish) {
    const char *id = request->headers[SWGI_HEADER_LAST_EVENT_ID];
    int64_t created = 0;

    wish->cursor = SWG_CURSOR_END;
    if (!id || !id[0])
        return true;
    if (!parse_id(id, &wish->cursor, &created))
        return false;
    wish->is_resumed = true;
    wish->is_other_panel = created != agent->panel_created_ms;
    if (wish->is_other_panel)
        wish->cursor = 0;
    return true;
}

void swgi_admin_events(struct swgi_agent *agent, struct swgi_request *request,
                       struct swgi_answer *answer) {
    struct swgi_stream_wish *wish = &answer->stream;
    char ticks[8] = "";
    const char *meant;
    int circuit = swgi_query_get(request, "circuit", wish->glob, sizeof(wish->glob)),
        tick = swgi_query_get(request, "ticks", ticks, sizeof(ticks));

    if (circuit < 0 || tick < 0 ||
        (tick > 0 && strcmp(ticks, "1") != 0 && strcmp(ticks, "0") != 0)) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_VALUE,
                            "%s: not a value this takes; /openapi.json says what is",
                            circuit < 0 ? "circuit" : "ticks");
        return;
    }
    if (!take_cursor(agent, request, wish)) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_VALUE,
                            "Last-Event-ID: this is no id of an event of ours");
        return;
    }
    meant = swgi_admin_meant(agent, wish->glob);
    if (meant != wish->glob)
        swgi_copy_text(wish->glob, sizeof(wish->glob), meant);
    wish->wanted = true;
    wish->ticks = ticks[0] == '1';
    answer->status = 200;
    answer->type = "text/event-stream";
    swgi_answer_header(answer, "Cache-Control", "no-store");
}

static void write_percentile(struct swgi_writer *to, const char *key,
                             const struct swg_status *status, swg_ns value) {
    bool is_known = status->has_latency && status->latency.count > 0;

    swgi_put_seconds(to, key, is_known ? value : -1);
}

static void write_tick(struct swgi_writer *to, const struct swgi_measure *measure) {
    const struct swg_status *status = &measure->status;

    swgi_put_object(to, NULL);
    swgi_put_text(to, "name", status->name);
    swgi_put_text(to, "state", swg_state_name(status->state));
    swgi_put_text(to, "mode", swg_mode_name(status->mode));
    swgi_put_boolean(to, "tripped", swgi_is_tripped(status));
    swgi_put_real(to, "calls_per_s", measure->calls_per_s);
    swgi_put_known(to, "failure_rate_1m", measure->failure_rate_1m);
    swgi_put_real(to, "rejected_per_s", measure->rejected_per_s);
    swgi_put_integer(to, "in_flight", status->in_flight);
    write_percentile(to, "p50_s", status, status->latency.p50);
    write_percentile(to, "p99_s", status, status->latency.p99);
    swgi_put_object_end(to);
}

/* The panel's own circuit is news only when somebody found no place. */
static bool is_idle_beyond(const struct swg_status *status) {
    return status->calls == 0 && strcmp(status->name, "_beyond") == 0;
}

char *swgi_admin_tick_text(struct swgi_agent *agent, const char *glob, size_t *size) {
    static const char head[] = "event: tick\ndata: ";
    struct swgi_writer writer = { 0 };

    swgi_bytes_add(&writer.bytes, head, sizeof(head) - 1);
    swgi_put_object(&writer, NULL);
    swgi_put_integer(&writer, "now_unix_ms", swgi_clock_wall_ms());
    swgi_put_array(&writer, "circuits");
    for (size_t i = 0; i < swgi_measures_count(agent->measures); i++) {
        const struct swgi_measure *measure = swgi_measures_at(agent->measures, i);

        if (!is_idle_beyond(&measure->status) &&
            (!glob[0] || swgi_file_glob(glob, measure->status.name)))
            write_tick(&writer, measure);
    }
    swgi_put_array_end(&writer);
    swgi_put_object_end(&writer);
    swgi_bytes_add(&writer.bytes, "\n\n", 2);
    return swgi_bytes_end(&writer.bytes, size);
}
