/*
 * --preset and --set speak when they make the circuit. On one that exists they must agree with it: two cron jobs that fight over
 * thresholds would otherwise never be noticed.
 */
#include "cli/protect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/text.h"
#include "report/describe.h"
#include "report/json.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "cli/settings_file.h"
#include "report/text.h"

static void release_config(struct swg_config **config) {
    *config = swg_config_unref(*config);
}

/* The key is apart from the sentence, and is the first thing a person looks for. */
static int say_setting(int rc, const struct swg_error *error) {
    const char *text = swgi_fault_text(rc, error);
    bool names_key = !error->key[0] || strstr(text, error->key) != NULL;

    swgi_say("%s%s%s", names_key ? "" : error->key, names_key ? "" : ": ", text);
    return rc == -ENOMEM ? EX_OSERR : EX_CONFIG;
}

static int fill_config(const struct swgi_options *options, struct swg_config *config) {
    struct swg_error error = SWG_ERROR_INIT;
    int rc = options->preset ? swg_config_preset(config, options->preset, &error) : 0;

    for (size_t i = 0; rc == 0 && i < options->sets_count; i++)
        rc = swg_config_set(config, options->sets[i].key, options->sets[i].value, &error);
    return rc < 0 ? say_setting(rc, &error) : 0;
}

static int settle(const struct swgi_options *options, struct swg_circuit *circuit,
                  const struct swg_config *config) {
    struct swg_error error = SWG_ERROR_INIT;
    int rc = swg_circuit_differs(circuit, config, &error);

    if (rc > 0 && options->file) {
        swgi_say("%s is configured by %s: %s %s", swg_circuit_name(circuit), options->file->path,
                 error.key, error.text);
        swgi_say("change it there, or leave out --preset and --set");
        return EX_CONFIG;
    }
    if (rc > 0 && !options->reconfigure) {
        swgi_say("%s exists with other settings: %s %s", swg_circuit_name(circuit), error.key,
                 error.text);
        swgi_say(
            "leave out --preset and --set to use it as it is, or change it with --reconfigure");
        return EX_CONFIG;
    }
    if (rc > 0)
        rc = swg_circuit_configure(circuit, config, &error);
    return rc < 0 ? say_setting(rc, &error) : 0;
}

static int get_circuit(const struct swgi_options *options, const char *name,
                       struct swg_panel *panel, const struct swg_config *config,
                       struct swg_circuit **circuit) {
    struct swg_error error = SWG_ERROR_INIT;
    int rc = swg_circuit_get(panel, name, config, circuit, &error);

    if (rc == 0)
        return config ? settle(options, *circuit, config) : 0;
    if (rc == -EINVAL)
        return say_setting(rc, &error);
    swgi_say("%s: %s", name, swgi_fault_text(rc, &error));
    return rc == -ENOENT ? EX_CONFIG : swgi_fault_status(rc);
}

/* What the file declares, and what it allows to be made. */
static int apply_file(const struct swgi_options *options, struct swg_panel *panel) {
    struct swg_error error = SWG_ERROR_INIT;
    int rc = options->file ? swgi_file_apply(options->file, panel, &error) : 0;

    if (rc == 0)
        return 0;
    swgi_say("%s: %s%s%s", options->file->path, error.key, error.key[0] ? ": " : "",
             swgi_fault_text(rc, &error));
    return rc == -EINVAL ? EX_CONFIG : swgi_fault_status(rc);
}

/* A name, or the one whose alias it is. */
static const char *name_meant(const struct swgi_options *options, struct swg_panel *panel,
                              const char *name) {
    const char *target = swgi_alias_target(options->file, name);
    struct swg_circuit *circuit;

    return target && swg_circuit_find(panel, name, &circuit) < 0 ? target : name;
}

int swgi_protect(const struct swgi_options *options, const char *name, struct swg_panel **panel,
                 struct swg_circuit **circuit) {
    __attribute__((cleanup(release_config))) struct swg_config *config = NULL;
    char clean[SWGI_CLEAN_MAX];
    int status = 0;

    if (!swgi_name_valid(name)) {
        swgi_say("'%s' is no name of a circuit: 1 to 127 of A-Z a-z 0-9 . _ : @ / -",
                 swgi_clean_text(name, true, clean, sizeof(clean)));
        return EX_USAGE;
    }
    if (options->preset || options->sets_count > 0) {
        if (swg_config_new(&config) < 0)
            return EX_OSERR;
        status = fill_config(options, config);
    }
    if (status == 0)
        status = swgi_panel_attach(options, SWG_PANEL_CREATE, panel);
    if (status == 0)
        status = apply_file(options, *panel);
    if (status == 0)
        status = get_circuit(options, name_meant(options, *panel, name), *panel, config, circuit);
    return status;
}

/* Nobody knows when a place will be free: the library names a millisecond. */
#define SOON INT64_C(1000000)

/* "in 12 s (at 03:12:44)" */
static const char *until_text(swg_ns retry_in, char *out, size_t out_size) {
    char duration[SWGI_TEXT_MAX], wall[SWGI_TEXT_MAX];
    struct timespec now;

    if (retry_in == SWG_NS_MAX) {
        snprintf(out, out_size, "not before somebody acts");
        return out;
    }
    if (retry_in <= SOON) {
        snprintf(out, out_size, "try again soon");
        return out;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    swgi_wall_text(
        (now.tv_sec * INT64_C(1000000000) + now.tv_nsec + retry_in + 999999999) / 1000000, wall);
    snprintf(out, out_size, "try again in %s (at %s)", swgi_duration_text(retry_in, duration),
             wall + 11);
    return out;
}

static void print_refused(const struct swg_circuit *circuit, int verdict, swg_ns retry_in) {
    swgi_json_print(stderr,
                    json_pack("{s:s, s:b, s:s, s:o, s:b}", "circuit", swg_circuit_name(circuit),
                              "admitted", 0, "verdict", swgi_verdict_word(verdict),
                              "retry_in_seconds", swgi_json_seconds(retry_in), "by_hand_only",
                              retry_in == SWG_NS_MAX),
                    true);
}

/* The caller of this says already what was not done. */
static const char *reason_text(const struct swg_circuit *circuit, int verdict, char *out,
                               size_t out_size) {
    struct swg_status status = SWG_STATUS_INIT;
    const char *text = swg_strerror(verdict), *reason = strstr(text, ": ");

    snprintf(out, out_size, "%s%s", verdict == SWG_QUEUE_SATURATED ? "QUEUE_SATURATED, " : "",
             reason ? reason + 2 : text);
    if (verdict == SWG_OPEN && swg_circuit_status(circuit, &status) == 0)
        snprintf(out, out_size, "the circuit is %s", swgi_state_word(&status));
    return out;
}

int swgi_tell_refused(const struct swgi_options *options, const struct swg_circuit *circuit,
                      int verdict, swg_ns retry_in, const char *what) {
    char until[120], why[160];

    if (options->json) {
        print_refused(circuit, verdict, retry_in);
        return EX_TEMPFAIL;
    }
    swgi_tell(options, "%s: %s: %s; %s", swg_circuit_name(circuit), what,
              reason_text(circuit, verdict, why, sizeof(why)),
              until_text(retry_in, until, sizeof(until)));
    return EX_TEMPFAIL;
}

bool swgi_stand_in(const struct swg_circuit *circuit, int verdict, char out[SWGI_STAND_IN_MAX]) {
    char chain[128];

    return verdict != SWG_QUEUE_SATURATED && verdict > 0 &&
           swg_circuit_setting(circuit, "fallback.chain", chain, sizeof(chain)) == 0 &&
           strstr(chain, "static") != NULL &&
           swg_circuit_setting(circuit, "fallback.static", out, SWGI_STAND_IN_MAX) == 0;
}

void swgi_tell_degraded(const struct swgi_options *options, const struct swg_circuit *circuit,
                        int verdict, const char *what) {
    char why[160] = "it failed";

    if (verdict != SWG_FAILED)
        reason_text(circuit, verdict, why, sizeof(why));
    swgi_tell(options, "%s: %s: %s; fallback.static stands in", swg_circuit_name(circuit), what,
              why);
}
