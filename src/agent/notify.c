/* One datagram a message. A supervisor that does not listen must not stop us: nothing here is waited for. */
#include "agent/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define ACTIVATED_MAX 8u

/* "/path", or "@name" for the abstract one of that name. */
static bool address_of(const char *name, struct sockaddr_un *out, socklen_t *size) {
    size_t length = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof(out->sun_path))
        return false;
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(out->sun_path, name, length);
    if (name[0] == '@')
        out->sun_path[0] = '\0';
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/'));
    return true;
}

static bool send_text(const char *text, size_t length) {
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t size;
    ssize_t sent;
    int fd;

    if (!name || !address_of(name, &address, &size))
        return false;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    sent = sendto(fd, text, length, MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    close(fd);
    return sent == (ssize_t)length;
}

bool swgi_notify(const char *format, ...) {
    char text[512];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return length > 0 && (size_t)length < sizeof(text) && send_text(text, (size_t)length);
}

void swgi_notify_reloading(void) {
    (void)swgi_notify("RELOADING=1\nMONOTONIC_USEC=%lld",
                      (long long)(swgi_clock_of(CLOCK_MONOTONIC) / 1000));
}

/* A number in the environment; 0 when there is none. */
static uint64_t number_of(const char *name) {
    const char *text = getenv(name);
    uint64_t number = 0;

    return text && swgi_integer_parse(text, &number) == 0 ? number : 0;
}

/* Is what the variable says meant for this process, and not for one that it was inherited from? */
static bool is_ours(const char *name) {
    return number_of(name) == (uint64_t)getpid();
}

uint64_t swgi_notify_watchdog_ms(void) {
    uint64_t us = number_of("WATCHDOG_USEC");

    if (us == 0 || (getenv("WATCHDOG_PID") && !is_ours("WATCHDOG_PID")))
        return 0;
    return us / 2000 > 0 ? us / 2000 : 1;
}

unsigned swgi_notify_listen_fds(void) {
    uint64_t count = is_ours("LISTEN_PID") ? number_of("LISTEN_FDS") : 0;

    if (count > ACTIVATED_MAX)
        count = ACTIVATED_MAX;
    for (int fd = SWGI_LISTEN_FDS_START; fd < SWGI_LISTEN_FDS_START + (int)count; fd++) {
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            count = (uint64_t)(fd - SWGI_LISTEN_FDS_START);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return (unsigned)count;
}
