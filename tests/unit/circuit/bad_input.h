/* For stories about misuse: private and file panels with real time, children, structs of other sizes. */
#ifndef TESTS_CIRCUIT_BAD_INPUT_H
#define TESTS_CIRCUIT_BAD_INPUT_H

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "switchgear/switchgear.h"

#define S(n) ((n)*INT64_C(1000000000))

static char folder[64], path[96]; /* of this test's file panel */

static inline int begin_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof(folder), "%s/swg-test.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/main", folder);
    return 0;
}

static inline void remove_file(const char *suffix) {
    char name[128];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    unlink(name);
}

static inline int end_folder(void **state) {
    (void)state;
    remove_file(".v1.panel");
    remove_file(".v1.lock");
    return rmdir(folder);
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, begin_folder, end_folder)

static inline struct swg_panel_options small_options(const char *of) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.path = of;
    options.circuits_max = 8;
    options.columns_max = 4;
    options.slots_max = 4096;
    options.events_max = 64;
    return options;
}

static inline struct swg_panel *open_with(const struct swg_panel_options *options) {
    struct swg_panel *panel = NULL;
    struct swg_error error = SWG_ERROR_INIT;
    if (swg_panel_open(&panel, options, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
    return panel;
}

/* of NULL: private. */
static inline struct swg_panel *open_small(const char *of) {
    struct swg_panel_options options = small_options(of);
    return open_with(&options);
}

static inline struct swg_circuit *get(struct swg_panel *panel, const char *name) {
    struct swg_circuit *circuit = NULL;
    struct swg_error error = SWG_ERROR_INIT;
    if (swg_circuit_get(panel, name, NULL, &circuit, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
    return circuit;
}

static inline struct swg_status status_of(const struct swg_circuit *circuit) {
    struct swg_status status = SWG_STATUS_INIT;
    assert_int_equal(swg_circuit_status(circuit, &status), 0);
    return status;
}

static inline struct swg_permit admitted(struct swg_circuit *circuit) {
    struct swg_permit permit;
    assert_int_equal(swg_acquire(circuit, NULL, &permit), SWG_GO);
    return permit;
}

/* A story that a child process tells; it ends well or with the line that was not so. */
#define CHILD_ASSERT(condition)                                                    \
    do {                                                                           \
        if (!(condition)) {                                                        \
            fprintf(stderr, "child: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                              \
        }                                                                          \
    } while (0)

static inline void in_child(void (*story)(void *), void *arg) {
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        story(arg);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("a child ended with status %#x", (unsigned)status);
}

static inline void in_thread(void *(*story)(void *), void *arg) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, story, arg), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

#endif
