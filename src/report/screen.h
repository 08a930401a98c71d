/* Where people read: colour, width, tables. What to say is decided elsewhere. */
#ifndef SWGI_REPORT_SCREEN_H
#define SWGI_REPORT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum swgi_tone { SWGI_PLAIN, SWGI_GOOD, SWGI_BAD, SWGI_WARN, SWGI_ODD, SWGI_FAINT, SWGI_STRONG };

struct swgi_screen {
    FILE *out;
    bool color;
    bool utf8;
    bool is_terminal;
    int width; /* columns; 80 where nobody says */
};

/* Colour obeys --no-color, NO_COLOR, TERM=dumb and whether it is a terminal at all. */
void swgi_screen_init(struct swgi_screen *screen, FILE *out, bool no_color);
/* Text in a tone, padded with blanks to `columns` (0: not; negative: to the left of the text). */
void swgi_screen_put(const struct swgi_screen *screen, enum swgi_tone tone, int columns,
                     const char *text);
void swgi_screen_printf(const struct swgi_screen *screen, enum swgi_tone tone, const char *format,
                        ...) __attribute__((format(printf, 3, 4)));
/* Words, broken at the screen's width, each further line indented. `column` is where the text begins. */
void swgi_screen_wrap(const struct swgi_screen *screen, enum swgi_tone tone, int column, int indent,
                      const char *text);
/* A bar of `columns` cells, `share` (0..1) of it filled. */
void swgi_screen_bar(const struct swgi_screen *screen, enum swgi_tone tone, double share,
                     int columns);
/* Columns that text takes on this screen. */
int swgi_screen_columns(const struct swgi_screen *screen, const char *text);
/* The sign if the terminal can show it, else its ASCII stand-in. */
const char *swgi_screen_sign(const struct swgi_screen *screen, const char *sign, const char *ascii);

struct swgi_column {
    const char *heading;
    bool to_right; /* numbers */
    unsigned
        rank; /* on a terminal without room for all, the highest are left out first; 0: none is without it */
};

struct swgi_cell {
    char *text;
    enum swgi_tone tone;
};

/* A table that gives way to a terminal: first its first column, then ranks of columns, then its last one, if that is of words. */
struct swgi_table {
    const struct swgi_column *columns;
    size_t columns_count;
    struct swgi_cell *cells;
    size_t cells_count, cells_room;
};

void swgi_table_init(struct swgi_table *table, const struct swgi_column *columns,
                     size_t columns_count);
/* Cells come row by row. Copies the text. */
void swgi_table_add(struct swgi_table *table, enum swgi_tone tone, const char *text);
void swgi_table_print(const struct swgi_table *table, const struct swgi_screen *screen,
                      bool headings);
void swgi_table_deinit(struct swgi_table *table);

#endif
