/*
 * For tests of the panel: temporary folders, panels with their insides, children that must end
 * well.
 */
#ifndef TESTS_UNIT_PANEL_INSIDE_H
#define TESTS_UNIT_PANEL_INSIDE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "panel/panel.h"
#include "panel/words.h"

static char folder[64]; /* of this test, on tmpfs where there is one */
static char path[96];   /* of its panel, without suffix */
static struct swg_error error;

static inline int begin_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof(folder), "%s/swg-test.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    error = (struct swg_error)SWG_ERROR_INIT;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/main", folder);
    return 0;
}

static inline int remove_one(const char *name, const struct stat *status, int kind,
                             struct FTW *where) {
    (void)status;
    (void)kind;
    (void)where;
    return remove(name);
}

static inline int end_folder(void **state) {
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, begin_folder, end_folder)

static inline const char *panel_file(void) {
    static char name[128];
    snprintf(name, sizeof(name), "%s.v1.panel", path);
    return name;
}

static inline const char *lock_file(void) {
    static char name[128];
    snprintf(name, sizeof(name), "%s.v1.lock", path);
    return name;
}

/* A small panel: attaching many times must be cheap. */
static inline struct swg_panel_options small_options(void) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.path = path;
    options.circuits_max = 8;
    options.columns_max = 4;
    options.histograms_max = 2;
    options.slots_max = 256;
    options.events_max = 64;
    return options;
}

static inline struct swg_panel *open_with(const struct swg_panel_options *options) {
    struct swg_panel *panel = NULL;
    if (swg_panel_open(&panel, options, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
    return panel;
}

static inline struct swg_panel *open_small(void) {
    struct swg_panel_options options = small_options();
    return open_with(&options);
}

static inline struct swg_panel *open_private(void) {
    struct swg_panel_options options = small_options();
    options.path = NULL;
    return open_with(&options);
}

static inline struct swgi_map *map_of(struct swg_panel *panel) {
    return atomic_load(&panel->map);
}

/* Opening fails with this code, and says why and where. */
#define assert_open_fails(options, wanted, words)                              \
    do {                                                                       \
        struct swg_panel *none_ = NULL;                                        \
        error = (struct swg_error)SWG_ERROR_INIT;                              \
        assert_int_equal(swg_panel_open(&none_, (options), &error), (wanted)); \
        assert_null(none_);                                                    \
        assert_int_equal(error.code, (wanted));                                \
        if (strstr(error.text, (words)) == NULL)                               \
            fail_msg("\"%s\" does not say \"%s\"", error.text, (words));       \
    } while (0)

/* Code of a child runs without cmocka: what fails there ends it with this line's number. */
#define CHILD_ASSERT(condition)                                                        \
    do {                                                                               \
        if (!(condition)) {                                                            \
            fprintf(stderr, "child: %s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, \
                    error.text);                                                       \
            _exit(1);                                                                  \
        }                                                                              \
    } while (0)

static inline pid_t start_child(void (*story)(void *), void *arg) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        story(arg);
        _exit(0);
    }
    return child;
}

static inline void child_ended_well(pid_t child) {
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("a child ended with status %#x", (unsigned)status);
}

static inline void kill_child(pid_t child) {
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static inline void in_child(void (*story)(void *), void *arg) {
    child_ended_well(start_child(story, arg));
}

/*
 * Does a child's attempt succeed here? Emulators and containers do not do everything a kernel
 * does.
 */
static inline bool child_can(void (*attempt)(void *), void *arg) {
    int status = 0;
    pid_t child = start_child(attempt, arg);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Memory that parent and children share, to tell each other how far they are. */
static inline _Atomic uint32_t *shared_words(size_t count) {
    void *memory = mmap(NULL, count * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    return memory;
}

/* Until a condition holds, for at most a minute. */
#define WAIT_FOR(condition)                                                                     \
    for (int64_t until_ = swgi_clock_of(CLOCK_MONOTONIC) + INT64_C(60000000000); !(condition);) \
        if (swgi_clock_of(CLOCK_MONOTONIC) > until_)                                            \
            abort();                                                                            \
        else                                                                                    \
            nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL)

#endif
