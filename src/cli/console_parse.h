/*
 * A line of the console, taken apart: a command as the shell would have had it, or one of the calls
 *     breaker.statusAll()   breaker.status('x')   breaker.isTripped('x')
 *     breaker.reset('x', 'why', true)   breaker.trip('x', 'why')
 *     breaker.callApi('x', 'URL' or '!command', 'operation', load)
 * whose arguments are texts in quotes, numbers, true and false. A call becomes the command it stands for. Pure.
 */
#ifndef SWGI_CLI_CONSOLE_PARSE_H
#define SWGI_CLI_CONSOLE_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#define SWGI_LINE_MAX       4096u /* bytes, with the NUL */
#define SWGI_LINE_WORDS_MAX 64

enum swgi_line_kind {
    SWGI_LINE_NOTHING, /* blank, or a comment */
    SWGI_LINE_COMMAND, /* argv */
    SWGI_LINE_HELP,    /* of the console itself */
    SWGI_LINE_LEAVE    /* exit, quit: argv[1], if there is one, is the status */
};

struct swgi_line {
    int kind;
    int argc;
    char *argv[SWGI_LINE_WORDS_MAX + 1]; /* ends with NULL; points into text */
    bool is_question;                    /* breaker.isTripped(): the answer is true or false */
    char text[2 * SWGI_LINE_MAX];
    size_t used;
};

struct swgi_line_error {
    size_t column; /* of characters, from 1 */
    char text[160];
};

/* 0, or -EINVAL: *error says where and what is wanted there. line may be of any length and any bytes. */
int swgi_line_parse(const char *line, struct swgi_line *out, struct swgi_line_error *error);

/* The calls, for completion and help: NULL at the end. shape: "breaker.reset('x', 'why', true)" */
const char *swgi_line_call(size_t index, const char **shape, const char **what);

#endif
