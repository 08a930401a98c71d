/* Addresses that are one, sockets that are replaced and that are not, and who is at the other end. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/listen.h"

static char folder[] = "/tmp/listen-XXXXXX";
static char path[64];

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/socket", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

static void test_tcp(void **state) {
    struct swgi_listener one, other;
    char address[64];

    (void)state;
    assert_int_equal(swgi_listen_tcp(&one, "127.0.0.1:0", NULL), 0);
    assert_true(one.port > 0);
    assert_true(one.is_loopback);
    assert_false(one.is_unix);
    snprintf(address, sizeof(address), "127.0.0.1:%d", one.port);
    assert_string_equal(one.name, address);
    assert_int_equal(swgi_listen_tcp(&other, address, NULL), -EADDRINUSE);
    swgi_listen_close(&one);
    assert_int_equal(swgi_listen_tcp(&one, address, NULL), 0);
    swgi_listen_close(&one);
    swgi_listen_close(&one); /* again is fine */
}

static void test_addresses_that_are_none(void **state) {
    static const char *const wrong[] = { "",         "localhost",     ":80",
                                         "1.2.3.4:", "1.2.3.4:70000", "::1:80",
                                         "[::1]",    "[]:80",         "[::1:80",
                                         "a:b:80",   "1.2.3.4:-1",    "no.such.host.invalid:80" };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct swg_error error = SWG_ERROR_INIT;
        struct swgi_listener listener;

        assert_int_equal(swgi_listen_tcp(&listener, wrong[i], &error), -EINVAL);
        assert_string_equal(error.key, wrong[i]);
    }
}

static void test_a_socket_is_for_its_group(void **state) {
    struct swgi_listener listener, other;
    struct stat status;

    (void)state;
    assert_int_equal(swgi_listen_unix(&listener, path, NULL), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    assert_int_equal(listener.group, status.st_gid);
    assert_int_equal(swgi_listen_unix(&other, path, NULL), -EADDRINUSE);
    swgi_listen_close(&listener);
    assert_int_equal(stat(path, &status), -1);
}

static void test_one_that_was_left_is_replaced(void **state) {
    struct swgi_listener listener;

    (void)state;
    assert_int_equal(swgi_listen_unix(&listener, path, NULL), 0);
    close(listener.fd); /* as a killed process would */
    assert_int_equal(swgi_listen_unix(&listener, path, NULL), 0);
    swgi_listen_close(&listener);
}

static void test_what_is_no_socket_stays(void **state) {
    struct swgi_listener listener;
    int fd = open(path, O_CREAT | O_WRONLY, 0600);

    (void)state;
    close(fd);
    assert_int_equal(swgi_listen_unix(&listener, path, NULL), -EEXIST);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(swgi_listen_unix(&listener, "relative", NULL), -EINVAL);
    assert_int_equal(swgi_listen_unix(&listener, "/nosuch/folder/socket", NULL), -ENOENT);
}

static void test_given_ones_must_listen(void **state) {
    struct swgi_listener listener, given;
    int unbound = socket(AF_INET, SOCK_STREAM, 0), file = open("/dev/null", O_RDONLY);

    (void)state;
    assert_int_equal(swgi_listen_given(&given, unbound, NULL), -EINVAL);
    assert_int_equal(swgi_listen_given(&given, file, NULL), -EINVAL);
    assert_int_equal(swgi_listen_tcp(&listener, "127.0.0.1:0", NULL), 0);
    assert_int_equal(swgi_listen_given(&given, listener.fd, NULL), 0);
    assert_int_equal(given.port, listener.port);
    assert_false(given.ours);
    swgi_listen_close(&listener);
    close(unbound);
    close(file);
}

static void test_the_peer_is_us(void **state) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct swgi_peer_credentials peer;
    struct swgi_listener listener;
    int client = socket(AF_UNIX, SOCK_STREAM, 0), server;

    (void)state;
    assert_int_equal(swgi_listen_unix(&listener, path, NULL), 0);
    strcpy(address.sun_path, path);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    server = accept(listener.fd, NULL, NULL);
    assert_true(server >= 0);
    assert_int_equal(swgi_listen_peer(server, getegid(), &peer), 0);
    assert_int_equal(peer.uid, geteuid());
    assert_true(peer.in_group);
    assert_int_equal(swgi_listen_peer(server, 54321, &peer), 0);
    assert_false(peer.in_group);
    assert_int_equal(swgi_listen_peer(listener.fd + 100, 0, &peer), -EBADF);
    close(client);
    close(server);
    swgi_listen_close(&listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_addresses_that_are_none),
        cmocka_unit_test(test_a_socket_is_for_its_group),
        cmocka_unit_test(test_one_that_was_left_is_replaced),
        cmocka_unit_test(test_what_is_no_socket_stays),
        cmocka_unit_test(test_given_ones_must_listen),
        cmocka_unit_test(test_the_peer_is_us),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
