/* The state of `top`: which page, which row, what is asked; and what each key does to it. Knows no terminal. */
#ifndef SWGI_CLI_TOP_VIEW_H
#define SWGI_CLI_TOP_VIEW_H

#include "cli/options.h"
#include "cli/top_ask.h"
#include "cli/top_look.h"
#include "cli/top_rows.h"

enum swgi_page { SWGI_PAGE_TABLE, SWGI_PAGE_WHY, SWGI_PAGE_HELP };

struct swgi_view {
    const struct swgi_options *options;
    struct swgi_screen screen; /* of the terminal: what it can show, and how wide it is */
    int height;
    struct swgi_watch watch;
    struct swgi_top_rows rows;
    const struct swgi_top_row **shown; /* filtered and sorted */
    size_t shown_count, room;
    int page;
    char selected[128];   /* the circuit, wherever its row goes */
    size_t cursor, first; /* its row, and the first row on the screen */
    size_t rows_fit;      /* set by who draws */
    struct swg_why why;   /* all about the selected circuit */
    bool has_why;
    char filter[128], old_filter[128];
    int sort;
    int trend; /* enum swgi_top_trend */
    bool is_paused, wants_out;
    struct swgi_ask ask;
    char message[384]; /* what came of the last thing; "" */
    bool message_is_bad;
    char *text;             /* of the page WHY or HELP; NULL: none */
    char text_about[128];   /* the circuit of WHY */
    size_t line, lines_fit; /* the first line shown, and how many fit: set by who draws */
    bool has_more;          /* lines below: so, too */
};

/* 0, or the exit status after saying why not. */
int swgi_view_init(struct swgi_view *view, const struct swgi_options *options);
void swgi_view_deinit(struct swgi_view *view);
/* Look at the panel again, unless paused. */
void swgi_view_look(struct swgi_view *view);
/* After anything that moves rows: filter, sort, size. */
void swgi_view_arrange(struct swgi_view *view);
void swgi_view_key(struct swgi_view *view, int key);
/* NULL: no row is selected. */
const struct swgi_top_row *swgi_view_selected(const struct swgi_view *view);

#endif
