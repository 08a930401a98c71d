/* How `top` and the plain table look at a panel: attached as a reader, followed when it is replaced, waited for when it is gone. */
#ifndef SWGI_CLI_TOP_LOOK_H
#define SWGI_CLI_TOP_LOOK_H

#include <sys/types.h>

#include "cli/options.h"
#include "cli/top_ask.h"
#include "cli/top_rows.h"

struct swgi_watch {
    const struct swgi_options *options;
    struct swg_panel *panel; /* NULL: it is gone */
    dev_t device;
    ino_t inode;       /* which file that is */
    int64_t made;      /* when, ms since 1970 */
    bool was_replaced; /* since somebody last cleared this */
    char fault[256];   /* why it cannot be read; "" */
};

/* Attaches for the first time. 0, or the exit status after saying why not. */
int swgi_watch_open(struct swgi_watch *watch, const struct swgi_options *options);
void swgi_watch_close(struct swgi_watch *watch);
/* Look at every circuit. false: it could not be read; rows stay as they are, and fault says why. */
bool swgi_watch_look(struct swgi_watch *watch, struct swgi_top_rows *rows);
/* Everything about one circuit, as of the last look. false: there is none of that name any more. */
bool swgi_watch_circuit(const struct swgi_watch *watch, const char *name, struct swg_why *out);
/* The page of `why`, as it would be printed on that screen. A new text, or NULL and fault. */
char *swgi_watch_why(struct swgi_watch *watch, const struct swgi_screen *screen, const char *name);
/* Do what was asked for. 0 or -errno; out says in one line what came of it. */
int swgi_watch_act(const struct swgi_watch *watch, const struct swgi_ask *ask, bool force,
                   char *out, size_t out_size);
/* `top --once`, and where there is no terminal: look twice, print one table. */
int swgi_top_print(const struct swgi_options *options);

#endif
