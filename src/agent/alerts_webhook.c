/* Any webhook: JSON of the operator's own making, filled in; or all that is known. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/alerts_body.h"
#include "base/error.h"

struct swgi_template {
    size_t size; /* of text, with its NUL */
    char text[]; /* as it was written; every {{name}} in it is known */
};

/* A text that grows; failed: out of memory. */
struct text {
    char *bytes;
    size_t length, room;
    bool failed;
};

static void append(struct text *text, const char *bytes, size_t length) {
    if (text->bytes == NULL || text->length + length + 1 > text->room) {
        size_t room = (text->length + length + 1) * 2;
        char *more = realloc(text->bytes, room);

        text->failed |= more == NULL;
        if (more == NULL)
            return;
        text->bytes = more;
        text->room = room;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

/* A value as JSON writes it, a string without its quotes: these are the template's. */
static void append_value(struct text *text, const json_t *value) {
    char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    bool is_string = json_is_string(value);

    text->failed |= dump == NULL;
    if (dump != NULL)
        append(text, dump + is_string, strlen(dump) - 2 * (size_t)is_string);
    free(dump);
}

/* The name between {{ and }}, without blanks. NULL: there is no end; *after is behind it. */
static const char *name_at(const char *open, size_t *length, const char **after) {
    const char *begin = open + 2 + strspn(open + 2, " "), *end = strstr(begin, "}}");

    if (end == NULL)
        return NULL;
    *after = end + 2;
    while (end > begin && end[-1] == ' ')
        end--;
    *length = (size_t)(end - begin);
    return begin;
}

static const json_t *value_named(const json_t *values, const char *name, size_t length) {
    char word[64];

    if (length >= sizeof(word))
        return NULL;
    memcpy(word, name, length);
    word[length] = '\0';
    return json_object_get(values, word);
}

/* NULL, or where the first {{name}} stands that is none. */
static const char *fill(struct text *text, const char *form, const json_t *values) {
    for (;;) {
        const char *open = strstr(form, "{{"), *name;
        size_t length = 0;
        const json_t *value;

        append(text, form, open != NULL ? (size_t)(open - form) : strlen(form));
        if (open == NULL)
            return NULL;
        name = name_at(open, &length, &form);
        value = name != NULL ? value_named(values, name, length) : NULL;
        if (value == NULL)
            return open;
        append_value(text, value);
    }
}

static int fail_at(struct swg_error *error, const char *text, const char *at, const char *what) {
    int line = 1, column = 1;

    for (; text < at; text++) {
        column = *text == '\n' ? 1 : column + 1;
        line += *text == '\n';
    }
    swgi_fail(error, -EINVAL, "template", "line %d, column %d: %s", line, column, what);
    if (error != NULL) {
        error->line = line;
        error->column = column;
    }
    return -EINVAL;
}

static const char names[] =
    "a name in {{}} is one of alert, kind, status, severity, circuit, state, summary, reason, "
    "value, "
    "failure_rate, since, ended, sample, group, owner, runbook, source, key";

/* Filled with nothing in particular, is it JSON? Its lines are the form's: no value has one. */
static int check(const char *form, struct swg_error *error) {
    struct swgi_notice empty = { .firing = true };
    json_t *values = swgi_notice_json(&empty, ""), *object = NULL;
    struct text text = { 0 };
    json_error_t wrong;
    const char *unknown = fill(&text, form, values);
    int rc = 0;

    if (unknown != NULL)
        rc = fail_at(error, form, unknown, names);
    else if (text.failed || values == NULL)
        rc = swgi_fail(error, -ENOMEM, "template", "out of memory");
    else if ((object = json_loads(text.bytes, JSON_REJECT_DUPLICATES, &wrong)) == NULL)
        rc = swgi_fail(error, -EINVAL, "template", "filled in, it is no JSON: line %d: %.160s",
                       wrong.line, wrong.text);
    json_decref(values);
    json_decref(object);
    free(text.bytes);
    return rc;
}

int swgi_template_new(struct swgi_template **out, const char *text, struct swg_error *error) {
    size_t size = strlen(text) + 1;
    struct swgi_template *form;
    int rc = check(text, error);

    if (rc != 0)
        return rc;
    form = malloc(sizeof(*form) + size);
    if (form == NULL)
        return swgi_fail(error, -ENOMEM, "template", "out of memory");
    form->size = size;
    memcpy(form->text, text, size);
    *out = form;
    return 0;
}

struct swgi_template *swgi_template_free(struct swgi_template *form) {
    free(form);
    return NULL;
}

char *swgi_webhook_body(const struct swgi_body *body) {
    json_t *values = swgi_notice_json(body->notices[0], body->source);
    struct text text = { 0 };

    if (body->form == NULL || values == NULL)
        return swgi_body_text(values);
    fill(&text, body->form->text, values);
    json_decref(values);
    if (!text.failed)
        return text.bytes;
    free(text.bytes);
    return NULL;
}
