/* A selection follows its circuit, not its row: between a glance and a key the table may have been sorted anew. */
#include "cli/top_view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/act.h"
#include "cli/top_layout.h"
#include "report/text.h"

static const char help_text[] =
    "switchgear top: every circuit of the panel, live\n"
    "\n"
    "  Up Down j k          select a circuit        PgUp PgDn   a screen\n"
    "  Home End g G         first and last          Enter       why it is so\n"
    "  /                    show only names with these letters, or a glob: db-*\n"
    "  s                    sort: trouble, name, calls, failing, rejected, p99\n"
    "  c                    the trend: of calls, failures or rejected calls\n"
    "  Space                hold still              Esc         back, no filter\n"
    "  ?                    this page               q           quit\n"
    "\n"
    "Acts on the selected circuit, each with a reason and a confirmation:\n"
    "\n"
    "  t  trip: open it     r  reset: close it      p  probe: let a few calls through\n"
    "  i  isolate: admit nothing whatever happens   d  disable: admit everything\n"
    "  h  shadow: admit, and tell what it would do  n  normal: end i, d or h\n"
    "\n"
    "Columns:\n"
    "\n"
    "  CALLS/S REJ/S   calls made and turned away a second, over the last 5 seconds\n"
    "  FAILING         share of failed calls in the circuit's longest window; where it\n"
    "                  has none, of what was seen since top began\n"
    "  P50 P99         latencies since the circuit was made\n"
    "  IN USE          permits held of the bulkhead's, and how many calls wait: 18/20+4\n"
    "  the trend       a sign for each look, the newest at the right\n"
    "  NEXT            what happens next, if anything will: probes in 12 s, by hand\n"
    "\n"
    "'trouble' puts the tripped first, then those that probe, those in a mode set by\n"
    "hand, and last the closed ones, the failing before the others.\n";

int swgi_view_init(struct swgi_view *view, const struct swgi_options *options) {
    *view = (struct swgi_view){ .options = options, .screen = options->screen, .rows_fit = 1 };
    return swgi_watch_open(&view->watch, options);
}

void swgi_view_deinit(struct swgi_view *view) {
    swgi_top_rows_deinit(&view->rows);
    swgi_watch_close(&view->watch);
    free(view->shown);
    free(view->text);
}

const struct swgi_top_row *swgi_view_selected(const struct swgi_view *view) {
    return view->cursor < view->shown_count ? view->shown[view->cursor] : NULL;
}

static void say(struct swgi_view *view, bool is_bad, const char *text) {
    snprintf(view->message, sizeof(view->message), "%s", text);
    view->message_is_bad = is_bad;
}

static void adopt(struct swgi_view *view) {
    if (view->cursor < view->shown_count)
        snprintf(view->selected, sizeof(view->selected), "%s",
                 view->shown[view->cursor]->status.name);
}

/* Where the selected circuit is now; when it left, the row in its place, but not while a filter is typed that may be given up. */
static void follow_selection(struct swgi_view *view) {
    for (size_t i = 0; i < view->shown_count; i++) {
        if (strcmp(view->shown[i]->status.name, view->selected) == 0) {
            view->cursor = i;
            return;
        }
    }
    if (view->cursor >= view->shown_count)
        view->cursor = view->shown_count > 0 ? view->shown_count - 1 : 0;
    if (view->ask.step != SWGI_ASK_FILTER)
        adopt(view);
}

static void keep_in_sight(struct swgi_view *view) {
    size_t fit = view->rows_fit > 0 ? view->rows_fit : 1;

    if (view->cursor < view->first)
        view->first = view->cursor;
    if (view->cursor >= view->first + fit)
        view->first = view->cursor - fit + 1;
    if (view->first + fit > view->shown_count)
        view->first = view->shown_count > fit ? view->shown_count - fit : 0;
}

static void learn_why(struct swgi_view *view) {
    const struct swgi_top_row *row = swgi_view_selected(view);

    view->has_why = row && swgi_watch_circuit(&view->watch, row->status.name, &view->why);
}

static void select_row(struct swgi_view *view, size_t row) {
    if (view->shown_count == 0)
        return;
    view->cursor = row < view->shown_count ? row : view->shown_count - 1;
    adopt(view);
    keep_in_sight(view);
    learn_why(view);
}

/* As at first, when nobody has chosen: whatever is on top. */
static void select_top(struct swgi_view *view) {
    view->selected[0] = '\0';
    view->cursor = 0;
    keep_in_sight(view);
    learn_why(view);
}

void swgi_view_arrange(struct swgi_view *view) {
    if (view->room < view->rows.count) {
        const struct swgi_top_row **more =
            reallocarray(view->shown, view->rows.count, sizeof(struct swgi_top_row *));

        if (!more)
            return;
        view->shown = more;
        view->room = view->rows.count;
    }
    view->shown_count =
        view->room > 0 ? swgi_top_arrange(&view->rows, view->filter, view->sort, view->shown) : 0;
    if (view->selected[0])
        follow_selection(view);
    else
        view->cursor = 0;
    keep_in_sight(view);
}

static void renew_why(struct swgi_view *view) {
    char *text = swgi_watch_why(&view->watch, &view->screen, view->text_about);

    if (!text)
        return; /* the old page still tells what was */
    free(view->text);
    view->text = text;
}

void swgi_view_look(struct swgi_view *view) {
    if (view->is_paused)
        return;
    if (swgi_watch_look(&view->watch, &view->rows)) {
        swgi_view_arrange(view);
        learn_why(view);
        if (view->page == SWGI_PAGE_WHY)
            renew_why(view);
    }
    if (view->watch.was_replaced)
        say(view, false, "the panel was replaced; this is the new one");
    view->watch.was_replaced = false;
}

static void leave_page(struct swgi_view *view) {
    view->page = SWGI_PAGE_TABLE;
    free(view->text);
    view->text = NULL;
}

static void show_page(struct swgi_view *view, int page) {
    free(view->text);
    view->text = page == SWGI_PAGE_HELP ? strdup(help_text) : NULL;
    view->page = page;
    view->line = 0;
    view->message[0] = '\0';
}

static void show_why(struct swgi_view *view) {
    const struct swgi_top_row *row = swgi_view_selected(view);

    if (!row)
        return;
    snprintf(view->text_about, sizeof(view->text_about), "%s", row->status.name);
    show_page(view, SWGI_PAGE_WHY);
    renew_why(view);
    if (!view->text) {
        leave_page(view);
        say(view, true, view->watch.fault);
    }
}

/* The circuit that an act would be for: the page's, else the selected one. NULL: none. */
static const char *act_on(const struct swgi_view *view) {
    const struct swgi_top_row *row = swgi_view_selected(view);

    if (view->page == SWGI_PAGE_WHY)
        return view->text_about;
    return row ? row->status.name : NULL;
}

static bool begin_act(struct swgi_view *view, int key) {
    static const struct {
        int key;
        const char *act;
    } acts[] = { { 't', "trip" },    { 'r', "reset" },  { 'p', "probe" }, { 'i', "isolate" },
                 { 'd', "disable" }, { 'h', "shadow" }, { 'n', "normal" } };
    const char *circuit = act_on(view);

    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (acts[i].key != key || !circuit)
            continue;
        view->message[0] = '\0';
        swgi_ask_act(&view->ask, acts[i].act, circuit, swgi_act_is_bounded(acts[i].act));
        return true;
    }
    return false;
}

static void act(struct swgi_view *view, bool force) {
    char text[sizeof(view->message)] = "";
    int rc = swgi_watch_act(&view->watch, &view->ask, force, text, sizeof(text));

    say(view, rc < 0, text);
    if (rc == -EAGAIN && !force)
        swgi_ask_force(&view->ask);
    swgi_view_look(view);
    if (text[0])
        say(view, rc < 0, text);
}

static void answer(struct swgi_view *view, int key) {
    bool is_left = key == SWGI_KEY_LEAVE;

    switch (swgi_ask_key(&view->ask, key)) {
    case SWGI_ANSWER_FILTER:
        snprintf(view->filter, sizeof(view->filter), "%s",
                 is_left ? view->old_filter : view->ask.line);
        swgi_view_arrange(view);
        if (view->ask.step == SWGI_ASK_NOTHING && !is_left)
            adopt(view);
        learn_why(view);
        break;
    case SWGI_ANSWER_ACT:
        act(view, false);
        break;
    case SWGI_ANSWER_FORCED:
        act(view, true);
        break;
    case SWGI_ANSWER_LEFT:
        say(view, false, "nothing was done");
        break;
    default:
        break;
    }
}

/* Where the first line goes: SIZE_MAX is the end, which who draws finds. */
static void scroll(struct swgi_view *view, int key) {
    size_t screen = view->lines_fit > 1 ? view->lines_fit - 1 : 1;

    if (key == SWGI_KEY_UP || key == 'k')
        view->line -= view->line > 0;
    else if (key == SWGI_KEY_DOWN || key == 'j')
        view->line++;
    else if (key == SWGI_KEY_PAGE_UP)
        view->line -= view->line > screen ? screen : view->line;
    else if (key == SWGI_KEY_PAGE_DOWN || key == ' ')
        view->line += screen;
    else if (key == SWGI_KEY_HOME || key == 'g')
        view->line = 0;
    else if (key == SWGI_KEY_END || key == 'G')
        view->line = SIZE_MAX / 2;
}

static void page_key(struct swgi_view *view, int key) {
    if (key == 'q' || key == SWGI_KEY_LEAVE || key == SWGI_KEY_ENTER || key == '?')
        leave_page(view);
    else if (view->page == SWGI_PAGE_HELP || !begin_act(view, key))
        scroll(view, key);
}

static bool move(struct swgi_view *view, int key) {
    size_t screen = view->rows_fit > 1 ? view->rows_fit - 1 : 1, at = view->cursor;

    if (key == SWGI_KEY_UP || key == 'k')
        select_row(view, at - (at > 0));
    else if (key == SWGI_KEY_DOWN || key == 'j')
        select_row(view, at + 1);
    else if (key == SWGI_KEY_PAGE_UP)
        select_row(view, at > screen ? at - screen : 0);
    else if (key == SWGI_KEY_PAGE_DOWN)
        select_row(view, at + screen);
    else if (key == SWGI_KEY_HOME || key == 'g')
        select_top(view);
    else if (key == SWGI_KEY_END || key == 'G')
        select_row(view, view->shown_count);
    else
        return false;
    return true;
}

static void leave_filter(struct swgi_view *view) {
    view->filter[0] = '\0';
    swgi_view_arrange(view);
}

static void table_key(struct swgi_view *view, int key) {
    if (move(view, key) || begin_act(view, key))
        return;
    view->message[0] = '\0';
    switch (key) {
    case 'q':
        view->wants_out = true;
        break;
    case SWGI_KEY_LEAVE:
        leave_filter(view);
        break;
    case SWGI_KEY_ENTER:
        show_why(view);
        break;
    case '?':
        show_page(view, SWGI_PAGE_HELP);
        break;
    case '/':
        memcpy(view->old_filter, view->filter, sizeof(view->filter));
        swgi_ask_filter(&view->ask, view->filter);
        break;
    case 's':
        view->sort = (view->sort + 1) % SWGI_SORTS;
        swgi_view_arrange(view);
        learn_why(view);
        break;
    case 'c':
        view->trend = (view->trend + 1) % SWGI_TRENDS;
        break;
    case ' ':
        view->is_paused = !view->is_paused;
        break;
    default:
        break;
    }
}

void swgi_view_key(struct swgi_view *view, int key) {
    if (view->ask.step != SWGI_ASK_NOTHING)
        answer(view, key);
    else if (view->page != SWGI_PAGE_TABLE)
        page_key(view, key);
    else
        table_key(view, key);
}
