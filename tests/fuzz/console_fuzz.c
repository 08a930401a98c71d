/*
 * A line of the console, whatever was typed or piped: it is understood whole and says the same again when it is written down, or it
 * is refused with a place in the line. What Tab offers goes on where the line ends.
 */
#include "fuzz.h"

#include <errno.h>

#include "cli/console_complete.h"
#include "cli/console_parse.h"

static void require_shown(const char *text) {
    for (; *text; text++)
        REQUIRE((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static size_t characters(const char *text) {
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void require_whole(const struct swgi_line *line) {
    REQUIRE(line->argc >= 0 && line->argc <= SWGI_LINE_WORDS_MAX);
    REQUIRE(line->argv[line->argc] == NULL);
    REQUIRE(line->used <= sizeof(line->text));
    for (int i = 0; i < line->argc; i++) {
        REQUIRE(line->argv[i] >= line->text && line->argv[i] < line->text + line->used);
        REQUIRE(memchr(line->argv[i], '\0', (size_t)(line->text + line->used - line->argv[i])));
    }
    REQUIRE(line->kind != SWGI_LINE_COMMAND || line->argc > 0);
}

/* The words in double quotes, which take all but line ends; false: it would be too long to be a line. */
static bool write_down(const struct swgi_line *line, char *out, size_t size) {
    size_t used = 0;
    for (int i = 0; i < line->argc; i++) {
        if (used + 4 >= size)
            return false;
        out[used++] = '"';
        for (const char *at = line->argv[i]; *at; at++) {
            if (used + 6 >= size || *at == '\n')
                return false;
            if (*at == '"' || *at == '\\')
                out[used++] = '\\';
            out[used++] = *at;
        }
        out[used++] = '"';
        out[used++] = ' ';
    }
    out[used] = '\0';
    return true;
}

static void try_again(const struct swgi_line *line) {
    static struct swgi_line again;
    static char text[SWGI_LINE_MAX];
    struct swgi_line_error error;
    if (line->argc == 0 || !write_down(line, text, sizeof(text)))
        return;
    REQUIRE(swgi_line_parse(text, &again, &error) == 0);
    /* A first word "switchgear" is left out, once. */
    if (again.argc != line->argc) {
        REQUIRE(strcmp(line->argv[0], "switchgear") == 0 && again.argc == line->argc - 1);
        return;
    }
    for (int i = 0; i < line->argc; i++)
        REQUIRE(strcmp(again.argv[i], line->argv[i]) == 0);
}

static void try_parse(const char *text) {
    static struct swgi_line line;
    struct swgi_line_error error = { 0 };
    int rc = swgi_line_parse(text, &line, &error);
    if (rc == 0) {
        require_whole(&line);
        try_again(&line);
        return;
    }
    REQUIRE(rc == -EINVAL);
    REQUIRE_TEXT(error.text);
    REQUIRE(error.text[0] != '\0');
    REQUIRE(error.column >= 1 && error.column <= characters(text) + 1);
    if (strstr(error.text, "'") ==
        NULL) /* else it quotes the line, and whoever says it cleans it */
        require_shown(error.text);
}

static void names(void *arg, void (*offer)(void *to, const char *name), void *to) {
    (void)arg;
    offer(to, "payments");
    offer(to, "db-read");
    offer(to, "db-write");
    offer(to, "-dash");
    offer(to, "");
}

static void try_complete(const char *text) {
    struct swgi_completion completion;
    REQUIRE(swgi_console_complete(text, names, NULL, &completion) == 0);
    REQUIRE(completion.from <= strlen(text));
    for (size_t i = 0; i < completion.count; i++) {
        const char *typed = text + completion.from;
        REQUIRE(strncmp(completion.words[i], typed, strlen(typed)) == 0);
        REQUIRE(i == 0 || strcmp(completion.words[i - 1], completion.words[i]) < 0);
    }
    if (completion.count > 0)
        REQUIRE(swgi_completion_common(&completion) >= strlen(text + completion.from));
    swgi_completion_deinit(&completion);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct input input = { bytes, bytes + size };
    char *text = take_text(&input, '\0');
    try_parse(text);
    try_complete(text);
    free(text);
    return 0;
}

static const char *const seeds[] = {
    "breaker.statusAll()",
    "breaker.status('payments')",
    "breaker.reset('payments', 'API team cleared incident', true);",
    "breaker.trip(\"payments\", 'it\\'s \\\"down\\\" \\\\ \\n\\t\\u00fc')",
    "breaker.isTripped('x')",
    "breaker.callApi('x', '!ls -l', 'deep_probe', 50)",
    "breaker.callApi('x', 'https://a/', 7)",
    "trip payments --reason 'a b' --for 15m",
    "exec payments -- sh -c \"echo \\\"a\\\" 'b'\"",
    "switchgear why payments --json",
    "# a comment",
    "exit 3",
    "why pay",
    "status --pan",
    "breaker.trip('pa",
    "breaker.",
    "help set",
    "a\\ b'c'\"d\"",
};

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *folder = seeds_folder(*argc, *argv);
    unsigned count = sizeof(seeds) / sizeof(seeds[0]);
    for (unsigned i = 0; folder != NULL && i < count; i++)
        write_seed(folder, i, seeds[i], strlen(seeds[i]));
    if (folder != NULL)
        exit(0);
    return 0;
}
