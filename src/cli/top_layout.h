/* Which columns of `top` a terminal has room for, and what stands in them. Pure: text in, text out. */
#ifndef SWGI_CLI_TOP_LAYOUT_H
#define SWGI_CLI_TOP_LAYOUT_H

#include "cli/top_rows.h"
#include "report/screen.h"

enum swgi_top_column {
    SWGI_TOP_NAME,
    SWGI_TOP_STATE,
    SWGI_TOP_CALLS,
    SWGI_TOP_FAILING,
    SWGI_TOP_REJECTED,
    SWGI_TOP_P50,
    SWGI_TOP_P99,
    SWGI_TOP_IN_USE,
    SWGI_TOP_TREND,
    SWGI_TOP_NEXT,
    SWGI_TOP_COLUMNS
};

/* In the order of the screen. Those that found no room are not among them. */
struct swgi_top_layout {
    unsigned count;
    int column[SWGI_TOP_COLUMNS];
    int x[SWGI_TOP_COLUMNS], width[SWGI_TOP_COLUMNS];
};

/* width: columns of the terminal, any number; longest: of the names. */
void swgi_top_layout(int width, bool has_permits, int longest, struct swgi_top_layout *out);

/* Room for any cell. */
#define SWGI_TOP_CELL_MAX 512

/* What the trend counts. */
enum swgi_top_trend { SWGI_TREND_CALLS, SWGI_TREND_FAILURES, SWGI_TREND_REJECTED, SWGI_TRENDS };

struct swgi_top_look {
    const struct swgi_screen *screen;
    swg_ns now;
    int trend; /* enum swgi_top_trend */
};

const char *swgi_top_heading(int column, int trend);
bool swgi_top_to_right(int column);
/* The text of a cell, at most width columns wide, and its tone. */
enum swgi_tone swgi_top_cell(const struct swgi_top_look *look, const struct swgi_top_row *row,
                             int column, int width, char out[SWGI_TOP_CELL_MAX]);
/* "0", "0.4", "12", "1,234", "12.3k"; "-" for what is not known. */
const char *swgi_top_rate_text(double rate, char *out);
/* One sign for each of the last `width` looks, oldest first, the highest as high as can be. */
const char *swgi_top_trend_text(const struct swgi_top_look *look, const struct swgi_top_row *row,
                                int width, char out[SWGI_TOP_CELL_MAX]);
/* Text cut to columns, with a sign where it was; out has room for SWGI_TOP_CELL_MAX. */
const char *swgi_top_fit(const struct swgi_screen *screen, const char *text, int columns,
                         char *out);

#endif
