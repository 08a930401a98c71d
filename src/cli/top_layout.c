/* A narrow terminal shows less, never garbage: columns come in by their importance, as long as there is room. */
#include "cli/top_layout.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "report/describe.h"
#include "report/text.h"

#define MARKER     2 /* columns before the name: which one is selected */
#define ROOMY      110
#define NEXT_LONG  25
#define NAME_WIDER 40
#define TREND_GOOD 16

static const struct {
    const char *heading;
    int width;
    bool to_right;
} facts[SWGI_TOP_COLUMNS] = {
    [SWGI_TOP_NAME] = { "CIRCUIT", 12, false }, [SWGI_TOP_STATE] = { "STATE", 9, false },
    [SWGI_TOP_CALLS] = { "CALLS/S", 7, true },  [SWGI_TOP_FAILING] = { "FAILING", 7, true },
    [SWGI_TOP_REJECTED] = { "REJ/S", 6, true }, [SWGI_TOP_P50] = { "P50", 6, true },
    [SWGI_TOP_P99] = { "P99", 6, true },        [SWGI_TOP_IN_USE] = { "IN USE", 7, true },
    [SWGI_TOP_TREND] = { "CALLS", 8, false },   [SWGI_TOP_NEXT] = { "NEXT", 11, false },
};

static bool fits(const bool *wanted, int width, int gap) {
    int sum = MARKER - gap;

    for (int i = 0; i < SWGI_TOP_COLUMNS; i++)
        sum += wanted[i] ? facts[i].width + gap : 0;
    return sum <= width;
}

static void choose(bool *wanted, int width, int gap, bool has_permits) {
    static const int importance[] = {
        SWGI_TOP_STATE, SWGI_TOP_FAILING, SWGI_TOP_CALLS, SWGI_TOP_NEXT, SWGI_TOP_REJECTED,
        SWGI_TOP_P99,   SWGI_TOP_IN_USE,  SWGI_TOP_TREND, SWGI_TOP_P50,
    };

    wanted[SWGI_TOP_NAME] = true;
    for (size_t i = 0; i < sizeof(importance) / sizeof(importance[0]); i++) {
        int column = importance[i];

        wanted[column] = column != SWGI_TOP_IN_USE || has_permits;
        if (wanted[column] && !fits(wanted, width, gap)) {
            wanted[column] = false;
            return;
        }
    }
}

static int least(int a, int b) {
    return a < b ? a : b;
}

/* Lets a column grow to `most` from what is left over. */
static void grow(int *widths, const bool *wanted, int column, int most, int *left) {
    int more = least(*left, most - widths[column]);

    if (!wanted[column] || more <= 0)
        return;
    widths[column] += more;
    *left -= more;
}

static void spread(int *widths, const bool *wanted, int left, int longest) {
    grow(widths, wanted, SWGI_TOP_NAME, least(longest, NAME_WIDER), &left);
    grow(widths, wanted, SWGI_TOP_TREND, TREND_GOOD, &left);
    grow(widths, wanted, SWGI_TOP_NEXT, NEXT_LONG, &left);
    grow(widths, wanted, SWGI_TOP_TREND, (int)SWGI_TOP_HISTORY, &left);
}

void swgi_top_layout(int width, bool has_permits, int longest, struct swgi_top_layout *out) {
    int widths[SWGI_TOP_COLUMNS], gap = width >= ROOMY ? 2 : 1, sum = MARKER - gap, x = MARKER;
    bool wanted[SWGI_TOP_COLUMNS] = { false };

    choose(wanted, width, gap, has_permits);
    for (int i = 0; i < SWGI_TOP_COLUMNS; i++) {
        widths[i] = facts[i].width;
        sum += wanted[i] ? widths[i] + gap : 0;
    }
    spread(widths, wanted, width - sum, longest);
    *out = (struct swgi_top_layout){ .count = 0 };
    for (int i = 0; i < SWGI_TOP_COLUMNS; i++) {
        if (!wanted[i])
            continue;
        out->column[out->count] = i;
        out->x[out->count] = x;
        out->width[out->count++] = widths[i];
        x += widths[i] + gap;
    }
}

const char *swgi_top_heading(int column, int trend) {
    static const char *const trends[SWGI_TRENDS] = { "CALLS", "FAILURES", "REJECTED" };

    return column == SWGI_TOP_TREND ? trends[trend] : facts[column].heading;
}

bool swgi_top_to_right(int column) {
    return facts[column].to_right;
}

const char *swgi_top_rate_text(double rate, char *out) {
    if (!(rate >= 0))
        return strcpy(out, "-");
    if (rate > 0 && rate < 0.05)
        return strcpy(out, "<0.1");
    if (rate > 0 && rate < 9.95) {
        snprintf(out, SWGI_TEXT_MAX, "%.1f", rate);
        return out;
    }
    return swgi_short_count_text(rate < 1e18 ? (uint64_t)(rate + 0.5) : UINT64_C(1) << 60, out);
}

const char *swgi_top_fit(const struct swgi_screen *screen, const char *text, int columns,
                         char *out) {
    const char *cut = swgi_screen_sign(screen, "…", "~");
    mbstate_t state = { 0 };
    int used = 0;
    size_t at = 0;

    if (columns <= 0)
        return strcpy(out, "");
    if (swgi_screen_columns(screen, text) <= columns && strlen(text) < SWGI_TOP_CELL_MAX)
        return strcpy(out, text);
    while (text[at] && used < columns - 1 && at + 8 < SWGI_TOP_CELL_MAX) {
        size_t bytes = screen->utf8 ? mbrlen(text + at, strlen(text + at), &state) : 1;

        bytes = bytes == 0 || bytes > 8 ? 1 : bytes;
        memcpy(out + at, text + at, bytes);
        at += bytes;
        out[at] = '\0';
        used = swgi_screen_columns(screen, out);
    }
    strcpy(out + at, cut);
    return out;
}

/* Names differ at their ends as often as at their beginnings. They are ASCII. */
static void name_cell(const struct swgi_top_look *look, const char *name, int width, char *out) {
    char clean[SWGI_CLEAN_MAX];
    int length, head = (width - 1) / 2;

    swgi_clean_text(name, look->screen->utf8, clean, sizeof(clean));
    length = swgi_screen_columns(look->screen, clean);
    if (length <= width || (size_t)length != strlen(clean))
        swgi_top_fit(look->screen, clean, width, out);
    else
        snprintf(out, SWGI_TOP_CELL_MAX, "%.*s%s%s", head, clean,
                 swgi_screen_sign(look->screen, "…", "~"), clean + length - (width - 1 - head));
}

/* "18/20", and "20/20+4" where four wait. */
static enum swgi_tone permits_cell(const struct swg_status *status, char *out) {
    bool full = status->permits_limit && status->permits_held >= status->permits_limit;
    int length;

    if (!status->has_bulkhead) {
        strcpy(out, "-");
        return SWGI_FAINT;
    }
    length = snprintf(out, SWGI_TEXT_MAX, "%u", status->permits_held);
    if (status->permits_limit)
        length +=
            snprintf(out + length, SWGI_TEXT_MAX - (size_t)length, "/%u", status->permits_limit);
    if (status->queue_length)
        snprintf(out + length, SWGI_TEXT_MAX - (size_t)length, "+%u", status->queue_length);
    return full ? SWGI_WARN : SWGI_PLAIN;
}

/* "4 min" of "4 min 59 s": the small unit is for wider columns. */
static void one_unit(char *duration) {
    char *space = strchr(duration, ' ');

    space = space ? strchr(space + 1, ' ') : NULL;
    if (space)
        *space = '\0';
}

/* The same as swgi_next_text(), for a column as narrow as "until undone". */
static void short_next(const struct swg_status *status, swg_ns now, char *out, size_t out_size) {
    swg_ns until = status->mode != SWG_MODE_NORMAL ? status->mode_until : status->open_until;
    char duration[SWGI_TEXT_MAX];

    out[0] = '\0';
    swgi_duration_text(until > now && until != SWG_NS_MAX ? until - now : 0, duration);
    one_unit(duration);
    if (status->mode == SWG_MODE_SHADOW)
        snprintf(out, out_size, "as %s", swg_state_name(status->state));
    else if (status->mode != SWG_MODE_NORMAL && (until == 0 || until == SWG_NS_MAX))
        snprintf(out, out_size, "till undone");
    else if (status->mode != SWG_MODE_NORMAL)
        snprintf(out, out_size, "%s left", duration);
    else if (status->state == SWG_STATE_OPEN && until == SWG_NS_MAX)
        snprintf(out, out_size, "by hand");
    else if (status->state == SWG_STATE_OPEN)
        snprintf(out, out_size, "in %s", duration);
    else if (status->state == SWG_STATE_HALF_OPEN && status->ramp_percent)
        snprintf(out, out_size, "ramp %d %%", status->ramp_percent);
    else if (status->state == SWG_STATE_HALF_OPEN)
        snprintf(out, out_size, "%u/%u good", status->probe_successes, status->success_threshold);
}

static uint64_t height(const struct swgi_top_step *step, int trend) {
    if (step == NULL)
        return 0;
    return trend == SWGI_TREND_CALLS      ? step->calls
           : trend == SWGI_TREND_FAILURES ? step->failed
                                          : step->rejected;
}

const char *swgi_top_trend_text(const struct swgi_top_look *look, const struct swgi_top_row *row,
                                int width, char out[SWGI_TOP_CELL_MAX]) {
    static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    static const char *const letters[] = { " ", ".", ".", ":", ":", "+", "+", "#", "#" };
    const char *const *signs = look->screen->utf8 ? blocks : letters;
    uint64_t most = 0;
    size_t used = 0;

    width = least(width, (int)SWGI_TOP_HISTORY);
    for (int i = 0; i < width; i++) {
        uint64_t of = height(swgi_top_step(row, (unsigned)i), look->trend);

        most = of > most ? of : most;
    }
    for (int i = width - 1; i >= 0; i--) {
        uint64_t of = height(swgi_top_step(row, (unsigned)i), look->trend);
        double share = most > 0 ? (double)of / (double)most : 0;
        const char *sign = signs[of > 0 ? 1 + (int)(share * 7) : 0];

        used += (size_t)snprintf(out + used, SWGI_TOP_CELL_MAX - used, "%s", sign);
    }
    out[used] = '\0';
    return out;
}

static void latency_cell(const struct swg_status *status, swg_ns latency, char *out) {
    if (status->has_latency && status->latency.count > 0)
        swgi_latency_text(latency, out);
    else
        strcpy(out, "-");
}

/* The cells that are numbers. */
static enum swgi_tone number_cell(const struct swgi_top_row *row, int column, char *out) {
    const struct swg_status *status = &row->status;

    switch (column) {
    case SWGI_TOP_CALLS:
        swgi_top_rate_text(row->calls_per_s, out);
        return SWGI_PLAIN;
    case SWGI_TOP_FAILING:
        swgi_share_text(row->failing, out);
        return row->failing >= 0.5 ? SWGI_BAD : row->failing > 0 ? SWGI_WARN : SWGI_PLAIN;
    case SWGI_TOP_REJECTED:
        swgi_top_rate_text(row->rejected_per_s, out);
        return row->rejected_per_s > 0 ? SWGI_WARN : SWGI_PLAIN;
    case SWGI_TOP_P50:
        latency_cell(status, status->latency.p50, out);
        return SWGI_PLAIN;
    case SWGI_TOP_P99:
        latency_cell(status, status->latency.p99, out);
        return SWGI_PLAIN;
    default:
        return permits_cell(status, out);
    }
}

enum swgi_tone swgi_top_cell(const struct swgi_top_look *look, const struct swgi_top_row *row,
                             int column, int width, char out[SWGI_TOP_CELL_MAX]) {
    enum swgi_tone tone = SWGI_PLAIN;
    char text[SWGI_TOP_CELL_MAX];

    switch (column) {
    case SWGI_TOP_NAME:
        name_cell(look, row->status.name, width, out);
        return SWGI_PLAIN;
    case SWGI_TOP_STATE:
        snprintf(text, sizeof(text), "%s", swgi_state_word(&row->status));
        tone = swgi_state_tone(&row->status);
        break;
    case SWGI_TOP_TREND:
        swgi_top_trend_text(look, row, width, out);
        return look->trend == SWGI_TREND_CALLS ? SWGI_FAINT : SWGI_WARN;
    case SWGI_TOP_NEXT:
        swgi_next_text(&row->status, look->now, text, sizeof(text));
        if (swgi_screen_columns(look->screen, text) > width)
            short_next(&row->status, look->now, text, sizeof(text));
        break;
    default:
        tone = number_cell(row, column, text);
    }
    swgi_top_fit(look->screen, text, width, out);
    return tone;
}
