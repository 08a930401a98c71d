/* Could the database be opened? Looked at, and nothing made, for who only asks. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/storage_inside.h"
#include "base/error.h"

static int cannot(const char *path, int code, struct swg_error *error) {
    return swgi_fail(error, -code, path, "%s cannot be opened: %s", path, strerror(code));
}

/* Beside it stand its log and its lock. */
static int check_folder(const char *path, struct swg_error *error) {
    char folder[SWGI_FILE_TEXT_MAX + 16];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s/.", (int)(slash - path), path);
    return euidaccess(folder, W_OK | X_OK) == 0 ? 0 : cannot(path, errno, error);
}

static int check_file(const char *path, struct swg_error *error) {
    struct stat status;
    if (stat(path, &status) != 0)
        return errno == ENOENT ? 0 : cannot(path, errno, error);
    if (!S_ISREG(status.st_mode))
        return cannot(path, S_ISDIR(status.st_mode) ? EISDIR : EINVAL, error);
    if (euidaccess(path, R_OK | W_OK) != 0)
        return cannot(path, errno, error);
    return status.st_size > 0;
}

static bool has_log(const char *path) {
    char log[SWGI_FILE_TEXT_MAX + 32];
    struct stat status;
    snprintf(log, sizeof(log), "%s-wal", path);
    return stat(log, &status) == 0 && status.st_size > 0;
}

static int64_t number_at(const unsigned char *bytes) {
    return (int64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

/*
 * Whose is it? By its first bytes (https://www.sqlite.org/fileformat.html, 1.3), for SQLite would leave a log beside it that may
 * not be the agent's to write. What stands in a log already is newer than they are.
 */
static int check_content(const char *path, struct swg_error *error) {
    unsigned char head[100] = { 0 };
    int fd, rc = swgi_database_is_one(path, error);
    ssize_t length;
    if (rc != 0 || has_log(path))
        return rc;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    length = fd >= 0 ? read(fd, head, sizeof(head)) : -1;
    if (fd >= 0)
        close(fd);
    if (length != (ssize_t)sizeof(head))
        return 0; /* damaged: whoever opens it replaces it */
    rc = swgi_schema_whose(path, number_at(head + 68), number_at(head + 60),
                           number_at(head + 40) == 0, error);
    return rc < 0 ? rc : 0;
}

/* The default place's folders are made. */
int swgi_storage_check(const struct swgi_file *file, struct swg_error *error) {
    char path[SWGI_FILE_TEXT_MAX + 16];
    int rc = swgi_storage_path(file, path, sizeof(path), error);
    if (rc != 0 || strcmp(file->agent.database, "off") == 0)
        return rc;
    if (file->agent.database[0] != '\0')
        rc = check_folder(path, error);
    if (rc == 0)
        rc = check_file(path, error);
    return rc == 1 ? check_content(path, error) : rc;
}
