/* A terminal is the smallest thing all of them share: 80 columns, perhaps colour, perhaps UTF-8. Everything here works without. */
#include "report/screen.h"

#include <err.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>
#include <wchar.h>

static bool wants_color(bool is_terminal, bool no_color) {
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    bool is_dumb = !term || !*term || strcmp(term, "dumb") == 0;
    return is_terminal && !no_color && !(no && *no) && !is_dumb;
}

#define WIDTH_LEAST 40 /* what is narrower is not made for words */

static int width_of(FILE *out) {
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (columns && atoi(columns) >= WIDTH_LEAST)
        return atoi(columns);
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col > WIDTH_LEAST ? size.ws_col : WIDTH_LEAST;
    return 80;
}

void swgi_screen_init(struct swgi_screen *screen, FILE *out, bool no_color) {
    screen->out = out;
    screen->is_terminal = isatty(fileno(out)) == 1;
    screen->color = wants_color(screen->is_terminal, no_color);
    screen->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    screen->width = width_of(out);
}

static const char *tone_code(enum swgi_tone tone) {
    static const char *const codes[] = {
        [SWGI_PLAIN] = "",         [SWGI_GOOD] = "\033[32m", [SWGI_BAD] = "\033[1;31m",
        [SWGI_WARN] = "\033[33m",  [SWGI_ODD] = "\033[35m",  [SWGI_FAINT] = "\033[2m",
        [SWGI_STRONG] = "\033[1m",
    };
    return codes[tone];
}

int swgi_screen_columns(const struct swgi_screen *screen, const char *text) {
    mbstate_t state = { 0 };
    int columns = 0;
    size_t left = strlen(text);
    while (screen->utf8 && left > 0) {
        wchar_t wide;
        size_t bytes = mbrtowc(&wide, text, left, &state);
        if (bytes == (size_t)-1 || bytes == (size_t)-2)
            return columns + (int)left;
        int width = wcwidth(wide);
        columns += width > 0 ? width : 0;
        text += bytes;
        left -= bytes;
    }
    return columns + (int)left;
}

static void blanks(const struct swgi_screen *screen, int count) {
    if (count > 0)
        fprintf(screen->out, "%*s", count, "");
}

void swgi_screen_put(const struct swgi_screen *screen, enum swgi_tone tone, int columns,
                     const char *text) {
    bool colored = screen->color && tone != SWGI_PLAIN;
    int missing = abs(columns) - swgi_screen_columns(screen, text);
    blanks(screen, columns < 0 ? missing : 0);
    fprintf(screen->out, "%s%s%s", colored ? tone_code(tone) : "", text, colored ? "\033[0m" : "");
    blanks(screen, columns > 0 ? missing : 0);
}

void swgi_screen_printf(const struct swgi_screen *screen, enum swgi_tone tone, const char *format,
                        ...) {
    bool colored = screen->color && tone != SWGI_PLAIN;
    va_list arguments;
    va_start(arguments, format);
    fputs(colored ? tone_code(tone) : "", screen->out);
    vfprintf(screen->out, format, arguments);
    fputs(colored ? "\033[0m" : "", screen->out);
    va_end(arguments);
}

void swgi_screen_wrap(const struct swgi_screen *screen, enum swgi_tone tone, int column, int indent,
                      const char *text) {
    bool is_first = true;
    while (*text) {
        size_t length = strcspn(text, " ");
        char word[512];
        snprintf(word, sizeof(word), "%.*s", (int)length, text);
        int width = swgi_screen_columns(screen, word);
        if (!is_first && column + 1 + width > screen->width) {
            fprintf(screen->out, "\n%*s", indent, "");
            column = indent;
        } else if (!is_first) {
            fputc(' ', screen->out);
            column++;
        }
        swgi_screen_put(screen, tone, 0, word);
        column += width;
        is_first = false;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', screen->out);
}

void swgi_screen_bar(const struct swgi_screen *screen, enum swgi_tone tone, double share,
                     int columns) {
    double clamped = share >= 1 ? 1 : share > 0 ? share : 0;
    int filled = (int)(clamped * columns + 0.5);
    if (clamped > 0 && filled == 0)
        filled = 1;
    for (int i = 0; i < columns; i++) {
        bool is_filled = i < filled;
        swgi_screen_put(screen, is_filled ? tone : SWGI_FAINT, 0,
                        is_filled ? swgi_screen_sign(screen, "█", "#")
                                  : swgi_screen_sign(screen, "░", "."));
    }
}

const char *swgi_screen_sign(const struct swgi_screen *screen, const char *sign,
                             const char *ascii) {
    return screen->utf8 ? sign : ascii;
}

void swgi_table_init(struct swgi_table *table, const struct swgi_column *columns,
                     size_t columns_count) {
    *table = (struct swgi_table){ .columns = columns, .columns_count = columns_count };
}

void swgi_table_add(struct swgi_table *table, enum swgi_tone tone, const char *text) {
    if (table->cells_count == table->cells_room) {
        table->cells_room = table->cells_room ? 2 * table->cells_room : 64;
        table->cells = realloc(table->cells, table->cells_room * sizeof(table->cells[0]));
    }
    char *copy = strdup(text);
    if (!table->cells || !copy)
        errx(EX_OSERR, "out of memory");
    table->cells[table->cells_count++] = (struct swgi_cell){ .text = copy, .tone = tone };
}

void swgi_table_deinit(struct swgi_table *table) {
    for (size_t i = 0; i < table->cells_count; i++)
        free(table->cells[i].text);
    free(table->cells);
}

#define COLUMNS_MAX 12
#define GAP         2
#define NAME_LEAST  12
#define CELL_MAX    1100

#define LAST_LEAST 8

/* How wide a column would be; 0: it is left out. */
static int width_wanted(const struct swgi_table *table, const struct swgi_screen *screen,
                        size_t i) {
    int widest = swgi_screen_columns(screen, table->columns[i].heading);
    for (size_t j = i; j < table->cells_count; j += table->columns_count) {
        int width = swgi_screen_columns(screen, table->cells[j].text);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static int sum_of(const struct swgi_table *table, const int *widths) {
    int sum = 0;
    for (size_t i = 0; i < table->columns_count; i++)
        if (widths[i] > 0)
            sum += widths[i] + (i > 0 ? GAP : 0);
    return sum;
}

/* Makes it as narrow as is wanted, if it may be that narrow; what is still too much. */
static int narrow(int *width, int least, int excess) {
    int by = *width - excess > least ? excess : *width - least;
    if (by <= 0)
        return excess;
    *width -= by;
    return excess - by;
}

/* The highest rank that is still there; false: none is. */
static bool leave_out(const struct swgi_table *table, int *widths) {
    size_t highest = 0;
    for (size_t i = 1; i < table->columns_count; i++)
        if (widths[i] > 0 && table->columns[i].rank > 0 &&
            (highest == 0 || table->columns[i].rank > table->columns[highest].rank))
            highest = i;
    widths[highest] = highest > 0 ? 0 : widths[0];
    return highest > 0;
}

static void measure(const struct swgi_table *table, const struct swgi_screen *screen,
                    int widths[COLUMNS_MAX]) {
    size_t last = table->columns_count - 1;
    for (size_t i = 0; i < table->columns_count; i++)
        widths[i] = width_wanted(table, screen, i);
    if (!screen->is_terminal)
        return;
    int whole = widths[0], excess;
    while ((excess = narrow(&widths[0], NAME_LEAST, sum_of(table, widths) - screen->width)) > 0 &&
           leave_out(table, widths))
        widths[0] = whole;
    if (last > 0 && widths[last] > 0 && !table->columns[last].to_right)
        narrow(&widths[last], LAST_LEAST, excess);
}

/* Cut in the middle: names differ at their ends as often as at their beginnings. */
static void clip(const struct swgi_screen *screen, const char *text, int width, char *out,
                 size_t out_size) {
    int length = (int)strlen(text);
    if (length <= width) {
        snprintf(out, out_size, "%s", text);
        return;
    }
    int head = (width - 1) / 2, tail = width - 1 - head;
    snprintf(out, out_size, "%.*s%s%s", head, text, swgi_screen_sign(screen, "…", "~"),
             text + length - tail);
}

/* Words are cut at their end, and never within a sign. */
static void cut(const struct swgi_screen *screen, const char *text, int width, char *out,
                size_t out_size) {
    int keep = width - 1;
    if (swgi_screen_columns(screen, text) <= width) {
        snprintf(out, out_size, "%s", text);
        return;
    }
    while (keep > 0 && ((unsigned char)text[keep] & 0xc0) == 0x80)
        keep--;
    snprintf(out, out_size, "%.*s%s", keep, text, swgi_screen_sign(screen, "…", "~"));
}

static void print_row(const struct swgi_table *table, const struct swgi_screen *screen,
                      const int *widths, const struct swgi_cell *row) {
    for (size_t i = 0; i < table->columns_count; i++) {
        char text[CELL_MAX];
        bool is_last = i + 1 == table->columns_count, to_right = table->columns[i].to_right;
        int padding = is_last && !to_right ? 0 : widths[i];

        if (widths[i] == 0 || (is_last && !row[i].text[0]))
            continue;
        blanks(screen, i > 0 ? GAP : 0);
        if (i == 0)
            clip(screen, row[i].text, widths[i], text, sizeof(text));
        else
            cut(screen, row[i].text, widths[i], text, sizeof(text));
        swgi_screen_put(screen, row[i].tone, to_right ? -padding : padding, text);
    }
    fputc('\n', screen->out);
}

void swgi_table_print(const struct swgi_table *table, const struct swgi_screen *screen,
                      bool headings) {
    int widths[COLUMNS_MAX] = { 0 };
    measure(table, screen, widths);
    if (headings) {
        struct swgi_cell row[COLUMNS_MAX];
        for (size_t i = 0; i < table->columns_count; i++) {
            row[i] = (struct swgi_cell){ .text = (char *)(uintptr_t)table->columns[i].heading,
                                         .tone = SWGI_FAINT };
        }
        print_row(table, screen, widths, row);
    }
    for (size_t i = 0; i < table->cells_count; i += table->columns_count)
        print_row(table, screen, widths, &table->cells[i]);
}
