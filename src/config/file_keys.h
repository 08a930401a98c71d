/* The file's keys beside those of circuits (tables/file_keys.h) at work: defaults, reading, telling. */
#ifndef SWGI_CONFIG_FILE_KEYS_H
#define SWGI_CONFIG_FILE_KEYS_H

#include "config/reader.h"
#include "config/words.h"

enum swgi_file_type {
    SWGI_FILE_TEXT,
    SWGI_FILE_PATH,
    SWGI_FILE_URL,
    SWGI_FILE_ADDRESS,
    SWGI_FILE_NAME,
    SWGI_FILE_NAMES,
    SWGI_FILE_GLOBS,
    SWGI_FILE_URLS,
    SWGI_FILE_WORD,
    SWGI_FILE_CHOICE,
    SWGI_FILE_YES_NO,
    SWGI_FILE_INTEGER,
    SWGI_FILE_BYTES,
    SWGI_FILE_DURATION,
    SWGI_FILE_AVAILABILITY,
    SWGI_FILE_ABOVE
};

enum swgi_file_section_id {
#define SWGI_FILE_SECTION(id, of, name, what) SWGI_SECTION_##id##_KEYS,
#include "tables/file_keys.h"
    SWGI_FILE_SECTIONS
};

/* What stands at the top of a file and is no section. */
struct swgi_file_top {
    char environment[32];
};

struct swgi_file_key {
    const char *name, *initial, *unit, *what;
    uint8_t section, type;
    uint16_t width;  /* of the field in bytes */
    uint32_t offset; /* of the field in its section's struct */
    uint64_t least, most;
};

struct swgi_file_section {
    const char *name, *what;
};

extern const struct swgi_file_key swgi_file_keys[];
extern const unsigned swgi_file_keys_count;
extern const struct swgi_file_section swgi_file_sections[SWGI_FILE_SECTIONS];

/* What a value of the key is, and what is allowed, in words. */
#define SWGI_FILE_RANGE_MAX 256u
const char *swgi_file_key_words(const struct swgi_file_key *key);
void swgi_file_key_range(const struct swgi_file_key *key, char out[SWGI_FILE_RANGE_MAX]);

/* Writes the section's defaults into a zeroed object. */
void swgi_file_defaults(unsigned section, void *object);
/* Reads a node into the key's field of object; complains. true: it was read. Not for ABOVE. */
bool swgi_file_key_read(struct swgi_reader *reader, const struct swgi_file_key *key,
                        const yaml_node_t *node, void *object);
/* A field as text that reads back to the same: a list as "a, b". "" for what is unset. */
void swgi_file_key_print(const struct swgi_file_key *key, const void *object, char *out,
                         size_t size);

/* Numbers in quotes are texts; complains about one. */
bool swgi_is_bare(struct swgi_reader *reader, const yaml_node_t *node, const char *wanted);
#endif
