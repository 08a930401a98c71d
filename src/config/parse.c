/* A file from its text, or from its path: all of it or nothing. */
#include "config/parse.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "config/answer.h"
#include "config/seeds.h"

/* ---- the file's life */

static void free_circuits(struct swgi_file *file) {
    for (unsigned i = 0; i < file->circuits_count; i++)
        swgi_circuit_free(&file->circuits[i]);
    free(file->circuits);
}

static void free_file(struct swgi_file *file) {
    struct swgi_alerts alerts = { .count = file->alerts_count, .at = file->alerts };

    free_circuits(file);
    swgi_alerts_free(&alerts);
    free(file->receivers);
    swgi_words_free(&file->agent.origins);
    swgi_words_free(&file->agent.hosts);
    swgi_words_free(&file->metrics.select);
    swgi_file_index_free(file);
    free(file);
}

static void free_declared(struct swgi_declared *declared) {
    free_file((struct swgi_file *)declared); /* its first member */
}

static struct swgi_file *new_file(const char *name) {
    struct swgi_file *file = calloc(1, sizeof(*file));

    if (file == NULL)
        return NULL;
    snprintf(file->path, sizeof(file->path), "%s", name);
    swgi_file_defaults(SWGI_SECTION_PANEL_KEYS, &file->panel);
    swgi_file_defaults(SWGI_SECTION_AGENT_KEYS, &file->agent);
    swgi_file_defaults(SWGI_SECTION_LIMITS_KEYS, &file->limits);
    swgi_file_defaults(SWGI_SECTION_METRICS_KEYS, &file->metrics);
    file->declared = (struct swgi_declared){ .references = 1,
                                             .path = file->path,
                                             .beyond = -1,
                                             .free = free_declared,
                                             .find = swgi_file_answer,
                                             .under = swgi_file_under };
    return file;
}

struct swgi_file *swgi_file_ref(struct swgi_file *file) {
    if (file != NULL)
        swgi_declared_ref(&file->declared);
    return file;
}

struct swgi_file *swgi_file_unref(struct swgi_file *file) {
    if (file != NULL)
        swgi_declared_unref(&file->declared);
    return NULL;
}

/* ---- reading */

static int init_parse(struct swgi_parse *parse, struct swgi_file *file) {
    if (swgi_body_init(&parse->own, SWGI_LAYER_DEFAULTS, SWGI_LAYER_CIRCUIT) != 0 ||
        swgi_body_init(&parse->environment, SWGI_LAYER_ENVIRONMENT, SWGI_LAYER_ENVIRONMENT) != 0)
        return -ENOMEM;
    parse->file = file;
    swgi_file_defaults(SWGI_SECTION_CIRCUIT_KEYS, &parse->own.defaults);
    parse->own.panel = parse->environment.panel = &file->panel;
    parse->own.agent = parse->environment.agent = &file->agent;
    parse->own.limits = parse->environment.limits = &file->limits;
    parse->own.metrics = parse->environment.metrics = &file->metrics;
    return 0;
}

static void deinit_parse(struct swgi_parse *parse) {
    swgi_body_deinit(&parse->own);
    swgi_body_deinit(&parse->environment);
    swgi_reader_close(&parse->reader);
}

/* The top of the file, word by word; what another form of file says of one circuit alone, too. */
struct top {
    struct swgi_parse *parse;
    struct swgi_layer lone;
    struct swgi_file_circuit circuit; /* of lone */
    const yaml_node_t *environments, *lone_node;
};

static const yaml_node_t *root_key(const struct swgi_reader *reader, const yaml_node_t *root,
                                   const char *key) {
    if (root->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *at = root->data.mapping.pairs.start;
         at < root->data.mapping.pairs.top; at++) {
        const yaml_node_t *name = swgi_node(reader, at->key);

        if (name->type == YAML_SCALAR_NODE &&
            strcmp((const char *)name->data.scalar.value, key) == 0)
            return swgi_node(reader, at->value);
    }
    return NULL;
}

/* Flag, then environment, then file. What is in force must be known before environments are read. */
static void choose_environment(struct swgi_parse *parse, const yaml_node_t *root) {
    const yaml_node_t *node = root_key(&parse->reader, root, "environment");
    const char *wanted = parse->wanted_environment;
    struct swgi_file_top top = { "" };
    const struct swgi_file_key *key = swgi_file_keys; /* the table's first: environment */

    if (node != NULL) {
        size_t before = swgi_path_down(&parse->reader, "environment");

        swgi_file_key_read(&parse->reader, key, node, &top);
        swgi_path_up(&parse->reader, before);
        parse->environment_place = swgi_place_of(node);
    }
    if (wanted == NULL)
        wanted = getenv("SWITCHGEAR_ENVIRONMENT");
    if (wanted != NULL && wanted[0] != '\0') {
        snprintf(top.environment, sizeof(top.environment), "%.31s", wanted);
        parse->environment_place = (struct swgi_place){ 0 };
    }
    snprintf(parse->file->environment, sizeof(parse->file->environment), "%s", top.environment);
}

/* "READ_CIRCUIT_CONFIG" is what URLs call read; DEFAULT_DB's are the writes. */
static void read_constant(struct swgi_reader *reader, struct swgi_body *body,
                          const yaml_node_t *key_node, const yaml_node_t *value) {
    const char *key = (const char *)key_node->data.scalar.value;
    char alias[SWGI_FILE_WORD_MAX];
    size_t length = strlen(key) - strlen("_CIRCUIT_CONFIG");

    if (length >= sizeof(alias))
        length = sizeof(alias) - 1;
    for (size_t i = 0; i < length; i++)
        alias[i] = (char)tolower((unsigned char)key[i]);
    alias[length] = '\0';
    swgi_circuit_entry(reader, body, strcmp(alias, "default_db") == 0 ? "write" : alias, key_node,
                       value);
}

/* Whatever is wrong with it is wrong with this circuit alone. */
static void read_lone(struct swgi_reader *reader, struct top *top, const struct swgi_seed_key *key,
                      const yaml_node_t *value) {
    unsigned errors = reader->errors->count;
    unsigned before = swgi_hides_only(reader, SWGI_HIDES_NOTHING);

    swgi_seed_read(reader, &top->lone, key, value);
    reader->hiding = before;
    if (reader->errors->count != errors)
        top->circuit.origins->is_broken = true;
}

/* What it says together, and who it is. false: nobody knows, which was told. */
static bool finish_lone(struct swgi_reader *reader, struct top *top, const yaml_node_t *root) {
    unsigned errors = reader->errors->count;

    swgi_seed_finish(reader, &top->lone, root);
    if (reader->errors->count != errors)
        top->circuit.origins->is_broken = true;
    if (top->lone.named[0] != '\0' || (top->lone.seeds & 1u << SWGI_SEED_000) != 0)
        return true;
    if ((reader->hidden & SWGI_HIDES_A_NAME) == 0)
        swgi_complain(reader, top->lone_node, NULL,
                      "which circuit is this of? allowed: name or service_id beside it, or an entry"
                      " of circuits around it");
    return false;
}

static void read_top(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                     const yaml_node_t *key_node, const yaml_node_t *value) {
    struct top *top = arg;

    if (word->kind == SWGI_WORD_SEED) {
        read_lone(reader, top, word->what, value);
        top->lone_node = key_node;
    } else if (strcmp(word->name, "environments") == 0) {
        top->environments = value;
    } else if (strcmp(word->name, "circuit_breakers") == 0) {
        swgi_breakers_read(reader, &top->parse->own, value);
    } else if (word->name[0] == '*') {
        read_constant(reader, &top->parse->own, key_node, value);
    } else if (strcmp(word->name, "environment") != 0) {
        swgi_body_read(reader, &top->parse->own, word->name, value);
    }
}

/* A client that knows one breaker alone gives it no name but this. */
static const char *lone_name(const struct swgi_layer *lone) {
    return (lone->seeds & 1u << SWGI_SEED_000) != 0 ? "alternator" : "circuit";
}

static void add_lone(struct swgi_reader *reader, struct top *top, const yaml_node_t *root) {
    struct swgi_file_circuit *circuit;

    if (top->lone.seeds == 0 || !finish_lone(reader, top, root))
        return;
    circuit = swgi_circuits_add(reader, &top->parse->own.circuits);
    if (circuit == NULL)
        return;
    swgi_circuit_free(circuit);
    *circuit = top->circuit;
    top->circuit = (struct swgi_file_circuit){ 0 };
    circuit->line = (int)swgi_place_of(top->lone_node).line;
    circuit->column = swgi_place_of(top->lone_node).column;
    top->lone.circuit = circuit;
    swgi_circuit_settle_name(reader, &top->parse->own, &top->lone,
                             top->lone.named[0] != '\0' ? top->lone.named : lone_name(&top->lone),
                             top->lone_node);
}

static void refuse_environment(struct swgi_parse *parse, const yaml_node_t *environments) {
    struct swgi_reader *reader = &parse->reader;
    struct swgi_nearest nearest = SWGI_NEAREST(parse->file->environment);
    char like[64], hint[SWGI_HINT_MAX];

    swgi_word_like(swgi_environments_shipped, parse->file->environment, like, sizeof(like));
    if (environments != NULL && environments->type == YAML_MAPPING_NODE)
        for (const yaml_node_pair_t *at = environments->data.mapping.pairs.start;
             at < environments->data.mapping.pairs.top; at++) {
            const yaml_node_t *key = swgi_node(reader, at->key);

            if (key->type == YAML_SCALAR_NODE)
                swgi_nearest_offer(&nearest, (const char *)key->data.scalar.value);
        }
    swgi_hint(nearest.name != NULL ? nearest.name : like, hint);
    swgi_complain_at(reader, parse->environment_place, "environment",
                     "\"%.40s\" is no environment%s; allowed: %s, or one of environments",
                     parse->file->environment, hint, swgi_environments_shipped);
}

static void read_environments(struct swgi_parse *parse, const yaml_node_t *environments) {
    if (environments != NULL) {
        size_t before = swgi_path_down(&parse->reader, "environments");

        swgi_environments_read(parse, environments);
        swgi_path_up(&parse->reader, before);
    }
    if (!parse->environment_found && parse->file->environment[0] != '\0' &&
        swgi_word_find(swgi_environments_shipped, parse->file->environment) < 0 &&
        (parse->reader.hidden & SWGI_HIDES_ENVIRONMENTS) == 0)
        refuse_environment(parse, environments);
}

/* What a shipped environment says beside circuits. */
static void ship_sections(struct swgi_parse *parse, const yaml_node_t *root) {
    const yaml_node_t *agent = root_key(&parse->reader, root, "agent");
    bool said = agent != NULL && root_key(&parse->reader, agent, "log_level") != NULL;

    if (!parse->environment_found && !said && strcmp(parse->file->environment, "development") == 0)
        snprintf(parse->file->agent.log_level, sizeof(parse->file->agent.log_level), "debug");
}

static int read_root(struct swgi_parse *parse) {
    struct swgi_reader *reader = &parse->reader;
    const yaml_node_t *root = yaml_document_get_root_node(&reader->document);
    struct top top = { .parse = parse };

    top.lone = (struct swgi_layer){ .circuit = &top.circuit, .id = SWGI_LAYER_CIRCUIT };
    if (swgi_circuit_alloc(&top.circuit) != 0) {
        swgi_circuit_free(&top.circuit);
        return -ENOMEM;
    }
    if (root != NULL) {
        choose_environment(parse, root);
        if (swgi_walk(reader, SWGI_SCOPE_TOP, root, read_top, &top))
            add_lone(reader, &top, root);
        read_environments(parse, top.environments);
        ship_sections(parse, root);
    }
    swgi_circuit_free(&top.circuit);
    return reader->no_memory ? -ENOMEM : 0;
}

/* An empty text is an empty file: all defaults. */
static int read_text(struct swgi_parse *parse, const char *text, size_t length,
                     struct swgi_file_errors *errors) {
    int rc = swgi_reader_open(&parse->reader, text, length, errors);

    if (rc == 0)
        rc = read_root(parse);
    if (rc == 0)
        rc = swgi_parse_combine(parse);
    if (rc == 0)
        swgi_parse_check(parse);
    if (rc == 0 && parse->reader.no_memory)
        rc = -ENOMEM;
    return rc == 0 && errors->count > 0 ? -EINVAL : rc;
}

static int tell_no_memory(struct swgi_file_errors *errors) {
    errors->count = 1;
    errors->errors[0] = (struct swg_error)SWG_ERROR_INIT;
    return swgi_fail(&errors->errors[0], -ENOMEM, "", "no memory to read the configuration");
}

static int parse_text(struct swgi_file **out, const char *text, size_t length, const char *name,
                      const char *environment, struct swgi_file_errors *errors) {
    struct swgi_parse parse = { .wanted_environment = environment };
    struct swgi_file *file = new_file(name);
    int rc = file != NULL ? init_parse(&parse, file) : -ENOMEM;

    errors->count = 0;
    if (rc == 0)
        rc = read_text(&parse, text, length, errors);
    deinit_parse(&parse);
    swgi_errors_sort(errors);
    if (rc == -ENOMEM)
        tell_no_memory(errors);
    if (rc == 0) {
        if (file->limits.has_beyond)
            file->declared.beyond = file->limits.beyond;
        *out = file;
    } else if (file != NULL) {
        free_file(file);
    }
    return rc;
}

int swgi_file_parse(struct swgi_file **out, const char *text, size_t length, const char *name,
                    const char *environment, struct swgi_file_errors *errors) {
    struct swgi_file_errors *unwanted = errors == NULL ? malloc(sizeof(*unwanted)) : NULL;
    int rc = -ENOMEM;

    if (errors != NULL || unwanted != NULL)
        rc = parse_text(out, text, length, name, environment, errors != NULL ? errors : unwanted);
    free(unwanted);
    return rc;
}

int swgi_file_empty(struct swgi_file **out) {
    return swgi_file_parse(out, "", 0, "", "", NULL);
}

/* ---- from disk */

static int refuse_path(struct swgi_file_errors *errors, int rc, const char *path) {
    if (errors == NULL)
        return rc;
    errors->count = 1;
    errors->errors[0] = (struct swg_error)SWG_ERROR_INIT;
    return swgi_fail(&errors->errors[0], rc, path, "cannot read %.150s: %s%s", path,
                     strerrordesc_np(-rc),
                     rc == -EISDIR ? "; name a file in it, such as switchgear.yaml" : "");
}

/* At most one byte over what is allowed, so that what is too large is seen to be. */
static int read_all(int fd, char *text, size_t room, size_t *length) {
    *length = 0;
    while (*length < room) {
        ssize_t got = read(fd, text + *length, room - *length);

        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0)
            *length += (size_t)got;
    }
    return 0;
}

static int open_file(const char *path) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
        close(fd);
        return -EISDIR;
    }
    return fd;
}

int swgi_file_read(struct swgi_file **out, const char *path, const char *environment,
                   struct swgi_file_errors *errors) {
    size_t length = 0;
    int fd = open_file(path);

    if (fd < 0)
        return refuse_path(errors, fd, path);
    char *text = malloc(SWGI_YAML_BYTES_MAX + 1);
    int rc = text != NULL ? read_all(fd, text, SWGI_YAML_BYTES_MAX + 1, &length) : -ENOMEM;
    close(fd);
    if (rc == 0)
        rc = swgi_file_parse(out, text, length, path, environment, errors);
    else
        rc = refuse_path(errors, rc, path);
    free(text);
    return rc;
}
