/* The exposition as a whole: metrics in the order of their table, of each all circuits by name. */
#include "agent/metrics.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/metrics_text.h"
#include "panel/wall.h"

#define ROOM_A_CIRCUIT 6144u  /* what a circuit's samples of all metrics take, first guess */
#define ROOM_AT_ONCE   16384u /* what its samples of one metric may take */
#define ROOM_A_HEADER  1024u

enum scope { CIRCUIT, PANEL, AGENT, SEED };
enum type { COUNTER, GAUGE, HISTOGRAM, INFO, PLAIN };

static const struct metric {
    const char *name;   /* of the family, in OpenMetrics */
    const char *sample; /* of its samples, and of the family in the text format */
    const char *unit, *help;
    swgi_metric_fn *write;
    uint8_t scope, type;
} metrics[] = {
#define SAMPLE_COUNTER(name)   name "_total"
#define SAMPLE_GAUGE(name)     name
#define SAMPLE_HISTOGRAM(name) name
#define SAMPLE_INFO(name)      name "_info"
#define SAMPLE_PLAIN(name)     name
#define SWGI_METRIC(id, scope, type, name, unit, labels, help) \
    { name, SAMPLE_##type(name), unit, help, swgi_metric_##id, scope, type },
#include "tables/metrics.h"
#undef SWGI_METRIC
};

static const char *type_name(const struct metric *metric, int format) {
    static const char *const names[] = { "counter", "gauge", "histogram", "info", "counter" };
    return metric->type == INFO && format == SWGI_METRICS_TEXT ? "gauge" : names[metric->type];
}

static void write_line(struct swgi_exposition *out, const char *what, const char *name,
                       const char *value) {
    swgi_write_text(out, what);
    swgi_write_text(out, name);
    *out->at++ = ' ';
    swgi_write_text(out, value);
    *out->at++ = '\n';
}

static void write_header(struct swgi_exposition *out, const struct metric *metric) {
    bool is_text = out->format == SWGI_METRICS_TEXT;
    const char *family = is_text ? metric->sample : metric->name;
    if (!swgi_exposition_room(out, ROOM_A_HEADER))
        return;
    write_line(out, "# HELP ", family, metric->help);
    write_line(out, "# TYPE ", family, type_name(metric, out->format));
    if (!is_text && metric->unit[0] != '\0')
        write_line(out, "# UNIT ", family, metric->unit);
}

static void write_circuits(struct swgi_exposition *out, const struct metric *metric) {
    const struct swgi_measures *measures = out->measures;
    for (size_t i = 0; i < measures->count; i++)
        if (measures->order[i]->own && swgi_exposition_room(out, ROOM_AT_ONCE))
            metric->write(out, measures->order[i]);
    if (out->other != NULL && swgi_exposition_room(out, ROOM_AT_ONCE))
        metric->write(out, out->other);
}

/* A metric without a sample is left out with its header. */
static void write_metric(struct swgi_exposition *out, const struct metric *metric) {
    size_t before = (size_t)(out->at - out->bytes);
    write_header(out, metric);
    size_t header = (size_t)(out->at - out->bytes);
    out->name = metric->sample;
    out->name_length = strlen(metric->sample);
    if (metric->scope == CIRCUIT || metric->scope == SEED)
        write_circuits(out, metric);
    else if (swgi_exposition_room(out, ROOM_AT_ONCE))
        metric->write(out, NULL);
    if ((size_t)(out->at - out->bytes) == header)
        out->at = out->bytes + before;
}

/* ---- which of them */

static bool is_selected(const struct metric *metric, const struct swgi_file *file) {
    if (file == NULL || file->metrics.select.count == 0)
        return true;
    for (unsigned i = 0; i < file->metrics.select.count; i++)
        if (swgi_file_glob(file->metrics.select.at[i], metric->name) ||
            swgi_file_glob(file->metrics.select.at[i], metric->sample))
            return true;
    return false;
}

static bool is_wanted(const struct metric *metric, const struct swgi_file *file, int format) {
    if (metric->scope == SEED &&
        (format != SWGI_METRICS_TEXT || (file != NULL && !file->metrics.seed_names)))
        return false;
    return is_selected(metric, file);
}

static void write_bounds(struct swgi_exposition *out) {
    char *keep = out->at, *end = out->end;
    for (unsigned i = 0; i < SWGI_BUCKETS; i++) {
        out->at = out->bounds[i].text;
        swgi_write_text(out, ",le=\"");
        swgi_write_seconds(out, swgi_measure_bucket(i));
        swgi_write_text(out, "\"} ");
        out->bounds[i].length = (size_t)(out->at - out->bounds[i].text);
    }
    out->at = keep;
    out->end = end;
}

static void write_all(struct swgi_exposition *out, const struct swgi_file *file) {
    write_bounds(out);
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
        if (is_wanted(&metrics[i], file, out->format))
            write_metric(out, &metrics[i]);
    if (!swgi_exposition_room(out, ROOM_A_HEADER))
        return;
    if (out->format == SWGI_METRICS_OPENMETRICS)
        swgi_write_text(out, "# EOF\n");
    *out->at = '\0';
}

int swgi_metrics_write(struct swg_panel *panel, const struct swgi_measures *measures,
                       const struct swgi_file *file, const struct swgi_agent_health *health,
                       int format, char **out, size_t *out_size) {
    struct swgi_measured other;
    struct swg_panel_info info = SWG_PANEL_INFO_INIT;
    struct swgi_exposition exposition = { .format = format, .measures = measures, .panel = &info };
    int rc = swg_panel_status(panel, &info);
    if (rc < 0)
        return rc;
    if (measures->ever_folded) {
        swgi_measures_other(measures, &other);
        exposition.other = &other;
    }
    exposition.health = health;
    exposition.now = swg_panel_now(panel);
    exposition.wall_ms = swgi_map_wall_ms(measures->map);
    if (swgi_exposition_room(&exposition, ROOM_AT_ONCE + ROOM_A_CIRCUIT * measures->count))
        write_all(&exposition, file);
    if (exposition.failed) {
        free(exposition.bytes);
        return -ENOMEM;
    }
    *out = exposition.bytes;
    *out_size = (size_t)(exposition.at - exposition.bytes);
    return 0;
}

const char *swgi_metrics_type(int format) {
    return format == SWGI_METRICS_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}
