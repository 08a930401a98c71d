/* Tokens: who has which, whom a file lets in, and which files are refused without telling what stands in them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/tokens.h"

/* SHA-256 of "abc" (FIPS 180-2, B.1). */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
/* Of "", by the same standard's examples. */
#define NONE "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static char path[] = "/tmp/tokens-XXXXXX", last_text[sizeof(((struct swg_error *)0)->text)];

static int make_file(void **state) {
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

static void write_file(const char *text, mode_t mode) {
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static struct swgi_tokens *read_good(const char *text) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_tokens *tokens = NULL;

    write_file(text, 0640);
    assert_int_equal(swgi_tokens_read(&tokens, path, &error), 0);
    return tokens;
}

static void read_bad(const char *text, mode_t mode, int code, int line) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_tokens *tokens = (struct swgi_tokens *)&error;

    write_file(text, mode);
    assert_int_equal(swgi_tokens_read(&tokens, path, &error), code);
    assert_ptr_equal(tokens, &error);
    assert_int_equal(error.line, line);
    assert_string_equal(error.key, path);
    assert_null(strstr(error.text, "secret"));
    assert_null(strstr(error.text, ABC));
    snprintf(last_text, sizeof(last_text), "%s", error.text);
}

static void test_a_token_is_known_by_its_hash(void **state) {
    struct swgi_tokens *tokens =
        read_good("# people\n\nalice:operator:" NONE "\r\nbob:admin:" ABC "\n");
    char user[SWGI_TOKEN_USER_MAX] = "?";

    (void)state;
    assert_int_equal(swgi_tokens_count(tokens), 2);
    assert_int_equal(swgi_tokens_check(tokens, "abc", 3, user), SWGI_ROLE_ADMIN);
    assert_string_equal(user, "bob");
    strcpy(user, "?");
    assert_int_equal(swgi_tokens_check(tokens, "abd", 3, user), SWGI_ROLE_NONE);
    assert_int_equal(swgi_tokens_check(tokens, "abc", 2, user), SWGI_ROLE_NONE);
    assert_string_equal(user, "?");
    assert_int_equal(swgi_tokens_check(tokens, "", 0, user), SWGI_ROLE_OPERATOR);
    assert_int_equal(swgi_tokens_check(NULL, "abc", 3, user), SWGI_ROLE_NONE);
    swgi_tokens_free(tokens);
}

static void test_digits_of_either_case(void **state) {
    struct swgi_tokens *tokens =
        read_good("a:viewer:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
    char user[SWGI_TOKEN_USER_MAX];

    (void)state;
    assert_int_equal(swgi_tokens_check(tokens, "abc", 3, user), SWGI_ROLE_VIEWER);
    swgi_tokens_free(tokens);
}

static void test_an_empty_file_lets_nobody_in(void **state) {
    struct swgi_tokens *tokens = read_good("");
    char user[SWGI_TOKEN_USER_MAX];

    (void)state;
    assert_int_equal(swgi_tokens_count(tokens), 0);
    assert_int_equal(swgi_tokens_check(tokens, "abc", 3, user), SWGI_ROLE_NONE);
    swgi_tokens_free(tokens);
}

static void test_wrong_lines_are_told_by_number(void **state) {
    (void)state;
    read_bad("secret\n", 0600, -EINVAL, 1);
    read_bad("\n#\nsecret:viewer\n", 0600, -EINVAL, 3);
    read_bad("a:secret:" ABC "\n", 0600, -EINVAL, 1);
    read_bad("a:none:" ABC "\n", 0600, -EINVAL, 1);
    read_bad("secret name:viewer:" ABC "\n", 0600, -EINVAL, 1);
    read_bad(":viewer:" ABC "\n", 0600, -EINVAL, 1);
    read_bad("a:viewer:" ABC "0\n", 0600, -EINVAL, 1);
    read_bad("a:viewer:secret\n", 0600, -EINVAL, 1);
    read_bad("a:viewer:zz7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n", 0600,
             -EINVAL, 1);
    read_bad("good:viewer:" ABC "\n0123456789012345678901234567890123456789:viewer:" ABC "\n", 0600,
             -EINVAL, 2);
}

static void test_who_it_is_must_be_plain(void **state) {
    (void)state;
    read_bad("a:viewer:" ABC "\n\na:admin:" NONE "\n", 0600, -EINVAL, 3);
    read_bad("# one\na:viewer:" ABC "\nb:viewer:" NONE "\nc:admin:" ABC "\n", 0600, -EINVAL, 4);
    read_bad("a:viewer:" ABC "\na:viewer:" ABC "\n", 0600, -EINVAL, 2);
    assert_string_equal(last_text, "line 2: the name is that of line 1 already; a line is "
                                   "name:role:sha256, as `switchgear agent --make-token NAME "
                                   "ROLE` prints it");
    swgi_tokens_free(read_good("a:viewer:" ABC "\nA:viewer:" NONE "\n"));
}

static void test_a_file_that_others_may_use_is_refused(void **state) {
    (void)state;
    read_bad("a:viewer:" ABC "\n", 0644, -EINVAL, 0);
    read_bad("a:viewer:" ABC "\n", 0602, -EINVAL, 0);
}

static void test_what_is_no_file(void **state) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_tokens *tokens = NULL;

    (void)state;
    assert_int_equal(swgi_tokens_read(&tokens, "/nosuch/tokens", &error), -ENOENT);
    assert_int_equal(swgi_tokens_read(&tokens, "/tmp", &error), -EINVAL);
    assert_int_equal(swgi_tokens_read(&tokens, "/dev/zero", NULL), -EINVAL);
    assert_null(tokens);
}

static void test_a_made_token_is_let_in(void **state) {
    char token[SWGI_TOKEN_TEXT_MAX], other[SWGI_TOKEN_TEXT_MAX], line[SWGI_TOKEN_LINE_MAX],
        user[SWGI_TOKEN_USER_MAX];
    struct swgi_tokens *tokens;

    (void)state;
    assert_int_equal(swgi_token_make("alice", "operator", token, line, NULL), 0);
    assert_int_equal(swgi_token_make("alice", "operator", other, line, NULL), 0);
    assert_string_not_equal(token, other);
    assert_int_equal(strlen(other), 4 + 43);
    assert_int_equal(
        strspn(other + 4, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), 43);
    assert_null(strstr(line, other));
    tokens = read_good(line);
    assert_int_equal(swgi_tokens_check(tokens, other, strlen(other), user), SWGI_ROLE_OPERATOR);
    assert_string_equal(user, "alice");
    assert_int_equal(swgi_tokens_check(tokens, token, strlen(token), user), SWGI_ROLE_NONE);
    swgi_tokens_free(tokens);
    assert_int_equal(swgi_token_make("a:b", "viewer", token, line, NULL), -EINVAL);
    assert_int_equal(swgi_token_make("a", "root", token, line, NULL), -EINVAL);
}

static void test_roles(void **state) {
    (void)state;
    for (int role = SWGI_ROLE_VIEWER; role <= SWGI_ROLE_ADMIN; role++)
        assert_int_equal(swgi_role_parse(swgi_role_name(role)), role);
    assert_int_equal(swgi_role_parse("none"), SWGI_ROLE_NONE);
    assert_string_equal(swgi_role_name(77), "none");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_a_token_is_known_by_its_hash),
        cmocka_unit_test(test_digits_of_either_case),
        cmocka_unit_test(test_an_empty_file_lets_nobody_in),
        cmocka_unit_test(test_wrong_lines_are_told_by_number),
        cmocka_unit_test(test_who_it_is_must_be_plain),
        cmocka_unit_test(test_a_file_that_others_may_use_is_refused),
        cmocka_unit_test(test_what_is_no_file),
        cmocka_unit_test(test_a_made_token_is_let_in),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
