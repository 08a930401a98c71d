/*
 * Text to nodes, by libyaml. It resolves aliases without a word, composes any depth and any number
 * of nodes, and takes a second document for none of its business; so a first pass over its events
 * refuses what we do not take, with the place where it stands, before anything is composed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/reader.h"

static struct swgi_place place_of_mark(yaml_mark_t mark) {
    size_t column = mark.column + 1;

    return (struct swgi_place){ .line = (uint32_t)mark.line + 1,
                                .column = (uint16_t)(column < UINT16_MAX ? column : UINT16_MAX) };
}

/* The reader counts bytes and knows no line. */
static struct swgi_place place_of_byte(const char *text, size_t length, size_t offset) {
    struct swgi_place place = { .line = 1, .column = 1 };

    for (size_t i = 0; i < offset && i < length; i++) {
        place.line += text[i] == '\n';
        if (text[i] == '\n')
            place.column = 1;
        else if (place.column < UINT16_MAX)
            place.column++;
    }
    return place;
}

/* What was begun and not ended is told with where it began: the end of the file helps nobody. */
static void tell_syntax(struct swgi_reader *reader, const yaml_parser_t *parser) {
    struct swgi_place place = place_of_mark(parser->problem_mark);
    char begun[128] = "";

    if (parser->context != NULL)
        snprintf(begun, sizeof(begun), ", %.60s that began in line %zu", parser->context,
                 parser->context_mark.line + 1);
    swgi_complain_at(reader, place, NULL, "this is no YAML: %s%s", parser->problem, begun);
}

/* What the parser says, where it says it; a tab deserves a word of its own. */
static int refuse_syntax(struct swgi_reader *reader, const yaml_parser_t *parser, const char *text,
                         size_t length) {
    size_t at = parser->problem_mark.index;

    /* Not every allocation of libyaml's that fails is told as one. */
    if (parser->error == YAML_MEMORY_ERROR || parser->problem == NULL) {
        reader->no_memory = true;
        return -ENOMEM;
    }
    if (parser->error == YAML_READER_ERROR)
        swgi_complain_at(reader, place_of_byte(text, length, parser->problem_offset), NULL,
                         "%s; allowed: UTF-8 text", parser->problem);
    else if (at < length && text[at] == '\t')
        swgi_complain_at(reader, place_of_mark(parser->problem_mark), NULL,
                         "a tab stands here; allowed: spaces to indent with");
    else
        tell_syntax(reader, parser);
    return -EINVAL;
}

/* ---- the first pass */

struct pass {
    struct swgi_reader *reader;
    unsigned depth, nodes, documents;
    bool ended;
};

static bool has_anchor(const yaml_event_t *event) {
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL;
    default:
        return false;
    }
}

static bool has_tag(const yaml_event_t *event) {
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.tag != NULL;
    default:
        return false;
    }
}

static void look(struct pass *pass, const yaml_event_t *event) {
    struct swgi_reader *reader = pass->reader;
    struct swgi_place place = place_of_mark(event->start_mark);

    if (event->type == YAML_ALIAS_EVENT)
        swgi_complain_at(reader, place, NULL,
                         "an alias, *%s, is not known here; write the value out, or under defaults",
                         (const char *)event->data.alias.anchor);
    if (has_anchor(event))
        swgi_complain_at(reader, place, NULL,
                         "an anchor, &..., is not known here; write the value without it");
    if (has_tag(event))
        swgi_complain_at(reader, place, NULL,
                         "a tag, !..., is not known here; write the value without it");
    if (event->type == YAML_DOCUMENT_START_EVENT && pass->documents++ == 1)
        swgi_complain_at(reader, place, NULL, "a second document begins; allowed: one a file");
}

static bool is_start(const yaml_event_t *event) {
    return event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT;
}

static bool is_end(const yaml_event_t *event) {
    return event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;
}

/* false: no use to go on. */
static bool within_bounds(struct pass *pass, const yaml_event_t *event) {
    struct swgi_place place = place_of_mark(event->start_mark);

    pass->depth += is_start(event);
    pass->depth -= is_end(event);
    pass->nodes += is_start(event) || event->type == YAML_SCALAR_EVENT;
    if (pass->depth > SWGI_YAML_DEPTH_MAX) {
        swgi_complain_at(pass->reader, place, NULL, "nested too deep; allowed: %u levels",
                         SWGI_YAML_DEPTH_MAX);
        return false;
    }
    if (pass->nodes > SWGI_YAML_NODES_MAX) {
        swgi_complain_at(pass->reader, place, NULL, "too much of it; allowed: %u values",
                         SWGI_YAML_NODES_MAX);
        return false;
    }
    return true;
}

static void begin(yaml_parser_t *parser, const char *text, size_t length) {
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, (const unsigned char *)text, length);
}

static int first_pass(struct pass *pass, const char *text, size_t length) {
    yaml_parser_t parser;
    yaml_event_t event;
    bool going = true;
    int rc = 0;

    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    begin(&parser, text, length);
    while (going && rc == 0) {
        if (!yaml_parser_parse(&parser, &event)) {
            rc = refuse_syntax(pass->reader, &parser, text, length);
            break;
        }
        look(pass, &event);
        if (!within_bounds(pass, &event))
            rc = -EINVAL;
        going = event.type != YAML_STREAM_END_EVENT && pass->documents < 2;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return rc != 0 || pass->reader->errors->count == 0 ? rc : -EINVAL;
}

static int compose(struct swgi_reader *reader, const char *text, size_t length) {
    yaml_parser_t parser;
    int rc = 0;

    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    begin(&parser, text, length);
    if (yaml_parser_load(&parser, &reader->document))
        reader->loaded = true;
    else
        rc = refuse_syntax(reader, &parser, text, length);
    yaml_parser_delete(&parser);
    return rc;
}

int swgi_reader_open(struct swgi_reader *reader, const char *text, size_t length,
                     struct swgi_file_errors *errors) {
    struct pass pass = { .reader = reader };

    memset(reader, 0, sizeof(*reader));
    reader->errors = errors;
    reader->hiding = SWGI_HIDES_ALL;
    errors->count = 0;
    if (length > SWGI_YAML_BYTES_MAX) {
        swgi_complain_at(reader, place_of_byte(text, length, SWGI_YAML_BYTES_MAX), NULL,
                         "the text goes on where %u bytes of it end; allowed: %u bytes, all in all",
                         SWGI_YAML_BYTES_MAX, SWGI_YAML_BYTES_MAX);
        return -EINVAL;
    }
    int rc = first_pass(&pass, text, length);
    return rc != 0 ? rc : compose(reader, text, length);
}

void swgi_reader_close(struct swgi_reader *reader) {
    if (reader->loaded)
        yaml_document_delete(&reader->document);
    reader->loaded = false;
}
