/*
 * What one place of a file says of a circuit, and how layers become one: the table's defaults, a
 * preset, the file's defaults, the circuit's entry, the environment.
 */
#ifndef SWGI_CONFIG_LAYER_H
#define SWGI_CONFIG_LAYER_H

#include "base/text.h"
#include "circuit/config.h"
#include "config/file_keys.h"
#include "config/scope.h"

/* Where a value comes from, the weakest first. */
enum swgi_layer_id {
    SWGI_LAYER_NONE,        /* the table's default */
    SWGI_LAYER_PRESET,      /* the preset's: told by the preset, never stored */
    SWGI_LAYER_DEFAULTS,    /* the file's defaults */
    SWGI_LAYER_CIRCUIT,     /* the circuit's entry */
    SWGI_LAYER_SHIPPED,     /* a shipped environment's doing */
    SWGI_LAYER_ENVIRONMENT, /* the file's environment */
};

#define SWGI_CIRCUIT_FIELDS_MAX 16u
#define SWGI_RULE_FIELDS_MAX    4u /* keys of one kind of trip rule */

/* Where each value of a circuit was written; line 0: nowhere. */
struct swgi_origins {
    struct swgi_place keys[SWGI_KEYS_MAX];        /* by number of swgi_keys */
    struct swgi_place trip;                       /* the list, as a whole */
    struct swgi_place rules[SWGI_TRIP_RULES_MAX]; /* its entries, as they are written */
    struct swgi_place rule_keys[SWGI_TRIP_RULES_MAX][SWGI_RULE_FIELDS_MAX]; /* ... and their keys */
    struct swgi_place preset;
    struct swgi_place fields[SWGI_CIRCUIT_FIELDS_MAX]; /* by number of the section's keys */
    bool is_broken;      /* an error stands in what was read: its settings cannot be judged */
    bool is_misnamed;    /* what it is called is no name */
    bool preset_implied; /* by a form of other breakers: a preset named elsewhere goes before it */
    uint32_t given;      /* bit i: the i-th key of the section circuits.NAME */
};

/* A circuit's entry while it is read. */
struct swgi_layer {
    struct swgi_file_circuit *circuit; /* with its config and origins */
    enum swgi_layer_id id;
    unsigned seeds; /* bit per form of which a key was read */
    bool per_operation, disabled, adaptive;
    char named[SWGI_FILE_WORD_MAX]; /* the name that stands inside, "" none */
    uint64_t seed_consecutive;      /* 0: not said */
    char seed_window[SWGI_NUMBER_TEXT];
    const yaml_node_t *seed_trip; /* where a seed's key spoke of when to trip; NULL: nowhere */
};

/* Which of the keys of the section circuits.NAME it is, from 0. */
unsigned swgi_circuit_field(const struct swgi_file_key *key);
/* Where it was written: the circuit's own place if nowhere. */
struct swgi_place swgi_circuit_field_place(const struct swgi_file_circuit *circuit,
                                           const char *name);

/* A list of trip rules stands there, of which no entry is known yet. */
void swgi_origins_trip(struct swgi_origins *origins, struct swgi_place place);
/* No rule trips it, as is written there. */
void swgi_circuit_never_trips(struct swgi_file_circuit *circuit, struct swgi_place place);
/* Where a key of swgi_rule_keys was written, or is to be noted: that of its entry. */
struct swgi_place *swgi_origins_rule_key(struct swgi_origins *origins,
                                         const struct swgi_key_place *key);

/* Room for a circuit's config and origins, zeroed. -ENOMEM. */
int swgi_circuit_alloc(struct swgi_file_circuit *circuit);
void swgi_circuit_free(struct swgi_file_circuit *circuit);
/* config and origins of another, and its words, copied; *to is written whole. -ENOMEM. */
int swgi_circuit_copy(struct swgi_file_circuit *to, const struct swgi_file_circuit *from);

/* Reads a mapping into the layer's circuit, which is fresh. */
void swgi_layer_read(struct swgi_reader *reader, struct swgi_layer *layer, enum swgi_scope_id scope,
                     const yaml_node_t *mapping);
/* Sets one key as a mapping would, for translations. */
void swgi_layer_set(struct swgi_reader *reader, struct swgi_layer *layer, const char *key,
                    const char *value, const yaml_node_t *node);

/* Which settings a preset's rows set. */
bool swgi_preset_sets(const struct swgi_preset *preset, unsigned key);
bool swgi_preset_trips(const struct swgi_preset *preset);

/*
 * Lays over over base, in base. A preset in it starts anew from the defaults of the table, but for
 * keys of base that the preset leaves alone. -ENOMEM.
 */
int swgi_layer_merge(struct swgi_file_circuit *base, const struct swgi_file_circuit *over);

#endif
