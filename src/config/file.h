/*
 * The configuration file: one YAML document, read and checked as a whole. What stands here is what
 * the file says, with its presets, patterns and environment resolved; nothing of it has been applied
 * to a panel. Immutable once read; the counts of its references are atomic, so that a reload can
 * swap it under readers.
 */
#ifndef SWGI_CONFIG_FILE_H
#define SWGI_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared.h"
#include "circuit/config.h"
#include "circuit/declared.h"
#include "switchgear/switchgear.h"

#define SWGI_FILE_ERRORS_MAX 64u  /* told at once; more are counted */
#define SWGI_FILE_TEXT_MAX   256u /* paths, addresses, URLs: with their NUL */
#define SWGI_FILE_WORD_MAX   128u /* names: with their NUL */

/* All that is wrong with a file, in its order. count may exceed what is kept. */
struct swgi_file_errors {
    unsigned count;
    struct swg_error errors[SWGI_FILE_ERRORS_MAX];
};

struct swgi_origins;

/* Where something stands; column 0: the line alone is known. */
struct swgi_place {
    uint32_t line;
    uint16_t column;
    union {
        uint16_t layer;  /* enum swgi_layer_id, for what a circuit is made of */
        uint16_t number; /* of a word: its place in the list, as it is written */
    };
};

/* A list of words, owned by the file. */
struct swgi_file_words {
    unsigned count;
    char **at;
    struct swgi_place *places; /* where each stands */
};

/* An entry of `circuits`: one circuit, or a pattern ("bookmaker-*") of circuits that use makes. */
struct swgi_file_circuit {
    char name[SWGI_FILE_WORD_MAX];
    int line, column; /* where it stands */
    bool is_pattern;
    uint32_t max;                 /* a pattern's most circuits; 0: limits.circuits_max */
    struct swg_config *config;    /* defaults, preset, environment and the entry itself, merged */
    struct swgi_origins *origins; /* where each value was written (config/layer.h) */
    char group[SWGI_FILE_WORD_MAX], alias[SWGI_FILE_WORD_MAX], owner[SWGI_FILE_WORD_MAX];
    char runbook[SWGI_FILE_TEXT_MAX];
    struct swgi_file_words depends_on; /* names of circuits, each declared or matching a pattern */
    bool has_slo;
    double slo_availability; /* percent, e.g. 99.9; 0: none */
    swg_ns slo_p99;          /* 0: none */
    swg_ns slo_window;
};

enum swgi_severity { SWGI_SEVERITY_INFO, SWGI_SEVERITY_WARNING, SWGI_SEVERITY_CRITICAL };

/* What an alert rule watches (src/tables/alerts.h names them). */
enum swgi_alert_kind {
    SWGI_ALERT_OPEN,           /* a circuit is OPEN */
    SWGI_ALERT_FAILURE_RATE,   /* failure rate of the last minute above `above` (share 0..1) */
    SWGI_ALERT_OPEN_COUNT,     /* more than `above` circuits are open */
    SWGI_ALERT_NEAR_THRESHOLD, /* a rule is at `above` (share 0..1) of its threshold or more */
    SWGI_ALERT_FLAPPING,       /* more than `above` transitions in 10 minutes */
    SWGI_ALERT_TRANSITION,     /* every change of state; never resolves */
    SWGI_ALERT_MODE,           /* a mode other than normal */
    SWGI_ALERT_SLOW_RECOVERY,  /* the last recovery took longer than `above` seconds */
    SWGI_ALERT_REJECTED,       /* more than `above` calls a second are rejected */
    SWGI_ALERT_ANOMALY,        /* anomaly score above `above` */
    SWGI_ALERT_BUDGET,         /* SLO budget burns at `above` times the sustainable rate or more */
    SWGI_ALERT_EVENTS_LOST,    /* the agent missed events, or dropped audit rows or notifications */
    SWGI_ALERT_AGENT_DOWN      /* the last agent ended without saying so (told by the next one) */
};

struct swgi_file_alert {
    char name[SWGI_FILE_WORD_MAX];
    int line, column;
    struct swgi_place name_place;
    int when;                        /* enum swgi_alert_kind */
    struct swgi_file_words circuits; /* names or globs; none: all */
    double above;
    swg_ns for_ns;             /* must hold so long before it fires */
    int severity;              /* enum swgi_severity */
    struct swgi_file_words to; /* names of receivers; none: every receiver */
    char runbook[SWGI_FILE_TEXT_MAX];
};

enum swgi_receiver_kind {
    SWGI_RECEIVER_LOG,
    SWGI_RECEIVER_SLACK,
    SWGI_RECEIVER_PAGERDUTY,
    SWGI_RECEIVER_ALERTMANAGER,
    SWGI_RECEIVER_WEBHOOK
};

/* An entry of `receivers`: where alerts go. Secrets stand in files or the environment, never here. */
struct swgi_file_receiver {
    char name[SWGI_FILE_WORD_MAX];
    int line, column;
    int kind; /* enum swgi_receiver_kind */
    char url[SWGI_FILE_TEXT_MAX];
    char
        url_file[SWGI_FILE_TEXT_MAX]; /* a file whose first line is the URL (Slack's is a secret) */
    char token_file[SWGI_FILE_TEXT_MAX];    /* PagerDuty's routing key; a webhook's bearer token */
    char ca_file[SWGI_FILE_TEXT_MAX];       /* authorities of https, in PEM; "": the system's */
    char template_file[SWGI_FILE_TEXT_MAX]; /* webhook: JSON with {{circuit}}, {{state}}, ... */
    char source[SWGI_FILE_WORD_MAX];        /* who tells; "": the host's name */
    int severity_min;                       /* enum swgi_severity */
    bool resolved;                          /* tell the end, too (default yes) */
    swg_ns timeout;                         /* of one delivery, default 10 s */
};

struct swgi_file_panel {
    char path[SWGI_FILE_TEXT_MAX]; /* "": the default place */
    uint32_t circuits_max, columns_max, histograms_max, policies_max, slots_max; /* 0: default */
};

struct swgi_file_agent {
    char listen[SWGI_FILE_TEXT_MAX]; /* "127.0.0.1:9190", "[::1]:9190"; "" or "off": no TCP */
    char socket[SWGI_FILE_TEXT_MAX]; /* "": the default place; "off": none */
    char tokens_file[SWGI_FILE_TEXT_MAX];
    char database[SWGI_FILE_TEXT_MAX];  /* "": the default place; "off": none */
    bool public_reads;                  /* reads without a token */
    struct swgi_file_words origins;     /* allowed Origin of a mutation, beside our own */
    struct swgi_file_words hosts;       /* names or globs that Host may have, beside our own */
    uint32_t connections_max;           /* default 256 */
    swg_ns request_timeout;             /* default 10 s: slow clients */
    char log[SWGI_FILE_WORD_MAX];       /* json (default) or text */
    char log_level[SWGI_FILE_WORD_MAX]; /* debug, info, warning, error */
    swg_ns audit_keep;                  /* default 400d */
    uint32_t audit_rows_max;            /* default 1,000,000 */
    swg_ns history_keep;                /* default 30d */
    uint32_t history_bytes_max;         /* default 256 MiB, told in MiB */
};

struct swgi_file_limits {
    uint32_t circuits_max;
    bool auto_create;
    int beyond;      /* SWG_BEYOND_... */
    bool has_beyond; /* no: as the program that opened the panel said */
};

struct swgi_file_metrics {
    swg_ns collection_interval;    /* default 30 s */
    struct swgi_file_words select; /* names or globs of series; none: all */
    bool seed_names;               /* default yes */
    uint32_t breakers_max;         /* default 1000 */
};

struct swgi_file_index;

struct swgi_file {
    struct swgi_declared declared;      /* what the floor below asks of it; its references, too */
    struct swgi_file_index *index;      /* of circuits, by name */
    char path[SWGI_FILE_TEXT_MAX * 16]; /* as it was given */
    char environment[32];               /* the one in force; "": none */
    struct swgi_file_panel panel;
    struct swgi_file_agent agent;
    struct swgi_file_limits limits;
    struct swgi_file_metrics metrics;
    unsigned circuits_count, alerts_count, receivers_count;
    bool alerts_shipped;                /* the file has none of its own */
    struct swgi_file_circuit *circuits; /* in the file's order */
    struct swgi_file_alert *alerts;     /* the file's; the shipped ones where it has no `alerts` */
    struct swgi_file_receiver *receivers;
};

/*
 * Read and check a file. environment NULL: SWITCHGEAR_ENVIRONMENT, else the file's own key. 0 and
 * *out; -EINVAL and every error with line and column; -ENOENT, -EACCES, ... and one error that names
 * the path. errors may be NULL.
 */
SWGI_SHARED int swgi_file_read(struct swgi_file **out, const char *path, const char *environment,
                               struct swgi_file_errors *errors);
/* The same from memory; name is what errors call it. */
int swgi_file_parse(struct swgi_file **out, const char *text, size_t length, const char *name,
                    const char *environment, struct swgi_file_errors *errors);
/* What stands in no file: all defaults, the shipped alerts, no circuit. -ENOMEM. */
SWGI_SHARED int swgi_file_empty(struct swgi_file **out);
SWGI_SHARED struct swgi_file *swgi_file_ref(struct swgi_file *file),
    *swgi_file_unref(struct swgi_file *file);

/* The entry a circuit belongs to: by its name, else the longest pattern that matches. NULL: none. */
SWGI_SHARED const struct swgi_file_circuit *swgi_file_circuit(const struct swgi_file *file,
                                                              const char *name);
/* The entry with that alias, or that name. NULL: none. */
SWGI_SHARED const struct swgi_file_circuit *swgi_file_alias(const struct swgi_file *file,
                                                            const char *alias);
/* Does a glob of the file's language (only '*' and '?' are special) match the name? */
SWGI_SHARED bool swgi_file_glob(const char *glob, const char *name);

/*
 * Bring a panel to what the file says: declared circuits are made and configured, circuits of its
 * patterns are configured, and from now on swg_circuit_get() of this process makes circuits by its
 * patterns. State, counters and, where the geometry allows, windows are kept. Everything is checked
 * before anything is changed: -EINVAL and *error as swgi_file_read(), nothing applied.
 */
SWGI_SHARED int swgi_file_apply(struct swgi_file *file, struct swg_panel *panel,
                                struct swg_error *error);

/* Where a command or the agent looks when nobody says: SWITCHGEAR_CONFIG, /etc/switchgear/switchgear.yaml
 * for root or where it exists, else $XDG_CONFIG_HOME/switchgear/switchgear.yaml (~/.config if unset). */
SWGI_SHARED void swgi_file_default_path(char *out, size_t out_size);

#endif
