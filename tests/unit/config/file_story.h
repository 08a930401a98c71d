/* Shared by the stories about configuration files: a text becomes a file, or tells what is wrong with it. */
#ifndef TESTS_CONFIG_FILE_STORY_H
#define TESTS_CONFIG_FILE_STORY_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/layer.h"

static struct swgi_file *file; /* of the latest read_text() */
static struct swgi_file_errors errors;

static inline int begin_story(void **state) {
    (void)state;
    unsetenv("SWITCHGEAR_ENVIRONMENT");
    file = NULL;
    return 0;
}

static inline int end_story(void **state) {
    (void)state;
    file = swgi_file_unref(file);
    return 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin_story, end_story)

static inline void tell_errors(void) {
    for (unsigned i = 0; i < errors.count && i < SWGI_FILE_ERRORS_MAX; i++)
        print_error("%d:%d: %s: %s\n", errors.errors[i].line, errors.errors[i].column,
                    errors.errors[i].key, errors.errors[i].text);
}

static inline void read_in(const char *text, const char *environment) {
    swgi_file_unref(file);
    file = NULL;
    if (swgi_file_parse(&file, text, strlen(text), "test.yaml", environment, &errors) != 0) {
        tell_errors();
        fail_msg("refused: %s", text);
    }
    assert_int_equal(errors.count, 0);
}

static inline void read_text(const char *text) {
    read_in(text, NULL);
}

static inline const struct swgi_file_circuit *entry(const char *name) {
    const struct swgi_file_circuit *found = swgi_file_circuit(file, name);

    if (found == NULL)
        fail_msg("there is no %s", name);
    return found;
}

/* A setting of a circuit, as it would be made. */
static inline void assert_setting(const char *name, const char *key, const char *value) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_settings settings;
    char text[SWGI_KEY_VALUE_MAX];

    if (swgi_config_apply(entry(name)->config, NULL, &settings, &error) != 0)
        fail_msg("%s: %s: %s", name, error.key, error.text);
    int rc = swgi_setting_print(&settings, key, text, sizeof(text));
    if (rc != 0)
        fail_msg("%s: %s does not print: %d", name, key, rc);
    if (strcmp(text, value) != 0)
        fail_msg("%s: %s is %s, not %s", name, key, text, value);
}

#endif
