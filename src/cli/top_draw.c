/* What is wrong stands at the top left, what can be done about it in the last line, and nothing moves that did not change. */
#include "cli/top_draw.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/settings_file.h"
#include "cli/top_layout.h"
#include "report/describe.h"
#include "report/text.h"

#define LINE_MAX_BYTES 2048
#define TONES          (SWGI_STRONG + 1)

static bool has_color;

void swgi_draw_init(const struct swgi_screen *screen) {
    static const short colors[TONES] = { [SWGI_GOOD] = COLOR_GREEN,
                                         [SWGI_BAD] = COLOR_RED,
                                         [SWGI_WARN] = COLOR_YELLOW,
                                         [SWGI_ODD] = COLOR_MAGENTA };

    has_color = screen->color && has_colors() && start_color() == OK;
    if (!has_color)
        return;
    use_default_colors();
    for (int tone = 0; tone < TONES; tone++)
        if (colors[tone])
            init_pair((short)(tone + 1), colors[tone], -1);
}

/* Without colours what is bad is still bold. */
static attr_t look_of(enum swgi_tone tone) {
    attr_t pair = has_color ? (attr_t)COLOR_PAIR(tone + 1) : A_NORMAL;

    switch (tone) {
    case SWGI_GOOD:
    case SWGI_WARN:
    case SWGI_ODD:
        return pair;
    case SWGI_BAD:
        return pair | A_BOLD;
    case SWGI_FAINT:
        return A_DIM;
    case SWGI_STRONG:
        return A_BOLD;
    default:
        return A_NORMAL;
    }
}

/* Text at a place, cut at `width`, at its right if so asked; returns the columns it took. Whatever it is, it steers no terminal. */
static int put(const struct swgi_view *view, int y, int x, int width, attr_t look, bool to_right,
               const char *text) {
    char fitting[SWGI_TOP_CELL_MAX], clean[LINE_MAX_BYTES];
    int columns;

    if (width <= 0 || y < 0 || y >= view->height)
        return 0;
    swgi_clean_text(text, view->screen.utf8, clean, sizeof(clean));
    swgi_top_fit(&view->screen, clean, width, fitting);
    columns = swgi_screen_columns(&view->screen, fitting);
    attrset((int)look);
    mvaddstr(y, x + (to_right ? width - columns : 0), fitting);
    attrset(A_NORMAL);
    return columns;
}

static int put_on(const struct swgi_view *view, int y, int x, enum swgi_tone tone,
                  const char *text) {
    return x + put(view, y, x, view->screen.width - x, look_of(tone), false, text);
}

/* ---- the head */

static void draw_title(const struct swgi_view *view, int y) {
    char panel[SWGI_CLEAN_MAX], clock[16], right[160], interval[SWGI_TEXT_MAX];
    time_t now = time(NULL);
    struct tm parts;
    int x, width;

    if (!localtime_r(&now, &parts) || strftime(clock, sizeof(clock), "%T", &parts) == 0)
        strcpy(clock, "");
    snprintf(right, sizeof(right), "%severy %s, by %s  %s", view->is_paused ? "PAUSED  " : "",
             swgi_duration_text(view->options->interval_ns, interval),
             swgi_top_sort_word(view->sort), clock);
    width = (int)strlen(right);
    x = put_on(view, y, 0, SWGI_STRONG, "switchgear top");
    swgi_clean_text(view->options->panel, view->screen.utf8, panel, sizeof(panel));
    put(view, y, x + 2, view->screen.width - width - x - 4, A_NORMAL, false, panel);
    if (view->screen.width - width > x + 2)
        put(view, y, view->screen.width - width, width,
            look_of(view->is_paused ? SWGI_WARN : SWGI_FAINT), false, right);
}

static void draw_states(const struct swgi_view *view, int y) {
    static const struct {
        const char *word;
        enum swgi_tone tone;
    } ranks[] = { { "tripped", SWGI_BAD },
                  { "probing", SWGI_WARN },
                  { "in another mode", SWGI_ODD },
                  { "closed", SWGI_GOOD } };
    const struct swgi_top_sums *sums = &view->rows.sums;
    const char *separator = ": ";
    char text[80], count[SWGI_TEXT_MAX];
    int x;

    snprintf(text, sizeof(text), "%s circuit%s", swgi_count_text(sums->circuits, count),
             sums->circuits == 1 ? "" : "s");
    x = put_on(view, y, 0, SWGI_PLAIN, text);
    for (size_t i = 0; i < 4; i++) {
        if (sums->by_rank[i] == 0)
            continue;
        x = put_on(view, y, x, SWGI_PLAIN, separator);
        snprintf(text, sizeof(text), "%s %s", swgi_count_text(sums->by_rank[i], count),
                 ranks[i].word);
        x = put_on(view, y, x, ranks[i].tone, text);
        separator = ", ";
    }
    if (view->filter[0] && view->ask.step != SWGI_ASK_FILTER) {
        char clean[SWGI_CLEAN_MAX];

        x = put_on(view, y, x, SWGI_PLAIN, "   only: ");
        put_on(view, y, x, SWGI_STRONG,
               swgi_clean_text(view->filter, view->screen.utf8, clean, sizeof(clean)));
    }
}

static void draw_sums(const struct swgi_view *view, int y) {
    const struct swgi_top_sums *sums = &view->rows.sums;
    char calls[SWGI_TEXT_MAX], rejected[SWGI_TEXT_MAX], text[200], flying[SWGI_TEXT_MAX];
    int x;

    snprintf(text, sizeof(text), "calls %s/s", swgi_top_rate_text(sums->calls_per_s, calls));
    x = put_on(view, y, 0, SWGI_PLAIN, text);
    snprintf(text, sizeof(text), "   failing %s", swgi_share_text(sums->failing, calls));
    x = put_on(view, y, x, sums->failing > 0 ? SWGI_WARN : SWGI_PLAIN, text);
    snprintf(text, sizeof(text), "   rejected %s/s",
             swgi_top_rate_text(sums->rejected_per_s, rejected));
    x = put_on(view, y, x, sums->rejected_per_s > 0 ? SWGI_WARN : SWGI_PLAIN, text);
    snprintf(text, sizeof(text), "   in flight %s",
             swgi_short_count_text((uint64_t)sums->in_flight, flying));
    put_on(view, y, x, SWGI_PLAIN, text);
}

/* ---- the table */

static int longest_name(const struct swgi_view *view) {
    int longest = 0;

    for (size_t i = 0; i < view->shown_count; i++) {
        int length = (int)strlen(view->shown[i]->status.name);

        longest = length > longest ? length : longest;
    }
    return longest;
}

static void draw_headings(const struct swgi_view *view, const struct swgi_top_layout *layout,
                          int y) {
    for (unsigned i = 0; i < layout->count; i++) {
        int column = layout->column[i];

        put(view, y, layout->x[i], layout->width[i], look_of(SWGI_FAINT), swgi_top_to_right(column),
            swgi_top_heading(column, view->trend));
    }
}

static void draw_row(const struct swgi_view *view, const struct swgi_top_layout *layout, int y,
                     const struct swgi_top_row *row, bool is_selected) {
    struct swgi_top_look look = { .screen = &view->screen,
                                  .now = view->rows.now,
                                  .trend = view->trend };
    attr_t under = is_selected ? A_REVERSE : A_NORMAL;

    if (is_selected) {
        attrset((int)under);
        mvhline(y, 0, ' ', view->screen.width);
        mvaddstr(y, 0, ">");
    }
    for (unsigned i = 0; i < layout->count; i++) {
        char text[SWGI_TOP_CELL_MAX];
        int column = layout->column[i], width = layout->width[i];
        attr_t tone = look_of(swgi_top_cell(&look, row, column, width, text));

        if (view->watch.fault[0])
            tone = A_DIM;
        put(view, y, layout->x[i], width, (is_selected ? tone & ~(attr_t)A_DIM : tone) | under,
            swgi_top_to_right(column), text);
    }
}

static void draw_nothing(const struct swgi_view *view, int y) {
    put(view, y, 2, view->screen.width - 2, look_of(SWGI_FAINT), false,
        view->rows.count == 0 ? "the panel has no circuits yet" : "no name matches the filter");
}

/* From line y on, `height` lines: headings and rows. */
static void draw_table(struct swgi_view *view, int y, int height) {
    struct swgi_top_layout layout;

    swgi_top_layout(view->screen.width, view->rows.has_permits, longest_name(view), &layout);
    draw_headings(view, &layout, y);
    for (int i = 0; i + 1 < height; i++) {
        size_t row = view->first + (size_t)i;

        if (row < view->shown_count)
            draw_row(view, &layout, y + 1 + i, view->shown[row], row == view->cursor);
    }
    if (view->shown_count == 0 && height > 1)
        draw_nothing(view, y + 1);
}

/* ---- a page of text: what is printed elsewhere with colours, as curses has them */

/* The tone that report/screen.c's sequences stand for. */
static attr_t look_of_code(const char *code, size_t length) {
    static const struct {
        const char *code;
        enum swgi_tone tone;
    } codes[] = { { "32", SWGI_GOOD }, { "1;31", SWGI_BAD }, { "33", SWGI_WARN },
                  { "35", SWGI_ODD },  { "2", SWGI_FAINT },  { "1", SWGI_STRONG } };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strlen(codes[i].code) == length && memcmp(codes[i].code, code, length) == 0)
            return look_of(codes[i].tone);
    }
    return A_NORMAL;
}

/* One line of it, up to `end`. The text was cleaned: every escape in it is ours. */
static void draw_line(const struct swgi_view *view, int y, const char *at, const char *end) {
    attr_t look = A_NORMAL;
    int x = 0;

    while (at < end && x < view->screen.width) {
        const char *stop = memchr(at, '\033', (size_t)(end - at));
        char text[LINE_MAX_BYTES];

        if (stop == at && end - at > 2) {
            const char *last = memchr(at, 'm', (size_t)(end - at));

            if (!last)
                return;
            look = look_of_code(at + 2, (size_t)(last - at - 2));
            at = last + 1;
            continue;
        }
        stop = stop && stop > at ? stop : end;
        snprintf(text, sizeof(text), "%.*s", (int)(stop - at), at);
        x += put(view, y, x, view->screen.width - x, look, false, text);
        at = stop;
    }
}

static size_t count_lines(const char *text) {
    size_t lines = 0;

    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void draw_page(struct swgi_view *view, int y, int height) {
    const char *at = view->text ? view->text : "";
    size_t lines = count_lines(at), fit = height > 0 ? (size_t)height : 0;
    size_t last = lines > fit ? lines - fit : 0;

    view->lines_fit = fit;
    view->line = view->line < last ? view->line : last;
    for (size_t i = 0; i < view->line && *at; i++)
        at += strcspn(at, "\n") + 1;
    for (int i = 0; i < height && *at; i++) {
        const char *end = at + strcspn(at, "\n");

        draw_line(view, y + i, at, end);
        at = *end ? end + 1 : end;
    }
    view->has_more = view->line < last;
}

/* ---- the foot */

/* What its row has no room for. */
static void draw_selected(const struct swgi_view *view, int y) {
    const struct swgi_top_row *row = swgi_view_selected(view);
    const struct swg_status *status = row ? &row->status : NULL;
    const struct swgi_file_circuit *entry;
    char name[SWGI_CLEAN_MAX], since[SWGI_TEXT_MAX] = "", next[80], text[1200];
    int x;

    if (!row)
        return;
    entry = swgi_entry_of(view->options->file, status->name);
    x = put_on(view, y, 0, SWGI_STRONG,
               swgi_clean_text(status->name, view->screen.utf8, name, sizeof(name)));
    x = put_on(view, y, x + 2, swgi_state_tone(status), swgi_state_word(status));
    if (status->since > 0 && status->mode == SWG_MODE_NORMAL)
        swgi_duration_text(view->rows.now - status->since, since);
    swgi_next_text(status, view->rows.now, next, sizeof(next));
    snprintf(text, sizeof(text), "%s%s%s%s%s%s", since[0] ? " for " : "", since,
             next[0] ? ", " : "", next, entry && entry->owner[0] ? "   owner " : "",
             entry ? entry->owner : "");
    put_on(view, y, x, SWGI_PLAIN, text);
}

/* The rule that tripped it, in its own words where it is still configured. */
static const char *rule_words(const struct swg_why *why) {
    for (uint32_t i = 0; i < why->rules_count; i++)
        if (why->rules[i].rule == why->trip.rule)
            return why->rules[i].text;
    return swgi_rule_words(why->trip.rule);
}

static const char *mode_words(const struct swg_why *why) {
    return why->status.mode == SWG_MODE_FORCED_OPEN     ? "isolated"
           : why->status.mode == SWG_MODE_FORCED_CLOSED ? "disabled"
                                                        : "put into shadow";
}

static void draw_cause(const struct swgi_view *view, int y) {
    const struct swg_why *why = &view->why;
    char text[SWGI_SENTENCE_MAX + 200] = "", error[SWGI_SENTENCE_MAX], clean[SWGI_CLEAN_MAX],
                                  age[SWGI_TEXT_MAX];
    int length = 0;

    if (!view->has_why)
        return;
    if (why->status.mode != SWG_MODE_NORMAL)
        length = snprintf(text, sizeof(text), "%s by %.31s%s%.127s%s", mode_words(why),
                          why->mode_user, why->mode_reason[0] ? ": " : "", why->mode_reason,
                          why->samples_count > 0 ? "; " : "");
    else if (why->evidence == 1 && why->status.state != SWG_STATE_CLOSED)
        length = snprintf(text, sizeof(text), "tripped %s%s%s",
                          why->trip.rule == SWG_RULE_HAND ? "" : "by ",
                          swgi_clean_text(rule_words(why), view->screen.utf8, clean, sizeof(clean)),
                          why->samples_count > 0 ? "; " : "");
    if (why->samples_count > 0)
        snprintf(text + length, sizeof(text) - (size_t)length, "last %s (%s)",
                 swgi_event_text(&view->screen, &why->samples[0], error, sizeof(error)),
                 swgi_age_text(view->rows.now, why->samples[0].at, age));
    put_on(view, y, 0, SWGI_PLAIN, text);
}

static void draw_trends(const struct swgi_view *view, int y) {
    static const char *const labels[SWGI_TRENDS] = { "calls ", "failures ", "rejected " };
    const struct swgi_top_row *row = swgi_view_selected(view);
    int width = (view->screen.width - 28) / SWGI_TRENDS, x = 0;

    width = width < (int)SWGI_TOP_HISTORY ? width : (int)SWGI_TOP_HISTORY;
    for (int trend = 0; row && width > 4 && trend < SWGI_TRENDS; trend++) {
        struct swgi_top_look look = { .screen = &view->screen, .trend = trend };
        char text[SWGI_TOP_CELL_MAX];

        x = put_on(view, y, x, SWGI_FAINT, labels[trend]);
        put(view, y, x, width, look_of(trend == SWGI_TREND_CALLS ? SWGI_PLAIN : SWGI_WARN), false,
            swgi_top_trend_text(&look, row, width, text));
        x += width + 2;
    }
}

static void draw_question(const struct swgi_view *view, int y) {
    char question[320], line[SWGI_CLEAN_MAX];
    int x, room;

    swgi_ask_question(&view->ask, question, sizeof(question));
    x = put(view, y, 0, view->screen.width - 12, look_of(SWGI_STRONG), false, question);
    swgi_clean_text(view->ask.line, view->screen.utf8, line, sizeof(line));
    room = view->screen.width - x - 1;
    move(y, 0);
    clrtoeol();
    put(view, y, 0, view->screen.width - 12, look_of(SWGI_STRONG), false, question);
    /* Of a line that is too long the end is shown: there the typing goes on. */
    const char *shown = line;
    while (swgi_screen_columns(&view->screen, shown) > room && *shown)
        do
            shown++;
        while (((unsigned char)*shown & 0xc0) == 0x80);
    x += put(view, y, x, room, A_NORMAL, false, shown);
    move(y, x);
}

/* false: there is nothing to tell. */
static bool draw_news(const struct swgi_view *view, int y) {
    bool is_wrong = view->ask.step != SWGI_ASK_NOTHING && view->ask.wrong[0];

    if (!is_wrong && !view->watch.fault[0] && !view->message[0])
        return false;
    move(y, 0);
    clrtoeol();
    if (is_wrong)
        put_on(view, y, 0, SWGI_BAD, view->ask.wrong);
    else if (view->watch.fault[0])
        put_on(view, y, 0, SWGI_BAD, view->watch.fault);
    else
        put_on(view, y, 0, view->message_is_bad ? SWGI_BAD : SWGI_STRONG, view->message);
    return true;
}

/* As many as there is room for, the most useful first. */
static void draw_keys(const struct swgi_view *view, int y) {
    static const char *const of_table[] = { "?", "help",   "Enter", "why",     "/", "filter",
                                            "s", "sort",   "t",     "trip",    "r", "reset",
                                            "p", "probe",  "q",     "quit",    "i", "isolate",
                                            "n", "normal", "d",     "disable", "h", "shadow",
                                            "c", "trend",  NULL };
    static const char *const of_why[] = { "Esc", "back",    "t", "trip",    "r", "reset",
                                          "p",   "probe",   "i", "isolate", "n", "normal",
                                          "d",   "disable", "h", "shadow",  NULL };
    static const char *const of_help[] = { "Esc", "back", NULL };
    static const char *const of_question[] = { "Enter", "go on", "Esc", "leave", NULL };
    static const char *const of_for[] = { "Enter", "until undone, or 90s 15m 2h 1d", "Esc", "leave",
                                          NULL };
    static const char *const of_yes[] = { "y", "yes", "any other key", "no", NULL };
    const char *const *key = view->ask.step >= SWGI_ASK_CONFIRM   ? of_yes
                             : view->ask.step == SWGI_ASK_FOR     ? of_for
                             : view->ask.step != SWGI_ASK_NOTHING ? of_question
                             : view->page == SWGI_PAGE_TABLE      ? of_table
                             : view->page == SWGI_PAGE_WHY        ? of_why
                                                                  : of_help;

    for (int x = 0; key[0]; key += 2) {
        int width = (int)(strlen(key[0]) + 1 + strlen(key[1]));

        if (x + width > view->screen.width)
            return;
        put(view, y, x, (int)strlen(key[0]), look_of(SWGI_STRONG), false, key[0]);
        put(view, y, x + (int)strlen(key[0]) + 1, (int)strlen(key[1]), look_of(SWGI_FAINT), false,
            key[1]);
        x += width + 2;
    }
}

/* ---- all of it */

#define LEAST_WIDTH  24
#define LEAST_HEIGHT 5
#define SHORT        12 /* fewer lines than that go to rows, not to the head */
#define TALL         18 /* from here on there is room for more about the selected circuit */

/* Lines below the table: about the selected circuit, news or a question, keys. */
static int foot_height(const struct swgi_view *view) {
    return view->height < TALL ? 2 : 5;
}

/* Where there is no news. */
static void draw_quiet_line(const struct swgi_view *view, int y) {
    if (view->page != SWGI_PAGE_TABLE && view->has_more)
        put_on(view, y, 0, SWGI_FAINT, "more below: j, PgDn");
    else if (view->page == SWGI_PAGE_TABLE && foot_height(view) > 2)
        draw_trends(view, y);
    else if (view->page == SWGI_PAGE_TABLE)
        draw_selected(view, y);
}

/* The question has the line above the keys, and what was wrong with the answer the one above that. */
static void draw_foot(const struct swgi_view *view) {
    bool is_table = view->page == SWGI_PAGE_TABLE, is_tall = foot_height(view) > 2;
    bool is_asking = view->ask.step != SWGI_ASK_NOTHING;
    int y = view->height - 2;

    if (is_table && is_tall) {
        draw_selected(view, y - 2);
        draw_cause(view, y - 1);
    }
    if (!draw_news(view, is_asking && is_tall ? y - 1 : y) && !is_asking)
        draw_quiet_line(view, y);
    draw_keys(view, view->height - 1);
    curs_set(is_asking ? 1 : 0);
    if (is_asking && (is_tall || !view->ask.wrong[0]))
        draw_question(view, y);
}

static void draw_head_and_table(struct swgi_view *view) {
    int y = 0, foot = foot_height(view);

    draw_title(view, y++);
    if (view->height >= SHORT) {
        draw_states(view, y++);
        draw_sums(view, y++);
        y++;
    }
    view->rows_fit = (size_t)(view->height - y - 1 - foot);
    swgi_view_arrange(view);
    draw_table(view, y, view->height - y - foot);
}

static void draw_text(struct swgi_view *view) {
    draw_title(view, 0);
    draw_page(view, 2, view->height - 4);
}

void swgi_draw(struct swgi_view *view) {
    view->screen.width = getmaxx(stdscr);
    view->height = getmaxy(stdscr);
    erase();
    if (view->screen.width < LEAST_WIDTH || view->height < LEAST_HEIGHT) {
        put(view, 0, 0, view->screen.width, A_NORMAL, false, "too small");
        refresh();
        return;
    }
    if (view->page == SWGI_PAGE_TABLE)
        draw_head_and_table(view);
    else
        draw_text(view);
    draw_foot(view);
    refresh();
}
