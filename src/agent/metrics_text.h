/*
 * Writing an exposition: samples into one growing buffer, numbers by hand, because a thousand
 * circuits are sixty thousand lines.
 *
 * Whoever writes a sample has room for it: swgi_exposition_room() was asked for a circuit's samples of one metric at
 * once.
 */
#ifndef SWGI_AGENT_METRICS_TEXT_H
#define SWGI_AGENT_METRICS_TEXT_H

#include <string.h>

#include "agent/measure_inside.h"
#include "agent/metrics.h"

#define SWGI_NUMBER_ROOM 32u

struct swgi_exposition {
    char *bytes, *at, *end;
    bool failed; /* no memory: what follows is thrown away */
    int format;
    const char *name; /* of the present metric's samples */
    size_t name_length;
    /* What is told of. */
    const struct swgi_measures *measures;
    const struct swgi_measured *other; /* NULL: nothing was folded */
    const struct swg_panel_info *panel;
    const struct swgi_agent_health *health;
    swg_ns now;
    int64_t wall_ms;
    struct {
        char text[40];
        size_t length;
    } bounds[SWGI_BUCKETS]; /* ,le="0.1"} */
};

/* Room for so many bytes. false: there is none, and nothing must be written. */
bool swgi_exposition_room(struct swgi_exposition *out, size_t bytes);
/* A number, without a newline. */
void swgi_write_real(struct swgi_exposition *out, double value);
void swgi_write_seconds(struct swgi_exposition *out, swg_ns ns);
/* A value of a label, escaped; at most twice as long. */
void swgi_write_escaped(struct swgi_exposition *out, const char *text);

static inline void swgi_write_bytes(struct swgi_exposition *out, const char *bytes, size_t length) {
    memcpy(out->at, bytes, length);
    out->at += length;
}
static inline void swgi_write_text(struct swgi_exposition *out, const char *text) {
    swgi_write_bytes(out, text, strlen(text));
}

extern const char swgi_two_digits[200];

static inline void swgi_write_integer(struct swgi_exposition *out, uint64_t value) {
    char digits[20], *at = digits + sizeof(digits);
    if (swgi_likely(value < 10)) {
        *out->at++ = (char)('0' + value);
        return;
    }
    for (; value >= 100; value /= 100) {
        at -= 2;
        memcpy(at, &swgi_two_digits[value % 100 * 2], 2);
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, &swgi_two_digits[value * 2], 2);
    } else {
        *--at = (char)('0' + value);
    }
    swgi_write_bytes(out, at, (size_t)(digits + sizeof(digits) - at));
}

/* ---- samples: begin, the rest of the labels up to "} ", the number, end */
static inline void swgi_sample_begin(struct swgi_exposition *out, const struct swgi_measured *of) {
    swgi_write_bytes(out, out->name, out->name_length);
    if (of != NULL)
        swgi_write_bytes(out, of->label, of->label_length);
}
static inline void swgi_sample_end(struct swgi_exposition *out) {
    *out->at++ = '\n';
}

/* rest is what stands between the label breaker and the number, e.g. ",reason=\"open\"} ". */
static inline void swgi_sample_integer(struct swgi_exposition *out, const struct swgi_measured *of,
                                       const char *rest, uint64_t value) {
    swgi_sample_begin(out, of);
    swgi_write_text(out, rest);
    swgi_write_integer(out, value);
    swgi_sample_end(out);
}
static inline void swgi_sample_real(struct swgi_exposition *out, const struct swgi_measured *of,
                                    const char *rest, double value) {
    swgi_sample_begin(out, of);
    swgi_write_text(out, rest);
    swgi_write_real(out, value);
    swgi_sample_end(out);
}
static inline void swgi_sample_seconds(struct swgi_exposition *out, const struct swgi_measured *of,
                                       const char *rest, swg_ns ns) {
    swgi_sample_begin(out, of);
    swgi_write_text(out, rest);
    swgi_write_seconds(out, ns);
    swgi_sample_end(out);
}

/* An instant in milliseconds since 1970, told in seconds. Left out if it is none. */
static inline void swgi_sample_instant(struct swgi_exposition *out, const struct swgi_measured *of,
                                       const char *rest, int64_t ms) {
    if (ms > 0 && ms <= INT64_MAX / 1000000)
        swgi_sample_seconds(out, of, rest, ms * 1000000);
}

/* ---- who writes which metric: of is NULL for those of no circuit */
typedef void swgi_metric_fn(struct swgi_exposition *out, const struct swgi_measured *of);

#define SWGI_METRIC(id, scope, type, name, unit, labels, help) swgi_metric_fn swgi_metric_##id;
#include "tables/metrics.h"
#undef SWGI_METRIC

#endif
