/*
 * Memory that runs out: whichever allocation fails, reading says -ENOMEM, leaves nothing behind, and
 * a load leaves the panel as it was. malloc() and its kin are this program's own, and count.
 */
#include "file_story.h"

#include <unistd.h>

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||   \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer) || \
    HAS_FEATURE(memory_sanitizer)
static void test_memory(void **state) {
    (void)state;
    print_message("a sanitizer has a malloc() of its own\n");
    skip();
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else

static long left = -1; /* allocations until one fails; -1: none does */
static unsigned long outstanding;
static bool counting;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *old);

static bool fails(void) {
    if (!counting || left < 0)
        return false;
    return left-- == 0;
}

static void *counted(void *fresh) {
    outstanding += counting && fresh != NULL;
    return fresh;
}

void *malloc(size_t size) {
    return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
    return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size) {
    if (fails())
        return NULL;
    void *fresh = __libc_realloc(old, size);
    return old == NULL ? counted(fresh) : fresh;
}

void free(void *old) {
    outstanding -= counting && old != NULL;
    __libc_free(old);
}

static const char text[] =
    "environment: testing\n"
    "agent: { origins: ['http://a', 'http://b'] }\n"
    "defaults: { preset: read }\n"
    "circuits:\n"
    "  a: { depends_on: [b], fallback: { chain: [static], static: x } }\n"
    "  b: { bulkhead: { max_concurrent: 3 } }\n"
    "  'c-*': { max: 3 }\n"
    "receivers: { r: { kind: log } }\n"
    "alerts: [ { name: a, when: open, circuits: [a], to: [r] } ]\n"
    "environments: { staging: { circuits: { a: {} }, agent: { origins: ['http://c'] } } }\n";

static int read_once(struct swgi_file **out) {
    return swgi_file_parse(out, text, strlen(text), "x", NULL, &errors);
}

static void test_reading(void **state) {
    struct swgi_file *out = NULL;
    int rc = -ENOMEM;
    unsigned tries = 0, leaky = 0;

    (void)state;
    assert_int_equal(read_once(&out), 0); /* what is made once for all is made */
    swgi_file_unref(out);
    for (; rc != 0 && tries < 100000; tries++) {
        left = tries;
        out = NULL;
        outstanding = 0;
        counting = true;
        rc = read_once(&out);
        if (rc == 0)
            out = swgi_file_unref(out);
        counting = false;
        left = -1;
        if (rc != 0 && rc != -ENOMEM)
            fail_msg("%u: %d: %s", tries, rc, errors.errors[0].text);
        assert_null(out);
        leaky += outstanding != 0;
        if (rc != 0)
            assert_string_equal(errors.errors[0].text, "no memory to read the configuration");
    }
    assert_true(tries > 100);
    /* libyaml 0.2.5 loses a tag of its own where one allocation fails. */
    assert_true(leaky <= 1);
}

static void test_loading(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_panel *panel = NULL;
    struct swg_circuit *circuit = NULL;
    char path[] = "/tmp/switchgear-memory-XXXXXX";
    char value[64];
    int fd = mkstemp(path), rc = -ENOMEM;

    (void)state;
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    options.virtual_clock = 1;
    options.circuits_max = 8;
    assert_int_equal(swg_panel_open(&panel, &options, NULL), 0);
    assert_int_equal(swg_circuit_get(panel, "a", NULL, &circuit, NULL), 0);
    for (unsigned tries = 0; rc != 0 && tries < 100000; tries++) {
        left = tries;
        counting = true;
        rc = swg_panel_load(panel, path, NULL);
        counting = false;
        left = -1;
        assert_true(rc == 0 || rc == -ENOMEM);
        assert_int_equal(swg_circuit_setting(circuit, "breaker.open.for", value, sizeof(value)), 0);
        assert_string_equal(value, rc == 0 ? "200ms" : "30s");
    }
    swg_panel_unref(panel);
    unlink(path);
}

static void test_keys(void **state) {
    struct swg_config *config = NULL;
    int rc = -ENOMEM;

    (void)state;
    assert_int_equal(swg_config_new(&config), 0);
    for (unsigned tries = 0; rc != 0 && tries < 10000; tries++) {
        struct swg_config before = *config;
        outstanding = 0;
        left = tries;
        counting = true;
        rc = swg_config_yaml(config, "{preset: read, retry: {attempts: 3}}", NULL);
        counting = false;
        left = -1;
        assert_true(rc == 0 || rc == -ENOMEM);
        assert_int_equal(outstanding, 0);
        if (rc != 0)
            assert_memory_equal(config, &before, sizeof(before));
    }
    swg_config_unref(config);
}

int main(void) {
    const struct CMUnitTest tests[] = { STORY(test_reading), STORY(test_loading),
                                        STORY(test_keys) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
