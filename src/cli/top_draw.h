/* The screen of `top`, by ncurses. */
#ifndef SWGI_CLI_TOP_DRAW_H
#define SWGI_CLI_TOP_DRAW_H

#include "cli/top_view.h"

/* After initscr() or its like: the colours, where the screen has any. */
void swgi_draw_init(const struct swgi_screen *screen);
/* Everything, at the size the terminal has now. Tells the view how much fits. */
void swgi_draw(struct swgi_view *view);

#endif
