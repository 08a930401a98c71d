/* Strict, for what is typed here opens and closes circuits: whatever is not understood whole is not done in part. */
#include "cli/console_parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/text.h"

struct reader {
    const char *line, *at;
    struct swgi_line *out;
    struct swgi_line_error *error;
};

/* Wrong at a place of the line. */
static int __attribute__((format(printf, 3, 4)))
wrong(const struct reader *reader, const char *at, const char *format, ...) {
    va_list arguments;

    reader->error->column = 1;
    for (const char *c = reader->line; c < at; c++)
        reader->error->column += ((unsigned char)*c & 0xc0) != 0x80;
    va_start(arguments, format);
    vsnprintf(reader->error->text, sizeof(reader->error->text), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static void skip_blanks(struct reader *reader) {
    reader->at += strspn(reader->at, " \t");
}

/* ---- words */

static int put(struct reader *reader, char byte) {
    struct swgi_line *out = reader->out;

    if (out->used + 1 >= sizeof(out->text))
        return wrong(reader, reader->at, "the line is too long");
    out->text[out->used++] = byte;
    return 0;
}

static int begin_word(struct reader *reader) {
    struct swgi_line *out = reader->out;

    if (out->argc == SWGI_LINE_WORDS_MAX)
        return wrong(reader, reader->at, "more than %d words", SWGI_LINE_WORDS_MAX);
    out->argv[out->argc++] = out->text + out->used;
    return 0;
}

static int add_word(struct reader *reader, const char *word) {
    int rc = begin_word(reader);

    for (; rc == 0 && *word; word++)
        rc = put(reader, *word);
    return rc ? rc : put(reader, '\0');
}

/* The rest of a quoted part, after the quote. Only between double quotes does a backslash mean anything. */
static int read_quoted(struct reader *reader, char quote) {
    const char *start = reader->at - 1;
    int rc = 0;

    while (rc == 0 && *reader->at && *reader->at != quote) {
        if (quote == '"' && *reader->at == '\\' && (reader->at[1] == '"' || reader->at[1] == '\\'))
            reader->at++;
        rc = put(reader, *reader->at);
        reader->at++;
    }
    if (rc == 0 && !*reader->at)
        return wrong(reader, start, "this quote is never closed");
    reader->at += rc == 0;
    return rc;
}

static int read_word(struct reader *reader) {
    int rc = begin_word(reader);

    while (rc == 0 && *reader->at && !strchr(" \t", *reader->at)) {
        char byte = *reader->at++;

        if (byte == '\'' || byte == '"')
            rc = read_quoted(reader, byte);
        else if (byte == '\\' && !*reader->at)
            rc = wrong(reader, reader->at - 1, "nothing follows this backslash");
        else if (byte == '\\')
            rc = put(reader, *reader->at++);
        else
            rc = put(reader, byte);
    }
    return rc ? rc : put(reader, '\0');
}

static int read_words(struct reader *reader) {
    int rc = 0;

    for (skip_blanks(reader); rc == 0 && *reader->at; skip_blanks(reader))
        rc = read_word(reader);
    return rc;
}

/* ---- calls */

enum type { TEXT = 1, NUMBER = 2, BOOLEAN = 4 };

struct value {
    int type;
    const char *at; /* where it stands in the line */
    char text[1024];
    uint64_t number; /* of a boolean, too */
};

#define ARGUMENTS_MAX 4

struct call {
    const char *name, *shape, *what;
    int least, most;
    int types[ARGUMENTS_MAX];
    int (*build)(struct reader *reader, const struct value *values, int count);
};

static int put_utf8(struct value *value, size_t *used, unsigned code) {
    char bytes[4];
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;

    if (length == 1)
        bytes[0] = (char)code;
    else if (length == 2)
        bytes[0] = (char)(0xc0 | code >> 6);
    else
        bytes[0] = (char)(0xe0 | code >> 12);
    if (length == 3)
        bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
    if (length > 1)
        bytes[length - 1] = (char)(0x80 | (code & 0x3f));
    if (*used + length >= sizeof(value->text))
        return -ENOSPC;
    memcpy(value->text + *used, bytes, length);
    *used += length;
    return 0;
}

/* Four digits after \u; 0: they are none, or stand for no character of their own. */
static unsigned read_code(const char *at) {
    unsigned code = 0;

    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *digit = at[i] ? strchr(digits, at[i]) : NULL;

        if (!digit)
            return 0;
        code = code << 4 | (unsigned)(digit - digits < 16 ? digit - digits : digit - digits - 6);
    }
    return code >= 0xd800 && code <= 0xdfff ? 0 : code;
}

/* After a backslash. */
static int read_escape(struct reader *reader, unsigned *code) {
    static const char from[] = "'\"\\nt", to[] = "'\"\\\n\t";
    const char *found = *reader->at ? strchr(from, *reader->at) : NULL;

    if (found) {
        *code = (unsigned char)to[found - from];
        reader->at++;
        return 0;
    }
    *code = *reader->at == 'u' ? read_code(reader->at + 1) : 0;
    if (*code == 0)
        return wrong(reader, reader->at - 1,
                     "after a backslash: ' \" \\ n t, or u and four digits of a character");
    reader->at += 5;
    return 0;
}

static int read_text(struct reader *reader, struct value *value) {
    char quote = *reader->at++;
    size_t used = 0;
    int rc = 0;

    value->type = TEXT;
    while (rc == 0 && *reader->at && *reader->at != quote) {
        unsigned code;

        if (*reader->at != '\\') {
            if (used + 1 >= sizeof(value->text))
                rc = -ENOSPC;
            else
                value->text[used++] = *reader->at++;
            continue;
        }
        reader->at++;
        rc = read_escape(reader, &code);
        if (rc == 0)
            rc = put_utf8(value, &used, code);
    }
    if (rc == -ENOSPC)
        return wrong(reader, value->at, "this text is longer than %zu bytes",
                     sizeof(value->text) - 1);
    if (rc == 0 && !*reader->at)
        return wrong(reader, value->at, "this quote is never closed");
    value->text[used] = '\0';
    reader->at += rc == 0;
    return rc;
}

static size_t word_length(const char *at) {
    return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$-+");
}

/* A number or a boolean. */
static int read_plain(struct reader *reader, struct value *value) {
    size_t length = word_length(reader->at);

    if (length == 0 || length >= sizeof(value->text))
        return wrong(reader, reader->at, "a text in quotes, a number, true or false belongs here");
    memcpy(value->text, reader->at, length);
    value->text[length] = '\0';
    reader->at += length;
    value->type = BOOLEAN;
    value->number = strcmp(value->text, "true") == 0;
    if (value->number || strcmp(value->text, "false") == 0)
        return 0;
    value->type = NUMBER;
    if (swgi_integer_parse(value->text, &value->number) == 0 && value->number <= UINT32_MAX)
        return 0;
    if (value->text[0] >= '0' && value->text[0] <= '9')
        return wrong(reader, value->at, "not a whole number from 0 to %u", UINT32_MAX);
    return wrong(reader, value->at, "texts stand in quotes: '%.40s'", value->text);
}

static const char *type_words(int types) {
    return types == TEXT      ? "a text in quotes"
           : types == NUMBER  ? "a number"
           : types == BOOLEAN ? "true or false"
                              : "a text in quotes or a number";
}

static int read_value(struct reader *reader, const struct call *call, int index,
                      struct value *value) {
    int rc;

    skip_blanks(reader);
    if (index >= call->most)
        return wrong(reader, reader->at, "too many: %s", call->shape);
    value->at = reader->at;
    rc = *reader->at == '\'' || *reader->at == '"' ? read_text(reader, value)
                                                   : read_plain(reader, value);
    if (rc == 0 && !(value->type & call->types[index]))
        return wrong(reader, value->at, "%s belongs here: %s", type_words(call->types[index]),
                     call->shape);
    return rc;
}

/* From after the parenthesis to the one that closes it. */
static int read_values(struct reader *reader, const struct call *call, struct value *values,
                       int *count) {
    int rc = 0;

    *count = 0;
    skip_blanks(reader);
    while (rc == 0 && *reader->at != ')') {
        if (!*reader->at && *count < call->least)
            break;
        if (*count > 0 && *reader->at != ',')
            return wrong(reader, reader->at, "a comma or ')' belongs here");
        reader->at += *count > 0;
        rc = read_value(reader, call, *count, &values[*count]);
        *count += rc == 0;
        skip_blanks(reader);
    }
    if (rc == 0 && *count < call->least)
        return wrong(reader, reader->at, "missing: %s", call->shape);
    reader->at += rc == 0;
    return rc;
}

/* ---- what each call stands for. A name that begins with '-' is still a name: "--" goes before it. */

static int build_all(struct reader *reader, const struct value *values, int count) {
    (void)values, (void)count;
    return add_word(reader, "status");
}

static int add_all(struct reader *reader, const char *const *words) {
    int rc = 0;

    for (; rc == 0 && *words; words++)
        rc = add_word(reader, *words);
    return rc;
}
#define ADD(reader, ...) add_all(reader, (const char *const[]){ __VA_ARGS__, NULL })

static int build_status(struct reader *reader, const struct value *values, int count) {
    (void)count;
    return ADD(reader, "status", "--", values[0].text);
}

static int build_is_tripped(struct reader *reader, const struct value *values, int count) {
    (void)count;
    reader->out->is_question = true;
    return ADD(reader, "is-tripped", "--", values[0].text);
}

/* In one word, whatever it begins with. */
static int add_option(struct reader *reader, const char *option, const char *value) {
    char word[sizeof(((struct value *)0)->text) + 32];

    snprintf(word, sizeof(word), "--%s=%s", option, value);
    return add_word(reader, word);
}

static int build_reset(struct reader *reader, const struct value *values, int count) {
    int rc = add_word(reader, "reset");

    if (rc == 0 && count > 1 && values[1].text[0])
        rc = add_option(reader, "reason", values[1].text);
    if (rc == 0 && count > 2 && values[2].number)
        rc = add_word(reader, "--force");
    return rc ? rc : ADD(reader, "--", values[0].text);
}

static int build_trip(struct reader *reader, const struct value *values, int count) {
    int rc = add_word(reader, "trip");

    (void)count;
    if (!values[1].text[0])
        return wrong(reader, values[1].at, "a trip needs a reason, for those who come after");
    if (rc == 0)
        rc = add_option(reader, "reason", values[1].text);
    return rc ? rc : ADD(reader, "--", values[0].text);
}

/* Operations are numbers below; a word becomes always the same one. */
static int add_operation(struct reader *reader, const struct value *value) {
    uint64_t number = value->number;
    char text[SWGI_NUMBER_TEXT];

    if (value->type == TEXT &&
        (swgi_integer_parse(value->text, &number) != 0 || number > UINT32_MAX))
        number = swgi_crc32c(value->text, strlen(value->text));
    if (value->type == TEXT && !value->text[0])
        number = 0;
    swgi_integer_print(number, text, sizeof(text));
    return add_option(reader, "operation", text);
}

static int build_call(struct reader *reader, const struct value *values, int count) {
    bool is_command = values[1].text[0] == '!';
    int rc;

    if (!values[1].text[is_command ? 1 : 0])
        return wrong(reader, values[1].at, "a URL, or '!' and a command, belongs here");
    rc = add_word(reader, is_command ? "exec" : "call");
    if (rc == 0 && is_command)
        rc = add_word(reader, "--verbose"); /* a command may print nothing */
    if (rc == 0 && count > 2)
        rc = add_operation(reader, &values[2]);
    if (rc == 0 && count > 3)
        rc = add_option(reader, "load", values[3].text);
    if (rc)
        return rc;
    return is_command ? ADD(reader, "--", values[0].text, "sh", "-c", values[1].text + 1)
                      : ADD(reader, "--", values[0].text, values[1].text);
}

static const struct call calls[] = {
    { "statusAll", "breaker.statusAll()", "how all circuits are", 0, 0, { 0 }, build_all },
    { "status", "breaker.status('x')", "all about one", 1, 1, { TEXT }, build_status },
    { "reset",
      "breaker.reset('x', 'why', true)",
      "close it; the reason and true, to force, may be left out",
      1,
      3,
      { TEXT, TEXT, BOOLEAN },
      build_reset },
    { "trip", "breaker.trip('x', 'why')", "open it", 2, 2, { TEXT, TEXT }, build_trip },
    { "isTripped", "breaker.isTripped('x')", "true or false", 1, 1, { TEXT }, build_is_tripped },
    { "callApi",
      "breaker.callApi('x', 'URL', 'operation', load)",
      "fetch a URL under it, or run '!command'; the rest may be left out",
      2,
      4,
      { TEXT, TEXT, TEXT | NUMBER, NUMBER },
      build_call },
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

const char *swgi_line_call(size_t index, const char **shape, const char **what) {
    if (index >= CALLS)
        return NULL;
    *shape = calls[index].shape;
    *what = calls[index].what;
    return calls[index].name;
}

static const struct call *find_call(const char *name, size_t length) {
    for (size_t i = 0; i < CALLS; i++) {
        if (strlen(calls[i].name) == length && memcmp(calls[i].name, name, length) == 0)
            return &calls[i];
    }
    return NULL;
}

static int unknown_call(const struct reader *reader, const char *at, size_t length) {
    char name[64];
    struct swgi_nearest nearest = SWGI_NEAREST(name);

    snprintf(name, sizeof(name), "%.*s", (int)(length < 60 ? length : 60), at);
    for (size_t i = 0; i < CALLS; i++)
        swgi_nearest_offer(&nearest, calls[i].name);
    if (length == 0)
        return wrong(reader, at, "a name belongs here: statusAll, status, reset, trip, ...");
    if (nearest.name)
        return wrong(reader, at, "there is no breaker.%s(); did you mean %s?", name, nearest.name);
    return wrong(reader, at, "there is no breaker.%s(); 'help' lists what there is", name);
}

/* After "breaker". */
static int read_call(struct reader *reader) {
    struct value values[ARGUMENTS_MAX] = { { 0 } };
    const struct call *call;
    size_t length;
    int count, rc;

    skip_blanks(reader);
    reader->at++; /* the point that made it a call */
    skip_blanks(reader);
    length = strspn(reader->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    call = find_call(reader->at, length);
    if (!call)
        return unknown_call(reader, reader->at, length);
    reader->at += length;
    skip_blanks(reader);
    if (*reader->at != '(')
        return wrong(reader, reader->at, "'(' belongs here: %s", call->shape);
    reader->at++;
    rc = read_values(reader, call, values, &count);
    if (rc)
        return rc;
    skip_blanks(reader);
    reader->at += *reader->at == ';';
    skip_blanks(reader);
    if (*reader->at)
        return wrong(reader, reader->at, "nothing may follow the call");
    return call->build(reader, values, count);
}

/* "breaker" and a point: else it would be a command, and is none. */
static bool is_call(const char *at) {
    if (strncmp(at, "breaker", 7) != 0)
        return false;
    at += 7;
    return at[strspn(at, " \t")] == '.';
}

static void forget_first(struct swgi_line *out) {
    out->argc--;
    memmove(out->argv, out->argv + 1, (size_t)(out->argc + 1) * sizeof(out->argv[0]));
}

static int classify(struct reader *reader) {
    struct swgi_line *out = reader->out;

    /* Out of habit, or out of a runbook. */
    if (out->argc > 1 && strcmp(out->argv[0], "switchgear") == 0)
        forget_first(out);
    if (out->argc == 0)
        out->kind = SWGI_LINE_NOTHING;
    else if (strcmp(out->argv[0], "exit") == 0 || strcmp(out->argv[0], "quit") == 0)
        out->kind = SWGI_LINE_LEAVE;
    else if (out->argc == 1 && strcmp(out->argv[0], "help") == 0)
        out->kind = SWGI_LINE_HELP;
    else
        out->kind = SWGI_LINE_COMMAND;
    return 0;
}

/* Control characters have nothing to say here, and much to do in a terminal. */
static int check(struct reader *reader) {
    size_t length = strlen(reader->line);

    if (length >= SWGI_LINE_MAX)
        return wrong(reader, reader->line, "the line is longer than %u bytes", SWGI_LINE_MAX - 1);
    for (const char *at = reader->line; *at; at++)
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
            return wrong(reader, at, "a control character (%u)", (unsigned char)*at);
    return 0;
}

int swgi_line_parse(const char *line, struct swgi_line *out, struct swgi_line_error *error) {
    struct reader reader = { .line = line, .at = line, .out = out, .error = error };
    int rc;

    out->kind = SWGI_LINE_NOTHING;
    out->argc = 0;
    out->argv[0] = NULL;
    out->used = 0;
    out->is_question = false;
    rc = check(&reader);
    skip_blanks(&reader);
    if (rc == 0 && *reader.at == '#')
        return 0;
    if (rc == 0)
        rc = is_call(reader.at) ? (reader.at += 7, read_call(&reader)) : read_words(&reader);
    out->argv[out->argc] = NULL;
    return rc ? rc : classify(&reader);
}
