/* Secrets come from files that not everybody can read, or from the environment; never from the configuration or an argument. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/alerts_receiver.h"
#include "base/error.h"

/* Printable ASCII without blanks: anything else could end a header. */
static bool is_secret(const char *text) {
    for (const char *at = text; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~')
            return false;
    return *text != '\0';
}

static int take(const char *text, const char *key, char *out, size_t size,
                struct swg_error *error) {
    if (strlen(text) >= size)
        return swgi_fail(error, -EINVAL, key, "is longer than %zu bytes", size - 1);
    if (!is_secret(text))
        return swgi_fail(error, -EINVAL, key,
                         "must be one word of printable ASCII on the first line");
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

static int check_mode(int fd, const char *key, const char *path, struct swg_error *error) {
    struct stat stat;

    if (fstat(fd, &stat) != 0)
        return swgi_fail(error, -errno, key, "%s: %s", path, strerror(errno));
    if (!S_ISREG(stat.st_mode))
        return swgi_fail(error, -EINVAL, key, "%s is no file", path);
    if ((stat.st_mode & S_IRWXO) != 0)
        return swgi_fail(error, -EINVAL, key,
                         "%s holds a secret and is open to everybody: chmod o= it", path);
    return 0;
}

static int read_line(int fd, const char *key, const char *path, char *out, size_t size,
                     struct swg_error *error) {
    ssize_t length = read(fd, out, size - 1);

    if (length < 0)
        return swgi_fail(error, -errno, key, "%s: %s", path, strerror(errno));
    out[length] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    for (size_t end = strlen(out); end > 0 && isblank((unsigned char)out[end - 1]); end--)
        out[end - 1] = '\0';
    return 0;
}

static int read_file(const char *path, const char *key, char *out, size_t size,
                     struct swg_error *error) {
    char line[SWGI_URL_MAX + 64];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

    if (fd < 0)
        return swgi_fail(error, -errno, key, "%s: %s", path, strerror(errno));
    rc = check_mode(fd, key, path, error);
    if (rc == 0)
        rc = read_line(fd, key, path, line, sizeof(line), error);
    if (rc == 0)
        rc = take(line, key, out, size, error);
    close(fd);
    return rc;
}

static const char *from_environment(const char *name, const char *what) {
    char variable[SWGI_FILE_WORD_MAX + 32];

    snprintf(variable, sizeof(variable), "SWITCHGEAR_%s_%s", name, what);
    for (char *at = variable; *at != '\0'; at++)
        *at = isalnum((unsigned char)*at) ? (char)toupper((unsigned char)*at) : '_';
    return getenv(variable);
}

int swgi_secret_read(const char *path, const char *name, const char *what, char *out, size_t size,
                     struct swg_error *error) {
    char key[SWGI_FILE_WORD_MAX + 32];
    const char *value;

    snprintf(key, sizeof(key), "receivers.%.70s.%s_file", name,
             strcmp(what, "URL") == 0 ? "url" : "token");
    if (path[0] != '\0')
        return read_file(path, key, out, size, error);
    value = from_environment(name, what);
    return value == NULL || value[0] == '\0' ? 0 : take(value, key, out, size, error);
}
