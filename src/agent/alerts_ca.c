/* The authorities a receiver's certificate must come from, looked at before libcurl needs them: it would only fail delivery after delivery. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/alerts_receiver.h"
#include "base/error.h"

#define CA_FILE_MAX (1024u * 1024u) /* four times what a system trusts */

/* RFC 7468, 5.1; OpenSSL knows a second word for it. */
static bool has_certificate(const char *text, size_t length) {
    static const char *const marks[] = { "-----BEGIN CERTIFICATE-----",
                                         "-----BEGIN TRUSTED CERTIFICATE-----" };

    return memmem(text, length, marks[0], strlen(marks[0])) != NULL ||
           memmem(text, length, marks[1], strlen(marks[1])) != NULL;
}

static int check_content(int fd, const char *path, const char *key, struct swg_error *error) {
    char *text = malloc(CA_FILE_MAX);
    size_t used = 0;
    ssize_t got = 1;
    int rc = 0;

    while (text != NULL && got > 0 && used < CA_FILE_MAX) {
        got = read(fd, text + used, CA_FILE_MAX - used);
        used += got > 0 ? (size_t)got : 0;
    }
    if (text == NULL || got < 0)
        rc = swgi_fail(error, text == NULL ? -ENOMEM : -errno, key, "%s: %s", path,
                       strerror(text == NULL ? ENOMEM : errno));
    else if (!has_certificate(text, used))
        rc = swgi_fail(error, -EINVAL, key,
                       "%s holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", path);
    free(text);
    return rc;
}

int swgi_ca_check(const char *path, const char *key, struct swg_error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
    struct stat status;

    if (fd < 0)
        return swgi_fail(error, -errno, key, "%s: %s", path, strerror(errno));
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        rc = check_content(fd, path, key, error);
    else
        rc = swgi_fail(error, -EINVAL, key, "%s is no file", path);
    close(fd);
    return rc;
}
