/* Configurations written for other breakers (tables/seed_keys.h), translated as they are read. */
#ifndef SWGI_CONFIG_SEEDS_H
#define SWGI_CONFIG_SEEDS_H

#include "config/layer.h"

enum swgi_seed_form { SWGI_SEED_000, SWGI_SEED_001, SWGI_SEED_002, SWGI_SEED_004, SWGI_SEED_FORMS };

enum swgi_seed_type {
    SWGI_SEED_COUNT,
    SWGI_SEED_PERCENT,
    SWGI_SEED_MS,
    SWGI_SEED_SECONDS,
    SWGI_SEED_YES_NO,
    SWGI_SEED_ONE_OF,
    SWGI_SEED_FEATURES,
    SWGI_SEED_NAME
};

enum swgi_seed_becomes {
    SWGI_BECOMES_KEY,
    SWGI_BECOMES_ENABLED,
    SWGI_BECOMES_RATE,
    SWGI_BECOMES_MODE,
    SWGI_BECOMES_CONSECUTIVE,
    SWGI_BECOMES_WINDOW,
    SWGI_BECOMES_STRATEGY,
    SWGI_BECOMES_NAMED
};

struct swgi_seed_key {
    const char *name, *words, *target;
    uint8_t form, type, becomes;
    uint64_t least, most;
};

extern const struct swgi_seed_key swgi_seed_keys[];
extern const unsigned swgi_seed_keys_count;
/* What stands under circuit_breakers, beside circuits. */
extern const struct swgi_seed_key swgi_breakers_keys[];
extern const unsigned swgi_breakers_keys_count;

/* Is the mapping one of seed 001's, so that its `timeout` is milliseconds and not ours? */
bool swgi_seed_001(const struct swgi_reader *reader, const yaml_node_t *mapping);
/* A value of theirs as our text: "1.5s", "yes", "50"; complains. Not for FEATURES. */
bool swgi_seed_value(struct swgi_reader *reader, const struct swgi_seed_key *key,
                     const yaml_node_t *node, char *out, size_t size);
/* Reads one key of theirs into the layer. */
void swgi_seed_read(struct swgi_reader *reader, struct swgi_layer *layer,
                    const struct swgi_seed_key *key, const yaml_node_t *value);
/* After the last one: what only all of them together tell. */
void swgi_seed_finish(struct swgi_reader *reader, struct swgi_layer *layer,
                      const yaml_node_t *mapping);
const char *swgi_seed_range(const struct swgi_seed_key *key, char out[SWGI_KEY_RANGE_MAX]);

#endif
