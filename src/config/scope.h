/*
 * Which keys may stand where: the dotted names of one place, sorted, so that a walk down a mapping
 * finds them without looking at all, and knows what an unknown one was meant to be.
 */
#ifndef SWGI_CONFIG_SCOPE_H
#define SWGI_CONFIG_SCOPE_H

#include "config/reader.h"

enum swgi_word_kind {
    SWGI_WORD_SETTING, /* struct swgi_key, of a circuit */
    SWGI_WORD_RULE,    /* struct swgi_key, of an entry of breaker.trip */
    SWGI_WORD_FILE,    /* struct swgi_file_key */
    SWGI_WORD_SEED,    /* struct swgi_seed_key */
    SWGI_WORD_TOP      /* a section; what is NULL */
};

struct swgi_word {
    const char *name;
    const void *what;
    int kind;
    bool takes_mapping; /* as {checkout: 100}: what stands below are no keys */
};

#define SWGI_SCOPE_MAX 224u
struct swgi_scope {
    struct swgi_word words[SWGI_SCOPE_MAX];
    unsigned count;
};

enum swgi_scope_id {
    SWGI_SCOPE_CIRCUIT,  /* an entry of circuits */
    SWGI_SCOPE_DEFAULTS, /* what circuits start from: no alias, no max, no depends_on */
    SWGI_SCOPE_CONFIG,   /* a circuit's settings alone */
    SWGI_SCOPE_RULE,     /* an entry of breaker.trip */
    SWGI_SCOPE_TOP,
    SWGI_SCOPE_ENVIRONMENT,
    SWGI_SCOPE_PANEL,
    SWGI_SCOPE_AGENT,
    SWGI_SCOPE_LIMITS,
    SWGI_SCOPE_METRICS,
    SWGI_SCOPE_ALERT,
    SWGI_SCOPE_RECEIVER,
    SWGI_SCOPE_BREAKERS, /* what stands under circuit_breakers */
    SWGI_SCOPES
};

const struct swgi_scope *swgi_scope(enum swgi_scope_id id);

/* What an error in a section of the file hides from the others, in bits of enum swgi_hides. */
unsigned swgi_section_hides(const char *name);

/*
 * Goes through a mapping and what is nested in it: `breaker: {open: {for: 60s}}` is the word
 * breaker.open.for. Calls leaf for each word; complains about what is none. false: no mapping.
 */
typedef void swgi_leaf_fn(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                          const yaml_node_t *key_node, const yaml_node_t *value);
bool swgi_walk(struct swgi_reader *reader, enum swgi_scope_id id, const yaml_node_t *mapping,
               swgi_leaf_fn *leaf, void *arg);

#endif
