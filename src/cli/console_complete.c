/* Commands and options come from the tables that parse them, so that what is offered is always understood. */
#include "cli/console_complete.h"

#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/console_parse.h"
#include "cli/help.h"

struct offering {
    struct swgi_completion *out;
    const char *word; /* what is there of it */
    const char *end;  /* added to every name: a quote */
    size_t room;
    int rc;
};

static void offer(void *to, const char *candidate) {
    struct offering *offering = to;
    struct swgi_completion *out = offering->out;
    char *text = NULL;

    if (offering->rc || strncmp(candidate, offering->word, strlen(offering->word)) != 0)
        return;
    if (out->count == offering->room) {
        size_t room = offering->room ? 2 * offering->room : 32;
        char **more = reallocarray(out->words, room, sizeof(char *));

        if (more) {
            out->words = more;
            offering->room = room;
        }
    }
    if (out->count == offering->room ||
        asprintf(&text, "%s%s", candidate, offering->end ? offering->end : "") < 0)
        offering->rc = -ENOMEM;
    else
        out->words[out->count++] = text;
}

static void offer_commands(struct offering *offering) {
    size_t count;
    const struct swgi_command *commands = swgi_commands(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(commands[i].name, "console") != 0)
            offer(offering, commands[i].name);
}

static void offer_first_words(struct offering *offering) {
    offer_commands(offering);
    offer(offering, "help");
    offer(offering, "exit");
    offer(offering, "quit");
    offer(offering, "breaker.");
}

static void offer_options(struct offering *offering, const struct swgi_command *command) {
    struct argp_option list[SWGI_OPTIONS_MAX];

    swgi_options_collect(command->takes, list);
    for (size_t i = 0; list[i].name || list[i].doc; i++) {
        char text[64];

        if (!list[i].name || (list[i].flags & OPTION_HIDDEN))
            continue;
        snprintf(text, sizeof(text), "--%s%s", list[i].name, list[i].arg ? "=" : "");
        offer(offering, text);
    }
}

/* Does that word ("--reason", "-r") want the next one as its value? */
static bool takes_value(const struct swgi_command *command, const char *word) {
    struct argp_option list[SWGI_OPTIONS_MAX];

    if (word[0] != '-' || strchr(word, '='))
        return false;
    swgi_options_collect(command->takes, list);
    for (size_t i = 0; list[i].name || list[i].doc; i++) {
        bool is_long = list[i].name && word[1] == '-' && strcmp(list[i].name, word + 2) == 0;

        if (list[i].arg && (is_long || (word[1] == list[i].key && !word[2])))
            return true;
    }
    return false;
}

/* Where names of circuits can stand: not where somebody else's command line does, nor a URL. */
static bool wants_name(const struct swgi_command *command, const struct swgi_line *line) {
    int names = 0;

    for (int i = 1; i < line->argc; i++) {
        bool is_value = i > 1 && takes_value(command, line->argv[i - 1]);

        names += line->argv[i][0] != '-' && !is_value;
    }
    if (command->most == (size_t)-1 && !(command->takes & SWGI_TAKES_REST))
        return true;
    return command->most > 0 && names == 0;
}

static void offer_next(struct offering *offering, const struct swgi_line *line,
                       swgi_names_fn *names, void *arg) {
    const struct swgi_command *command = swgi_command_find(line->argv[0]);

    if (strcmp(line->argv[0], "help") == 0) {
        offer_commands(offering);
        offer(offering, "settings");
    } else if (command && offering->word[0] == '-') {
        offer_options(offering, command);
    } else if (command && !(line->argc > 1 && takes_value(command, line->argv[line->argc - 1])) &&
               wants_name(command, line)) {
        names(arg, offer, offering);
    }
}

/* "breaker.re" and "breaker.reset('pay": the call, or the name in it. */
static void offer_calls(struct offering *offering, const char *line, size_t begin,
                        swgi_names_fn *names, void *arg) {
    const char *parenthesis = strchr(line, '('), *shape, *what;
    char quote[2] = "";

    if (parenthesis) {
        const char *at = parenthesis + 1 + strspn(parenthesis + 1, " \t");

        if ((*at != '\'' && *at != '"') || strchr(at + 1, *at))
            return;
        quote[0] = *at;
        offering->out->from = (size_t)(at + 1 - line);
        offering->word = at + 1;
        offering->end = quote;
        names(arg, offer, offering);
        return;
    }
    offering->out->from = begin;
    offering->word = line + begin;
    for (size_t i = 0; swgi_line_call(i, &shape, &what); i++) {
        char text[64];

        snprintf(text, sizeof(text), "%.*s%s", (int)(strchr(shape, '(') + 1 - shape), shape,
                 strchr(shape, '(')[1] == ')' ? ")" : "'");
        offer(offering, text);
    }
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void tidy(struct swgi_completion *out) {
    size_t kept = 0;

    if (out->count == 0)
        return;
    qsort(out->words, out->count, sizeof(char *), by_text);
    for (size_t i = 1; i < out->count; i++) {
        if (strcmp(out->words[kept], out->words[i]) == 0)
            free(out->words[i]);
        else
            out->words[++kept] = out->words[i];
    }
    out->count = kept + 1;
}

/* The words before the one being completed, or nothing where they cannot be told apart yet. */
static bool read_before(const char *line, size_t from, struct swgi_line *out) {
    struct swgi_line_error error;
    char before[SWGI_LINE_MAX];

    if (from >= sizeof(before))
        return false;
    memcpy(before, line, from);
    before[from] = '\0';
    return swgi_line_parse(before, out, &error) == 0;
}

int swgi_console_complete(const char *line, swgi_names_fn *names, void *arg,
                          struct swgi_completion *out) {
    size_t begin = strspn(line, " \t"), from = strlen(line);
    struct offering offering = { .out = out };
    struct swgi_line before;

    while (from > begin && line[from - 1] != ' ' && line[from - 1] != '\t')
        from--;
    *out = (struct swgi_completion){ .from = from };
    offering.word = line + from;
    if (strncmp(line + begin, "breaker.", 8) == 0)
        offer_calls(&offering, line, begin, names, arg);
    else if (from == begin)
        offer_first_words(&offering);
    else if (read_before(line, from, &before) && before.argc > 0)
        offer_next(&offering, &before, names, arg);
    tidy(out);
    if (offering.rc)
        swgi_completion_deinit(out);
    return offering.rc;
}

size_t swgi_completion_common(const struct swgi_completion *completion) {
    size_t common = completion->count > 0 ? strlen(completion->words[0]) : 0;

    for (size_t i = 1; i < completion->count; i++) {
        size_t same = 0;

        while (same < common && completion->words[i][same] == completion->words[0][same])
            same++;
        common = same;
    }
    return common;
}

void swgi_completion_deinit(struct swgi_completion *completion) {
    for (size_t i = 0; i < completion->count; i++)
        free(completion->words[i]);
    free(completion->words);
    *completion = (struct swgi_completion){ 0 };
}
