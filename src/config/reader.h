/*
 * One YAML document on its way in: its nodes, where we are in it, and all that was wrong.
 *
 * Reading goes on after an error, so that one run tells all of them; what was read then is thrown
 * away. Nothing of the text is trusted: size, depth, count and form are bounded before the walk
 * begins.
 */
#ifndef SWGI_CONFIG_READER_H
#define SWGI_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "config/file.h"

#define SWGI_YAML_BYTES_MAX (4u << 20) /* a file of 5,000 circuits is a fifth of it */
#define SWGI_YAML_DEPTH_MAX 16u
#define SWGI_YAML_NODES_MAX 1000000u
#define SWGI_YAML_ITEMS_MAX 1024u  /* of a list */
#define SWGI_YAML_PAIRS_MAX 65536u /* of a mapping */
#define SWGI_YAML_PATH_MAX  256u

/*
 * What an error may hide from who looks at the file as a whole: judged without it, the rest of the
 * file would be told of mistakes that nobody made.
 */
enum swgi_hides {
    SWGI_HIDES_NOTHING = 0,
    SWGI_HIDES_CIRCUITS = 1,      /* names of circuits */
    SWGI_HIDES_RECEIVERS = 2,     /* names of receivers */
    SWGI_HIDES_LIMITS = 4,        /* how many circuits there may be */
    SWGI_HIDES_SETTINGS = 8,      /* what every circuit starts from */
    SWGI_HIDES_ENVIRONMENTS = 16, /* which environments there are */
    SWGI_HIDES_ALL = 31,
    SWGI_HIDES_A_NAME = 32 /* a circuit says how it is called, in words that are wrong */
};

/* What an error in a section or key of that name hides. */
struct swgi_hiding {
    const char *name;
    unsigned what;
};
/* By its row, else `otherwise`. */
unsigned swgi_hiding_of(const struct swgi_hiding *rows, size_t count, const char *name,
                        unsigned otherwise);

struct swgi_reader {
    struct swgi_file_errors *errors; /* never NULL */
    yaml_document_t document;
    bool loaded;     /* the document is to be deleted */
    bool no_memory;  /* then what was read is worth nothing, errors or not */
    unsigned hiding; /* bits of enum swgi_hides: what an error here would hide */
    unsigned hidden; /* ... and what those until now have hidden */
    char path[SWGI_YAML_PATH_MAX];
    size_t path_length;
};

/* Reads text into reader->document. 0, -EINVAL (told), -ENOMEM. */
int swgi_reader_open(struct swgi_reader *reader, const char *text, size_t length,
                     struct swgi_file_errors *errors);
void swgi_reader_close(struct swgi_reader *reader);

/* Note an error about a node, under the path we are at; key, if not NULL, is appended to it. */
void swgi_complain(struct swgi_reader *reader, const yaml_node_t *node, const char *key,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same where only the place is left. */
void swgi_complain_at(struct swgi_reader *reader, struct swgi_place place, const char *key,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* From here on errors hide nothing else than this. Returns reader->hiding, to be put back. */
unsigned swgi_hides_only(struct swgi_reader *reader, unsigned what);
/* In the order of the file, at last. */
void swgi_errors_sort(struct swgi_file_errors *errors);

/* Go down by a word, and back to what it returned. */
size_t swgi_path_down(struct swgi_reader *reader, const char *word);
void swgi_path_up(struct swgi_reader *reader, size_t before);

struct swgi_place swgi_place_of(const yaml_node_t *node);
const yaml_node_t *swgi_node(const struct swgi_reader *reader, int index);
/* What a node is, for "... is a list". */
const char *swgi_node_words(const yaml_node_t *node);
/* Nothing after the colon, ~ or null. */
bool swgi_node_empty(const yaml_node_t *node);
/* Is it a value that swgi_node_text() would return? */
bool swgi_node_is_text(const yaml_node_t *node);
/* Is a scalar written without quotes? */
static inline bool swgi_node_is_bare(const yaml_node_t *node) {
    return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}
/* A scalar's text; complains and returns NULL for anything else. wanted: "a duration such as 30s". */
const char *swgi_node_text(struct swgi_reader *reader, const yaml_node_t *node, const char *wanted);

/*
 * Calls fn for each pair of a mapping, the path one word down; an empty value is an empty mapping.
 * Refuses keys that are no plain words, or come twice. false: it is no mapping, and that was told.
 */
typedef void swgi_pair_fn(struct swgi_reader *reader, void *arg, const yaml_node_t *key_node,
                          const char *key, const yaml_node_t *value);
bool swgi_each_pair(struct swgi_reader *reader, const yaml_node_t *mapping, swgi_pair_fn *fn,
                    void *arg);
/* The same for a list, by number. */
typedef void swgi_item_fn(struct swgi_reader *reader, void *arg, unsigned number,
                          const yaml_node_t *item);
bool swgi_each_item(struct swgi_reader *reader, const yaml_node_t *list, swgi_item_fn *fn,
                    void *arg);

#endif
