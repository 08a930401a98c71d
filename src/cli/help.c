/* Nobody reads a manual at three in the morning: every command explains itself, with lines to copy. argp lays it out. */
#include "cli/help.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "switchgear/switchgear.h"

static const char about[] = "Circuit breakers that all processes of a host share: look at them, "
                            "act on them, and run things under them.\v";

static const char after_commands[] =
    "\n"
    "Examples:\n"
    "  switchgear status                    how is everything?\n"
    "  switchgear why payments              what happened there?\n"
    "  switchgear trip payments --reason 'INC-4711' --for 15m\n"
    "  switchgear exec backup --timeout 10m -- rsync -a /srv/ vault:/srv/\n"
    "\n"
    "Exit status: 0 well, 1 not, 64 wrong usage, 65 damaged panel, 69 no such panel or circuit, 75 "
    "not now: try again "
    "later, 77 no permission, 78 settings refused.\n"
    "\n"
    "'switchgear help COMMAND' explains one; 'switchgear help settings' lists the keys of --set.";

/* The post-doc of the program's help: its table of commands. */
static char *list_commands(void) {
    size_t count, size;
    const struct swgi_command *commands = swgi_commands(&count);
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    fputs("Commands:\n", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-11s %s\n", commands[i].name, commands[i].brief);
    fputs("  help        this, or 'help COMMAND'\n", out);
    fputs(after_commands, out);
    fclose(out);
    return text;
}

static char *join(const char *head, const char *tail) {
    char *text = NULL;

    return head && tail && asprintf(&text, "%s%s", head, tail) >= 0 ? text : NULL;
}

static char *document(const struct swgi_command *command) {
    char *commands, *text;

    if (command)
        return strdup(command->help);
    commands = list_commands();
    text = join(about, commands);
    free(commands);
    return text;
}

void swgi_help_print(const struct swgi_command *command, const struct swgi_options *options) {
    struct argp_option list[SWGI_OPTIONS_MAX];
    struct argp argp = { .options = list };
    char title[64] = "switchgear";
    char *text = document(command);

    (void)options;
    /* A note on grammar that nobody needs, and that can be left out only so. */
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
    swgi_options_collect(command ? command->takes : 0, list);
    argp.doc = text;
    argp.args_doc = command ? command->arguments : "COMMAND [ARGUMENT...]";
    if (command)
        snprintf(title, sizeof(title), "switchgear %s", command->name);
    argp_help(&argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, title);
    free(text);
}

/* The first word of a key is its policy. In the order in which a call meets them. */
static const struct {
    const char *prefix, *title;
} parts[] = {
    { "preset", "To start from" },
    { "breaker", "Breaker: when it opens, for how long, and how it closes" },
    { "shed", "Shedding: heavy calls are turned away while the system is loaded" },
    { "limiter", "Limiter: so many calls in a time" },
    { "bulkhead", "Bulkhead: so many calls at once, and who waits" },
    { "adaptive", "Adaptive limit: the bulkhead finds out how many by itself" },
    { "timeout", "Timeouts" },
    { "retry", "Retries, and their budget" },
    { "cache", "Cache: answers that are served instead of a call" },
    { "fallback", "Fallbacks: what stands in for an answer" },
    { "features", "Features: what is off while the circuit recovers" },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static size_t part_of(const char *key) {
    size_t length = strcspn(key, "."), part = 0;

    while (part < PARTS &&
           (strncmp(key, parts[part].prefix, length) != 0 || parts[part].prefix[length] != '\0'))
        part++;
    return part;
}

/* A long choice is one word until it is taken apart. */
static void spread(const char *range, char *out, size_t out_size) {
    size_t used = 0;

    for (; *range && used + 4 < out_size; range++) {
        if (*range == '|')
            out[used++] = ' ';
        out[used++] = *range;
        if (*range == '|')
            out[used++] = ' ';
    }
    out[used] = '\0';
}

static void print_setting(const struct swgi_screen *screen, const char *key, const char *range,
                          const char *what) {
    int column = (int)strlen(key) + 2;
    char words[512];

    if (column + (int)strlen(range) > screen->width) {
        spread(range, words, sizeof(words));
        range = words;
    }
    swgi_screen_put(screen, SWGI_STRONG, 0, key);
    fputs("  ", stdout);
    swgi_screen_wrap(screen, SWGI_PLAIN, column, 4, range);
    fputs("    ", stdout);
    swgi_screen_wrap(screen, SWGI_FAINT, 4, 4, what);
}

static void print_part(const struct swgi_screen *screen, size_t part) {
    const char *key, *range, *what;
    bool is_first = true;

    for (uint32_t cursor = 0; swg_config_next_key(&cursor, &key, &range, &what) == 0;) {
        if (part_of(key) != part)
            continue;
        if (is_first)
            printf("\n%s\n\n", part < PARTS ? parts[part].title : "Others");
        print_setting(screen, key, range, what);
        is_first = false;
    }
}

void swgi_help_print_settings(const struct swgi_options *options) {
    fputs("Settings of a circuit, for --set KEY=VALUE of exec and call.\n", stdout);
    for (size_t part = 0; part <= PARTS; part++)
        print_part(&options->screen, part);
}

void swgi_help_print_short(FILE *out) {
    fputs("Usage: switchgear COMMAND [ARGUMENT...]\n"
          "'switchgear status' shows every circuit; 'switchgear help' lists the commands.\n",
          out);
}
