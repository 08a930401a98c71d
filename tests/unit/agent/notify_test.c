/* What a supervisor is told, by path and by abstract name, and what is taken from it. */
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
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/notify.h"

static char folder[] = "/tmp/notify-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

/* A supervisor's socket at "/path" or "@name". */
static int listen_at(const char *name) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    strcpy(address.sun_path, name);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(
        bind(fd, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] == '/'))),
        0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void hear(int fd, char *out, size_t size) {
    ssize_t length = recv(fd, out, size - 1, 0);

    assert_true(length >= 0);
    out[length] = '\0';
}

static void tell_and_hear(const char *name) {
    char text[512];
    int fd = listen_at(name);

    assert_true(swgi_notify("READY=1\nSTATUS=%d circuits", 3));
    hear(fd, text, sizeof(text));
    assert_string_equal(text, "READY=1\nSTATUS=3 circuits");
    swgi_notify_reloading();
    hear(fd, text, sizeof(text));
    assert_non_null(strstr(text, "RELOADING=1\nMONOTONIC_USEC="));
    assert_true(atoll(text + strlen("RELOADING=1\nMONOTONIC_USEC=")) > 0);
    close(fd);
}

static void test_by_path(void **state) {
    char name[64];

    (void)state;
    snprintf(name, sizeof(name), "%s/socket", folder);
    tell_and_hear(name);
    assert_false(swgi_notify("READY=1")); /* it is gone */
    unlink(name);
    assert_false(swgi_notify("READY=1"));
}

static void test_by_abstract_name(void **state) {
    char name[64];

    (void)state;
    snprintf(name, sizeof(name), "@switchgear-notify-test-%ld", (long)getpid());
    tell_and_hear(name);
}

static void test_names_that_are_none(void **state) {
    char name[300];

    (void)state;
    memset(name, 'x', sizeof(name));
    name[0] = '/';
    name[sizeof(name) - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_false(swgi_notify("READY=1"));
    setenv("NOTIFY_SOCKET", "relative", 1);
    assert_false(swgi_notify("READY=1"));
    setenv("NOTIFY_SOCKET", "", 1);
    assert_false(swgi_notify("READY=1"));
    unsetenv("NOTIFY_SOCKET");
    assert_false(swgi_notify("READY=1"));
}

static void test_the_watchdog_is_half_of_what_is_asked(void **state) {
    char pid[32];

    (void)state;
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(swgi_notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(swgi_notify_watchdog_ms(), 15000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(swgi_notify_watchdog_ms(), 0);
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(swgi_notify_watchdog_ms(), 15000);
    setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(swgi_notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "100", 1);
    assert_int_equal(swgi_notify_watchdog_ms(), 1);
}

static void test_sockets_are_taken_if_they_are_meant_for_us(void **state) {
    char pid[32];

    (void)state;
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", "1", 1);
    assert_int_equal(swgi_notify_listen_fds(), 0);
    assert_null(getenv("LISTEN_FDS"));
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    assert_true(dup2(STDOUT_FILENO, SWGI_LISTEN_FDS_START) >= 0);
    assert_int_equal(swgi_notify_listen_fds(), 1);
    assert_int_equal(fcntl(SWGI_LISTEN_FDS_START, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_null(getenv("LISTEN_PID"));
    close(SWGI_LISTEN_FDS_START);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "99999999999", 1);
    assert_true(swgi_notify_listen_fds() <= 8); /* no further than descriptors reach */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_path),
        cmocka_unit_test(test_by_abstract_name),
        cmocka_unit_test(test_names_that_are_none),
        cmocka_unit_test(test_the_watchdog_is_half_of_what_is_asked),
        cmocka_unit_test(test_sockets_are_taken_if_they_are_meant_for_us),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
