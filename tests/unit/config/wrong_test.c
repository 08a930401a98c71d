/* Wrong files: what each is told, word by word, and that nothing comes of it. */
#include "file_story.h"
#include "wrong_files.h"

static void told(char *out, size_t size) {
    size_t used = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < errors.count && i < SWGI_FILE_ERRORS_MAX && used < size; i++) {
        const struct swg_error *error = &errors.errors[i];

        used += (size_t)snprintf(out + used, size - used, "%d:%d: %s: %s\n", error->line,
                                 error->column, error->key, error->text);
    }
}

static void refuse(const char *text) {
    struct swgi_file *out = (struct swgi_file *)&errors; /* stays as it is */

    assert_int_equal(swgi_file_parse(&out, text, strlen(text), "wrong.yaml", NULL, &errors),
                     -EINVAL);
    assert_ptr_equal(out, &errors);
}

static void test_each_wrong_file(void **state) {
    char text[8192];
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong_files) / sizeof(wrong_files[0]); i++) {
        refuse(wrong_files[i].text);
        told(text, sizeof(text));
        if (strcmp(text, wrong_files[i].told) == 0)
            continue;
        print_error("%s:\n%swas told\n%snot\n%s", wrong_files[i].name, wrong_files[i].text, text,
                    wrong_files[i].told);
        wrong++;
    }
    assert_int_equal(wrong, 0);
    assert_true(sizeof(wrong_files) / sizeof(wrong_files[0]) >= 40);
}

/* The same errors nobody asks to be told of. */
static void test_no_room_for_errors(void **state) {
    struct swgi_file *out = NULL;

    (void)state;
    assert_int_equal(swgi_file_parse(&out, "x: 1\n", 5, "x", NULL, NULL), -EINVAL);
    assert_null(out);
}

static void test_more_errors_than_are_kept(void **state) {
    char text[4096];
    size_t used = 0;

    (void)state;
    for (unsigned i = 0; i < SWGI_FILE_ERRORS_MAX + 20; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "x%u: 1\n", i);
    refuse(text);
    assert_int_equal(errors.count, SWGI_FILE_ERRORS_MAX + 20);
    for (unsigned i = 0; i < SWGI_FILE_ERRORS_MAX; i++)
        assert_int_equal(errors.errors[i].line, i + 1);
}

static void test_too_large(void **state) {
    size_t size = (4u << 20) + 1;
    char *text = malloc(size + 1);
    struct swgi_file *out = NULL;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', size);
    text[size] = '\0';
    assert_int_equal(swgi_file_parse(&out, text, size, "x", NULL, &errors), -EINVAL);
    assert_non_null(strstr(errors.errors[0].text, "allowed: 4194304"));
    assert_int_equal(errors.errors[0].line, 1);
    assert_int_equal(errors.errors[0].column, UINT16_MAX);
    memset(text, '\n', 99);
    assert_int_equal(swgi_file_parse(&out, text, size, "x", NULL, &errors), -EINVAL);
    assert_int_equal(errors.errors[0].line, 100);
    assert_int_equal(swgi_file_parse(&out, text, size - 1, "x", NULL, &errors), 0);
    swgi_file_unref(out);
    free(text);
}

/* Thousands of keys that are all wrong take no longer than so many that are right. */
static void test_a_mapping_of_twins(void **state) {
    enum { TWINS = 60000 };
    char *text = malloc(TWINS * 4 + 1);
    struct swgi_file *out = NULL;

    (void)state;
    assert_non_null(text);
    for (unsigned i = 0; i < TWINS; i++)
        memcpy(text + 4 * i, "a: \n", 5);
    assert_int_equal(swgi_file_parse(&out, text, TWINS * 4, "x", NULL, &errors), -EINVAL);
    assert_int_equal(errors.count, TWINS); /* unknown once, twice the rest */
    free(text);
}

/* As long as a file may be, and far longer than a stack has room for steps. */
static void test_circles_of_any_length(void **state) {
    enum { LENGTH = 20000, ROOM = 64 * LENGTH };
    char *text = malloc(ROOM);
    size_t used = 0;

    (void)state;
    assert_non_null(text);
    used += (size_t)snprintf(text + used, ROOM - used, "circuits:\n");
    for (unsigned i = 0; i < LENGTH; i++)
        used += (size_t)snprintf(text + used, ROOM - used, "  c%u: { depends_on: [ c%u ] }\n", i,
                                 (i + 1) % LENGTH);
    snprintf(text + used, ROOM - used,
             "  one: { depends_on: [ other ] }\n"
             "  other: { depends_on: [ one, c7 ] }\n");
    refuse(text);
    told(text, ROOM);
    assert_string_equal(text, "2:23: circuits.c0.depends_on.0: depends_on goes round in a circle "
                              "of 20000: c0, c1, c2, ..., "
                              "c19999, c0\n"
                              "20002:24: circuits.one.depends_on.0: depends_on goes round in a "
                              "circle of 2: one, other, one\n");
    free(text);
}

static void test_a_file_that_cannot_be_read(void **state) {
    struct swgi_file *out = NULL;

    (void)state;
    assert_int_equal(swgi_file_read(&out, "/nonexistent/x.yaml", NULL, &errors), -ENOENT);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.errors[0].key, "/nonexistent/x.yaml");
    assert_string_equal(errors.errors[0].text,
                        "cannot read /nonexistent/x.yaml: No such file or directory");
    assert_int_equal(swgi_file_read(&out, "/", NULL, &errors), -EISDIR);
    assert_string_equal(errors.errors[0].text,
                        "cannot read /: Is a directory; name a file in it, such "
                        "as switchgear.yaml");
    assert_int_equal(swgi_file_read(&out, "/nonexistent/x.yaml", NULL, NULL), -ENOENT);
    assert_null(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_each_wrong_file),
        STORY(test_no_room_for_errors),
        STORY(test_more_errors_than_are_kept),
        STORY(test_too_large),
        STORY(test_a_mapping_of_twins),
        STORY(test_circles_of_any_length),
        STORY(test_a_file_that_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
