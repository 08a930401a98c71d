/* A file while it is read: what it says itself, and what its environments say over it. */
#ifndef SWGI_CONFIG_PARSE_H
#define SWGI_CONFIG_PARSE_H

#include "config/layer.h"

struct swgi_circuits {
    unsigned count, room;
    struct swgi_file_circuit *at;
};
struct swgi_alerts {
    unsigned count, room;
    struct swgi_file_alert *at;
    bool given;
};
struct swgi_receivers {
    unsigned count, room;
    struct swgi_file_receiver *at;
    bool given;
};

/* The file's sections, or an environment's. */
struct swgi_body {
    enum swgi_layer_id defaults_layer, circuits_layer;
    struct swgi_file_panel *panel;
    struct swgi_file_agent *agent;
    struct swgi_file_limits *limits;
    struct swgi_file_metrics *metrics;
    struct swgi_file_circuit defaults; /* with config and origins */
    struct swgi_circuits circuits;     /* entries, not merged */
    struct swgi_alerts alerts;
    struct swgi_receivers receivers;
};

struct swgi_parse {
    struct swgi_reader reader;
    struct swgi_file *file;
    const char *wanted_environment; /* NULL: the file's own key decides */
    struct swgi_body own, environment;
    bool environment_found; /* the one in force stands in the file */
    struct swgi_place environment_place;
};

/* Room for a body; its sections' structs are the caller's. */
int swgi_body_init(struct swgi_body *body, enum swgi_layer_id defaults,
                   enum swgi_layer_id circuits);
void swgi_body_deinit(struct swgi_body *body);
/* One section of a body by its name: "panel" ... "receivers". */
void swgi_body_read(struct swgi_reader *reader, struct swgi_body *body, const char *section,
                    const yaml_node_t *node);

/* Appends an empty one; NULL without memory, which is noted. */
struct swgi_file_circuit *swgi_circuits_add(struct swgi_reader *reader,
                                            struct swgi_circuits *circuits);
/* An entry of circuits under its key; several where a form of other breakers says so. */
void swgi_circuit_entry(struct swgi_reader *reader, struct swgi_body *body, const char *key,
                        const yaml_node_t *key_node, const yaml_node_t *value);
/* What was read into an entry whose name is known: named as it says itself, multiplied. */
void swgi_circuit_settle_name(struct swgi_reader *reader, struct swgi_body *body,
                              const struct swgi_layer *layer, const char *key,
                              const yaml_node_t *node);
/* `circuit_breakers` of seed 002. */
void swgi_breakers_read(struct swgi_reader *reader, struct swgi_body *body,
                        const yaml_node_t *node);

void swgi_alerts_read(struct swgi_reader *reader, struct swgi_alerts *alerts,
                      const yaml_node_t *node);
void swgi_receivers_read(struct swgi_reader *reader, struct swgi_receivers *receivers,
                         const yaml_node_t *node);
/* The rules that are in force where a file has none. -ENOMEM. */
int swgi_alerts_ship(struct swgi_alerts *alerts);
void swgi_alerts_free(struct swgi_alerts *alerts);

/* Every environment of the file; the one in force goes into parse->environment. */
void swgi_environments_read(struct swgi_parse *parse, const yaml_node_t *node);
/* Is it one that needs not be written? */
extern const char swgi_environments_shipped[]; /* "development|testing|production" */
/* What a shipped environment does to a circuit that is merged. */
void swgi_environment_ship(const char *name, struct swgi_file_circuit *circuit);

/* All layers together, in parse->file; checks what only the whole tells. -ENOMEM. */
int swgi_parse_combine(struct swgi_parse *parse);
void swgi_parse_check(struct swgi_parse *parse);
/* Whose depends_on leads back to itself. */
void swgi_circles_check(struct swgi_reader *reader, const struct swgi_file *file);
/* The index of a file's circuits; duplicates are told. -ENOMEM. */
int swgi_file_index_make(struct swgi_file *file);
void swgi_file_index_free(struct swgi_file *file);

#endif
