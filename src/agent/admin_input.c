/* What a request says, read: escapes, the query, bodies. Every byte of it comes from somebody else. */
#include "agent/admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct field {
    int body;
    const char *name;
    enum swgi_input_type type;
    bool required;
};

static const struct field fields[] = {
#define SWGI_FIELD(body, name, type, required, what) \
    { SWGI_BODY_##body, name, SWGI_INPUT_##type, required },
#include "tables/routes.h"
#undef SWGI_FIELD
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

enum { header, query };

static const struct {
    const char *id, *name;
    bool is_of_query;
} parameters[] = {
#define SWGI_PARAMETER(id, name, in, type, what) { #id, name, in == query },
#include "tables/routes.h"
#undef SWGI_PARAMETER
};
#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool swgi_unescape(const char *text, size_t length, char *out, size_t out_size) {
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        int c = (unsigned char)text[i];

        if (c == '%') {
            if (length - i < 3)
                return false;
            int high = digit(text[i + 1]), low = digit(text[i + 2]);

            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || used + 1 >= out_size)
            return false;
        out[used++] = (char)c;
    }
    out[used] = '\0';
    return true;
}

/* One "key=value" of the query; plus signs are blanks there. */
static bool unescape_value(const char *text, size_t length, char *out, size_t out_size) {
    if (!swgi_unescape(text, length, out, out_size))
        return false;
    for (size_t i = 0, o = 0; i < length; i++, o++) {
        if (text[i] == '+')
            out[o] = ' ';
        else if (text[i] == '%')
            i += 2;
    }
    return true;
}

int swgi_query_get(const struct swgi_request *request, const char *key, char *out,
                   size_t out_size) {
    size_t key_length = strlen(key);
    int found = 0;

    for (const char *at = request->query; *at; at += strcspn(at, "&"), at += *at == '&') {
        size_t length = strcspn(at, "&");

        if (length < key_length || strncmp(at, key, key_length) != 0 ||
            (length > key_length && at[key_length] != '='))
            continue;
        if (found++)
            return -EINVAL;
        key_length += length > key_length;
        if (!unescape_value(at + key_length, length - key_length, out, out_size))
            return -EINVAL;
        key_length = strlen(key);
    }
    return found;
}

/* The names of what a route takes in its query, of its words; "" for none. */
static const char *known_parameters(const struct swgi_route *route, char *out, size_t size) {
    char words[128], *rest = words, *word;

    out[0] = '\0';
    snprintf(words, sizeof(words), "%s", route->parameters);
    while ((word = strsep(&rest, " ")) != NULL) {
        for (size_t i = 0; i < PARAMETERS; i++) {
            if (parameters[i].is_of_query && strcmp(parameters[i].id, word) == 0)
                snprintf(out + strlen(out), size - strlen(out), "%s%s", out[0] ? ", " : "",
                         parameters[i].name);
        }
    }
    return out;
}

static bool is_listed(const char *list, const char *key, size_t length) {
    for (; *list; list += strcspn(list, ","), list += strspn(list, ", ")) {
        if (strcspn(list, ",") == length && strncmp(list, key, length) == 0)
            return true;
    }
    return false;
}

static bool refuse(struct swgi_answer *answer, const struct swgi_request *request, const char *name,
                   const char *what) {
    swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_VALUE, "%s: %s", name, what);
    return false;
}

/* Does the key at the beginning of this rest of a query stand in it once more? */
static bool comes_again(const char *key, size_t length) {
    for (const char *at = key + strcspn(key, "&"); *at++ == '&'; at += strcspn(at, "&")) {
        if (strcspn(at, "=&") == length && strncmp(at, key, length) == 0)
            return true;
    }
    return false;
}

bool swgi_admin_query(const struct swgi_request *request, struct swgi_answer *answer) {
    char known[128], clean[64];

    if (strcmp(request->route->parameters, SWGI_ANY_PARAMETERS) == 0)
        return true;
    known_parameters(request->route, known, sizeof(known));
    for (const char *at = request->query; *at; at += strcspn(at, "&"), at += *at == '&') {
        size_t length = strcspn(at, "=&");

        bool listed = is_listed(known, at, length);

        if (at[0] == '&' || (listed && !comes_again(at, length)))
            continue;
        swgi_copy_bytes(clean, sizeof(clean), at, length);
        if (listed)
            return refuse(answer, request, clean, "it is given twice in the query; give it once");
        swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_VALUE,
                            known[0] ? "'%s' is no parameter of this path; it takes %s"
                                     : "'%s': this path takes no parameters%s",
                            clean, known);
        return false;
    }
    return true;
}

static const struct field *field_of(int body, const char *name) {
    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].body == body && strcmp(fields[i].name, name) == 0)
            return &fields[i];
    }
    return NULL;
}

static bool refuse_unknown(struct swgi_answer *answer, const struct swgi_request *request,
                           const char *name) {
    char known[128] = "", clean[64];

    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].body == request->route->body)
            snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
                     known[0] ? ", " : "", fields[i].name);
    }
    swgi_copy_text(clean, sizeof(clean), name);
    swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_VALUE,
                        known[0] ? "'%s' is no key of this body; it takes %s"
                                 : "'%s': this takes no body%s",
                        clean, known);
    return false;
}

static int mode_of(const char *name) {
    for (int mode = SWG_MODE_NORMAL; mode <= SWG_MODE_SHADOW; mode++) {
        if (strcmp(name, swg_mode_name(mode)) == 0)
            return mode;
    }
    return -1;
}

/* Blanks are no reason, here as on the command line. */
static bool read_reason(const struct swgi_request *request, struct swgi_answer *answer,
                        const struct field *field, const char *text, struct swgi_act_body *out) {
    bool is_blank = swgi_text_is_blank(text);

    if (is_blank && field->required)
        return refuse(answer, request, field->name, "say why, in more than blanks");
    if (strlen(text) >= sizeof(out->reason))
        return refuse(answer, request, field->name, "at most 127 bytes");
    swgi_copy_text(out->reason, sizeof(out->reason), is_blank ? "" : text);
    return true;
}

static bool read_text(const struct swgi_request *request, struct swgi_answer *answer,
                      const struct field *field, const char *text, struct swgi_act_body *out) {
    uint64_t ns = 0;

    switch (field->type) {
    case SWGI_INPUT_DURATION:
        if (swgi_duration_parse(text, &ns) < 0 || ns == 0)
            return refuse(answer, request, field->name,
                          "not a duration; write 250ms, 30s, 5m, 2h or 1d");
        out->for_ns = (swg_ns)ns;
        return true;
    case SWGI_INPUT_MODE_NAME:
        out->mode = mode_of(text);
        return out->mode >= 0 || refuse(answer, request, field->name,
                                        "not a mode; normal, forced_open, forced_closed or shadow");
    default:
        return read_reason(request, answer, field, text, out);
    }
}

static bool read_field(const struct swgi_request *request, struct swgi_answer *answer,
                       const struct field *field, const json_t *value, struct swgi_act_body *out) {
    if (field->type == SWGI_INPUT_BOOLEAN) {
        out->force = json_is_true(value);
        return json_is_boolean(value) ||
               refuse(answer, request, field->name, "write true or false");
    }
    return json_is_string(value) ? read_text(request, answer, field, json_string_value(value), out)
                                 : refuse(answer, request, field->name, "write a string");
}

static bool read_fields(const struct swgi_request *request, struct swgi_answer *answer,
                        json_t *object, struct swgi_act_body *out) {
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value) {
        const struct field *field = field_of(request->route->body, key);

        if (!field)
            return refuse_unknown(answer, request, key);
        if (!read_field(request, answer, field, value, out))
            return false;
    }
    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].body == request->route->body && fields[i].required &&
            !json_object_get(object, fields[i].name))
            return refuse(answer, request, fields[i].name, "it is needed and is not there");
    }
    return true;
}

static json_t *parse(const struct swgi_request *request, struct swgi_answer *answer) {
    json_error_t error;
    json_t *object = json_loadb(request->body ? request->body : "", request->body_size,
                                JSON_REJECT_DUPLICATES, &error);

    if (json_is_object(object))
        return object;
    if (object)
        swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_JSON,
                            "line 1, column 1: the body must be an object");
    else
        swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_JSON, "line %d, column %d: %s",
                            error.line, error.column, error.text);
    json_decref(object);
    return NULL;
}

bool swgi_admin_body(const struct swgi_request *request, struct swgi_answer *answer,
                     struct swgi_act_body *out) {
    json_t *object = request->body_size ? parse(request, answer) : json_object();
    bool good;

    *out = (struct swgi_act_body){ .mode = -1 };
    if (!object)
        return false;
    good = read_fields(request, answer, object, out);
    json_decref(object);
    return good;
}
