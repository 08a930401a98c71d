/* What Tab can mean in a line of the console. Pure but for the names it is given. */
#ifndef SWGI_CLI_CONSOLE_COMPLETE_H
#define SWGI_CLI_CONSOLE_COMPLETE_H

#include <stddef.h>

/* Calls offer with every circuit's name (and alias). */
typedef void swgi_names_fn(void *arg, void (*offer)(void *to, const char *name), void *to);

struct swgi_completion {
    size_t from; /* where in the line the word begins that is being completed */
    char **words;
    size_t count; /* sorted, none twice */
};

/* The line up to the cursor. -ENOMEM. */
int swgi_console_complete(const char *line, swgi_names_fn *names, void *arg,
                          struct swgi_completion *out);
/* How many bytes all words have in common. */
size_t swgi_completion_common(const struct swgi_completion *completion);
void swgi_completion_deinit(struct swgi_completion *completion);

#endif
