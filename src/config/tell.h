/* What a file comes to, for people: each value of a circuit and where it came from; what is odd. */
#ifndef SWGI_CONFIG_TELL_H
#define SWGI_CONFIG_TELL_H

#include "config/layer.h"

#define SWGI_FROM_MAX 96u

/* One setting of a circuit. */
struct swgi_told {
    char name[SWGI_KEY_NAME_MAX];
    char value[SWGI_KEY_VALUE_MAX];
    char from[SWGI_FROM_MAX]; /* "line 9", "preset read", "environment testing", "default" */
    int layer;                /* enum swgi_layer_id; of a trip rule's default: the rule's */
    struct swgi_place place;  /* line 0: nowhere in the file */
    bool idle;                /* does nothing here, because what it needs is off */
    const struct swgi_key *key;
};

/* A circuit's settings one by one, in the table's order, rules where the key breaker.trip stands. */
struct swgi_telling {
    const struct swgi_file *file;
    const struct swgi_file_circuit *circuit;
    struct swgi_settings settings;
    unsigned key, rule, rule_key; /* what comes next */
};

/* -EINVAL: its settings do not fit together, which a file that was read has none of. */
int swgi_telling_begin(struct swgi_telling *telling, const struct swgi_file *file,
                       const struct swgi_file_circuit *circuit);
bool swgi_telling_next(struct swgi_telling *telling, struct swgi_told *out);

/* What is allowed and yet seldom meant, in the order of the file; codes are 0. */
void swgi_file_warn(const struct swgi_file *file, struct swgi_file_errors *warnings);

#endif
