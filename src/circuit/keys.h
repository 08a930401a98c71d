/* The configuration keys of tables/keys.h at work: each one's text to its field and back. */
#ifndef SWGI_CIRCUIT_KEYS_H
#define SWGI_CIRCUIT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/settings.h"
#include "switchgear/switchgear.h"

#define SWGI_KEY_NAME_MAX \
    96u /* bytes of a full name with its NUL, the room of struct swg_error's key */
#define SWGI_KEYS_MAX       96u
#define SWGI_RULE_KEYS_MAX  32u
#define SWGI_KEY_RANGE_MAX  192u
#define SWGI_KEY_VALUE_MAX  640u /* room for any printed value */
#define SWGI_TRIP_RULES_MAX 7u   /* one score, failure and slow rate over calls, four over time */
#define SWGI_TRIP_PREFIX    "breaker.trip."

enum swgi_key_type {
    SWGI_TYPE_CHOICE,
    SWGI_TYPE_INTEGER,
    SWGI_TYPE_DURATION,
    SWGI_TYPE_DECIMAL,
    SWGI_TYPE_PERCENT,
    SWGI_TYPE_WEIGHT,
    SWGI_TYPE_RAMP,
    SWGI_TYPE_PRESET,
    SWGI_TYPE_TRIP,
    SWGI_TYPE_COUNT,
    SWGI_TYPE_PRIORITY,
    SWGI_TYPE_PARTITIONS,
    SWGI_TYPE_CHAIN,
    SWGI_TYPE_TEXT,
    SWGI_TYPE_FEATURES
};

enum swgi_rule_kind {
    SWGI_KIND_NONE,
    SWGI_KIND_CONSECUTIVE,
    SWGI_KIND_CHANGE,
    SWGI_KIND_FAILURES,
    SWGI_KIND_FAILURE_RATE,
    SWGI_KIND_SLOW_RATE
};

/* One entry of the list of trip rules, as people write it. */
struct swgi_trip_rule {
    uint32_t kind; /* enum swgi_rule_kind */
    uint32_t set;  /* which fields were given: bit i for swgi_rule_keys[i] */
    uint32_t consecutive, threshold, calls, calls_min;
    uint64_t window_ns;
    double healthy, unhealthy, false_trip_once_in;
};

struct swgi_key {
    const char *name;  /* a rule's key: with N for the entry's number */
    const char *alias; /* "": none */
    const char *unit;  /* the words of a choice */
    const char *what;
    uint8_t type;   /* enum swgi_key_type */
    uint8_t kind;   /* enum swgi_rule_kind; SWGI_KIND_NONE: a field of struct swgi_settings */
    uint16_t width; /* bytes of the field, 0 where the type knows more than one */
    uint32_t offset;
    uint64_t least, most, off, initial;         /* whole numbers; off 0: never; initial 0: none */
    double real_least, real_most, real_initial; /* decimals */
};

extern const struct swgi_key swgi_keys[];      /* of struct swgi_settings */
extern const struct swgi_key swgi_rule_keys[]; /* of struct swgi_trip_rule */
extern const unsigned swgi_keys_count, swgi_rule_keys_count;

/* A key by its full name or alias; for a key of a rule also the entry's number. */
struct swgi_key_place {
    const struct swgi_key *key;
    unsigned entry;
};

/* 0, or -EINVAL and an error that tells what was meant, if anything near is known. */
int swgi_key_find(const char *name, struct swgi_key_place *out, struct swg_error *error);
/* The full name with the entry's number in place of N. */
void swgi_key_name(const struct swgi_key_place *place, char out[SWGI_KEY_NAME_MAX]);

/*
 * Reads value into the key's field of object (struct swgi_settings or struct swgi_trip_rule).
 * -EINVAL names what was wrong and what is allowed; the field is untouched then. Not for the types
 * PRESET and TRIP.
 */
int swgi_key_parse(const struct swgi_key_place *place, const char *value, void *object,
                   struct swg_error *error);
/* The field as text that reads back to the same; -ERANGE when it does not fit. Same types. */
int swgi_key_print(const struct swgi_key *key, const void *object, char *out, size_t size);
/* "-32".."31" to 0..63: kept without its sign. 0, -EINVAL or -ERANGE. */
int swgi_priority_parse(const char *value, uint64_t *out);
/*
 * The same for the types that are lists or text (key_lists.c): PARTITIONS, CHAIN, TEXT, FEATURES.
 * parse: 0, -EINVAL (not of that form) or -ERANGE.
 */
bool swgi_key_is_list(const struct swgi_key *key);
int swgi_list_parse(const struct swgi_key *key, const char *value, void *object);
int swgi_list_print(const struct swgi_key *key, const void *object, char *out, size_t size);
void swgi_list_range(const struct swgi_key *key, char out[SWGI_KEY_RANGE_MAX]);
void swgi_list_copy(const struct swgi_key *key, void *to, const void *from);
/* What such a value is, for "... is not ...". */
const char *swgi_list_words(const struct swgi_key *key);
/* What is allowed, in words: "1..16", "1ms..30d", "neutral|success". */
void swgi_key_range(const struct swgi_key *key, char out[SWGI_KEY_RANGE_MAX]);
/* Copies the field, or writes the default of a rule's key into it. */
void swgi_key_copy(const struct swgi_key *key, void *to, const void *from);
void swgi_key_set_initial(const struct swgi_key *key, void *object);

#endif
