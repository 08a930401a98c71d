/* The dashboard as it is built in: whole, served as what it is, asking nobody else, and of the packages that it says it is of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pages.h"

static const struct swgi_page *find(const char *path) {
    for (unsigned i = 0; i < swgi_pages_count; i++) {
        if (strcmp(swgi_pages[i].path, path) == 0)
            return &swgi_pages[i];
    }
    fail_msg("there is no page %s", path);
    return NULL;
}

/* A copy that ends. */
static char *text_of(const struct swgi_page *page) {
    char *text = malloc(page->size + 1);

    assert_non_null(text);
    memcpy(text, page->bytes, page->size);
    text[page->size] = '\0';
    assert_int_equal(strlen(text), page->size);
    return text;
}

static void paths_are_in_order_and_etags_are_hashes(void **state) {
    (void)state;
    assert_true(swgi_pages_count > 10);
    for (unsigned i = 0; i < swgi_pages_count; i++) {
        assert_true(i == 0 || strcmp(swgi_pages[i - 1].path, swgi_pages[i].path) < 0);
        assert_true(i == 0 || strncmp(swgi_pages[i].path, "/assets/", 8) == 0);
        assert_int_equal(strspn(swgi_pages[i].etag, "0123456789abcdef"), 64);
        assert_int_equal(strlen(swgi_pages[i].etag), 64);
        assert_true(swgi_pages[i].size > 0);
    }
    assert_string_equal(swgi_pages[0].path, "/");
}

static void types_are_what_browsers_want(void **state) {
    (void)state;
    assert_string_equal(find("/")->type, "text/html; charset=utf-8");
    assert_string_equal(find("/assets/app.js")->type, "text/javascript; charset=utf-8");
    assert_string_equal(find("/assets/style.css")->type, "text/css; charset=utf-8");
    assert_string_equal(find("/assets/icon.svg")->type, "image/svg+xml");
}

/* Every src="assets/..." and href="assets/..." of the page is a page, too. */
static void check_attribute(const char *text, const char *attribute) {
    size_t length = strlen(attribute);
    unsigned found = 0;

    for (const char *at = strstr(text, attribute); at; at = strstr(at + 1, attribute)) {
        char path[128];

        snprintf(path, sizeof(path), "/%.*s", (int)strcspn(at + length, "\""), at + length);
        if (path[1] == '#')
            continue;
        find(path);
        found++;
    }
    assert_true(found > 0);
}

static void what_the_page_asks_for_is_there(void **state) {
    char *text = text_of(find("/"));

    (void)state;
    check_attribute(text, " src=\"");
    check_attribute(text, " href=\"");
    free(text);
}

static void modules_import_what_is_there(void **state) {
    static const char from[] = "from './";

    (void)state;
    for (unsigned i = 0; i < swgi_pages_count; i++) {
        char *text = strstr(swgi_pages[i].type, "javascript") ? text_of(&swgi_pages[i]) : NULL;

        for (const char *at = text ? strstr(text, from) : NULL; at; at = strstr(at + 1, from)) {
            char path[128];

            snprintf(path, sizeof(path), "/assets/%.*s", (int)strcspn(at + sizeof(from) - 1, "'"),
                     at + sizeof(from) - 1);
            find(path);
        }
        free(text);
    }
}

static void the_page_holds_no_script_and_no_style(void **state) {
    char *text = text_of(find("/"));

    (void)state;
    assert_non_null(strstr(text, "default-src 'none'"));
    assert_null(strstr(text, "unsafe"));
    assert_null(strstr(text, "<style"));
    assert_null(strstr(text, " style="));
    assert_null(strstr(text, "javascript:"));
    assert_null(strstr(text, " onload="));
    for (const char *at = strstr(text, "<script"); at; at = strstr(at + 1, "<script"))
        assert_true(strncmp(at, "<script src=\"assets/", 20) == 0);
    free(text);
}

/* Text of the agent becomes text nodes: nobody takes the ways on which it would become anything else. */
static void nothing_is_made_of_text(void **state) {
    static const char *const never[] = { "innerHTML",          "outerHTML",
                                         "insertAdjacentHTML", "dangerouslySetInnerHTML",
                                         "document.write",     "eval(",
                                         "new Function" };

    (void)state;
    for (unsigned i = 0; i < swgi_pages_count; i++) {
        char *text;

        if (!strstr(swgi_pages[i].type, "javascript") || strstr(swgi_pages[i].path, "/vendor/"))
            continue;
        text = text_of(&swgi_pages[i]);
        for (size_t n = 0; n < sizeof(never) / sizeof(never[0]); n++)
            assert_null(strstr(text, never[n]));
        free(text);
    }
}

/* Lines of VERSIONS: file, package, version, licence, path, SHA-256. */
static void vendored_files_are_those_of_their_packages(void **state) {
    char *text = text_of(find("/assets/vendor/VERSIONS")), *line = strtok(text, "\n");
    unsigned told = 0, there = 0;

    (void)state;
    for (; line; line = strtok(NULL, "\n")) {
        char file[64], hash[72], path[96];

        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%63s %*s %*s %*s %*s %71s", file, hash), 2);
        snprintf(path, sizeof(path), "/assets/vendor/%s", file);
        assert_string_equal(find(path)->etag, hash);
        told++;
    }
    for (unsigned i = 0; i < swgi_pages_count; i++)
        there += strncmp(swgi_pages[i].path, "/assets/vendor/", 15) == 0;
    assert_int_equal(there, told + 1); /* VERSIONS itself */
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_in_order_and_etags_are_hashes),
        cmocka_unit_test(types_are_what_browsers_want),
        cmocka_unit_test(what_the_page_asks_for_is_there),
        cmocka_unit_test(modules_import_what_is_there),
        cmocka_unit_test(the_page_holds_no_script_and_no_style),
        cmocka_unit_test(nothing_is_made_of_text),
        cmocka_unit_test(vendored_files_are_those_of_their_packages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
