/* Listening sockets. TCP binds one address and never all by oversight; a Unix socket is nobody's but its user's and group's. */
#include "agent/listen.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

#define BACKLOG    128
#define GROUP_NAME "switchgear"
#define GROUPS_MAX 1024u

static int no_address(struct swg_error *error, const char *address) {
    return swgi_fail(error, -EINVAL, address,
                     "not an address to listen on; write 127.0.0.1:9190, [::1]:9190 or off");
}

/* "host:port" or "[host]:port", apart. */
static bool split(const char *address, char *host, size_t host_size, char *port, size_t port_size) {
    const char *colon = strrchr(address, ':');
    size_t length = colon ? (size_t)(colon - address) : 0;
    uint64_t number = 0;

    if (length == 0 || swgi_integer_parse(colon + 1, &number) < 0 || number > 65535)
        return false;
    if (address[0] == '[') {
        if (length < 3 || address[length - 1] != ']')
            return false;
        address++;
        length -= 2;
    } else if (memchr(address, ':', length)) {
        return false;
    }
    if (length >= host_size)
        return false;
    memcpy(host, address, length);
    host[length] = '\0';
    snprintf(port, port_size, "%u", (unsigned)number);
    return true;
}

static bool is_loopback(const struct sockaddr_storage *address) {
    if (address->ss_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24) == 127;
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return address->ss_family == AF_UNIX;
}

/* What the socket is bound to, in words. */
static void describe_tcp(struct swgi_listener *listener, const struct sockaddr_storage *address,
                         socklen_t size) {
    char host[128] = "?", port[16] = "0";

    getnameinfo((const struct sockaddr *)address, size, host, sizeof(host), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
    listener->port = atoi(port);
    listener->is_loopback = is_loopback(address);
    snprintf(listener->name, sizeof(listener->name),
             address->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static void describe_unix(struct swgi_listener *listener, const struct sockaddr_storage *address) {
    const struct sockaddr_un *local = (const struct sockaddr_un *)address;
    struct stat status;

    listener->is_unix = listener->is_loopback = true;
    snprintf(listener->name, sizeof(listener->name), "%s",
             local->sun_path[0] ? local->sun_path : "(abstract)");
    listener->group =
        local->sun_path[0] && stat(local->sun_path, &status) == 0 ? status.st_gid : getegid();
}

static void describe(struct swgi_listener *listener) {
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);

    if (getsockname(listener->fd, (struct sockaddr *)&address, &size) != 0)
        return;
    if (address.ss_family == AF_UNIX)
        describe_unix(listener, &address);
    else
        describe_tcp(listener, &address, size);
}

/* The socket, bound, or -errno. */
static int bind_tcp(const struct addrinfo *info) {
    int one = 1, code,
        fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (info->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0)
        return fd;
    code = -errno;
    close(fd);
    return code;
}

/* The same for "host:port", with any free port where it is only tried. */
static int bind_address(const char *address, bool is_trial, struct swg_error *error) {
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *info = NULL;
    char host[256], port[16];
    int fd, rc;

    if (!split(address, host, sizeof(host), port, sizeof(port)))
        return no_address(error, address);
    rc = getaddrinfo(host, is_trial ? "0" : port, &hints, &info);
    if (rc != 0)
        return swgi_fail(error, -EINVAL, address, "cannot listen: %s", gai_strerror(rc));
    fd = bind_tcp(info);
    freeaddrinfo(info);
    return fd >= 0 ? fd : swgi_fail(error, fd, address, "cannot listen: %s", strerror(-fd));
}

int swgi_listen_tcp(struct swgi_listener *out, const char *address, struct swg_error *error) {
    int fd = bind_address(address, false, error), rc;

    if (fd < 0)
        return fd;
    if (listen(fd, BACKLOG) != 0) {
        rc = swgi_fail(error, -errno, address, "cannot listen: %s", strerror(errno));
        close(fd);
        return rc;
    }
    *out = (struct swgi_listener){ .fd = fd, .ours = true };
    describe(out);
    return 0;
}

int swgi_listen_check(const char *address, struct swg_error *error) {
    int fd = bind_address(address, true, error);

    return fd < 0 ? fd : close(fd);
}

static int no_socket(const char *path, struct swg_error *error) {
    return swgi_fail(error, -EEXIST, path, "there is a file that is no socket");
}

/* A socket that refuses connections was left by a process that is gone. */
static int clear_path(const struct sockaddr_un *address, struct swg_error *error) {
    struct stat status;
    int fd, rc;

    if (lstat(address->sun_path, &status) != 0)
        return 0;
    if (!S_ISSOCK(status.st_mode))
        return no_socket(address->sun_path, error);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return swgi_fail(error, -errno, address->sun_path, "%s", strerror(errno));
    rc = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
    close(fd);
    if (rc != ECONNREFUSED)
        return swgi_fail(error, -EADDRINUSE, address->sun_path,
                         "somebody listens on this socket already");
    if (unlink(address->sun_path) != 0)
        return swgi_fail(error, -errno, address->sun_path, "cannot replace the old socket: %s",
                         strerror(errno));
    return 0;
}

/* As root, hand it to the group that is meant to use it. */
static void give_to_group(const char *path) {
    char buffer[4096];
    struct group entry, *found = NULL;

    if (geteuid() == 0 && getgrnam_r(GROUP_NAME, &entry, buffer, sizeof(buffer), &found) == 0 &&
        found && lchown(path, (uid_t)-1, found->gr_gid) != 0)
        return;
}

/* Nobody can connect before listen(), so the mode is right in time, and the umask of other threads is left alone. */
static int bind_unix(const struct sockaddr_un *address) {
    int code, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    code = fd < 0 ? -errno : 0;
    if (code == 0 && (bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 ||
                      chmod(address->sun_path, 0660) != 0))
        code = -errno;
    if (code == 0)
        give_to_group(address->sun_path);
    if (code == 0 && listen(fd, BACKLOG) != 0)
        code = -errno;
    if (code == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return code;
}

static int fill_address(struct sockaddr_un *address, const char *path, struct swg_error *error) {
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (path[0] != '/' || strlen(path) >= sizeof(address->sun_path))
        return swgi_fail(error, -EINVAL, path,
                         "the path of a socket begins with / and is at most %zu bytes long",
                         sizeof(address->sun_path) - 1);
    strcpy(address->sun_path, path);
    return 0;
}

int swgi_listen_unix(struct swgi_listener *out, const char *path, struct swg_error *error) {
    struct sockaddr_un address;
    int fd, rc = fill_address(&address, path, error);

    if (rc == 0)
        rc = clear_path(&address, error);
    if (rc < 0)
        return rc;
    fd = bind_unix(&address);
    if (fd < 0)
        return swgi_fail(error, fd, path, "cannot listen: %s", strerror(-fd));
    *out = (struct swgi_listener){ .fd = fd, .ours = true };
    describe(out);
    return 0;
}

int swgi_listen_check_unix(const char *path, struct swg_error *error) {
    struct sockaddr_un address;
    struct stat status;
    char folder[sizeof(address.sun_path)];
    int rc = fill_address(&address, path, error);

    if (rc != 0)
        return rc;
    if (lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
        return no_socket(path, error);
    memcpy(folder, address.sun_path, sizeof(folder));
    if (euidaccess(dirname(folder), W_OK | X_OK) != 0)
        return swgi_fail(error, -errno, path, "cannot listen: %s", strerror(errno));
    return 0;
}

static bool is_listening_stream(int fd) {
    int type = 0, listening = 0;
    socklen_t size = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

int swgi_listen_given(struct swgi_listener *out, int fd, struct swg_error *error) {
    if (!is_listening_stream(fd))
        return swgi_fail(error, -EINVAL, "LISTEN_FDS",
                         "descriptor %d was handed over and is no listening stream socket", fd);
    *out = (struct swgi_listener){ .fd = fd };
    describe(out);
    return 0;
}

void swgi_listen_close(struct swgi_listener *listener) {
    if (listener->fd < 0)
        return;
    if (listener->is_unix && listener->ours)
        unlink(listener->name);
    close(listener->fd);
    listener->fd = -1;
}

int swgi_listen_peer(int fd, gid_t group, struct swgi_peer_credentials *out) {
    struct ucred peer;
    gid_t groups[GROUPS_MAX];
    socklen_t size = sizeof(peer), groups_size = sizeof(groups);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return -errno;
    *out = (struct swgi_peer_credentials){ .uid = peer.uid, .in_group = peer.gid == group };
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_size) != 0)
        return 0;
    for (size_t i = 0; i < groups_size / sizeof(groups[0]); i++)
        out->in_group |= groups[i] == group;
    return 0;
}
