/*
 * The file: one agent's at a time, opened, told apart from other programs' and damaged ones, and what
 * SQLite's errors are called here.
 *
 * POSIX locks go with any close of any descriptor of a file in the process, so the database itself is
 * only ever opened by SQLite; what keeps other agents out is a lock file beside it.
 */
#include "agent/storage_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/log.h"
#include "base/error.h"

#define BUSY_MS 1000

struct meaning {
    int primary; /* https://www.sqlite.org/rescode.html */
    int code;
    const char *text;
};

static const struct meaning meanings[] = {
    { SQLITE_BUSY, -EAGAIN, "another process keeps it locked" },
    { SQLITE_LOCKED, -EAGAIN, "another process keeps it locked" },
    { SQLITE_NOMEM, -ENOMEM, "no memory for SQLite" },
    { SQLITE_READONLY, -EROFS, "it may be read only" },
    { SQLITE_FULL, -ENOSPC, "the disk is full" },
    { SQLITE_CORRUPT, -EBADMSG, "it is damaged" },
    { SQLITE_NOTADB, -EBADMSG, "it is no database" },
    { SQLITE_PERM, -EACCES, "no permission" },
    { SQLITE_INTERRUPT, -ETIMEDOUT, "reading it takes too long; ask for less" },
};

int swgi_database_fault(struct swgi_database *database, struct swg_error *error) {
    const char *path = database->path;
    int extended = sqlite3_extended_errcode(database->sqlite), primary = extended & 0xff;
    int system = sqlite3_system_errno(database->sqlite);
    /* SQLite does not keep it when a commit fails. */
    if (system == 0 && primary == SQLITE_IOERR)
        system = errno;
    if (primary == SQLITE_IOERR && (system == ENOSPC || system == EFBIG || system == EDQUOT))
        return swgi_fail(error, -ENOSPC, path, "%s: no room: %s", path, strerror(system));
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].primary == primary)
            return swgi_fail(error, meanings[i].code, path, "%s: %s", path, meanings[i].text);
    if (primary == SQLITE_CANTOPEN && system != 0)
        return swgi_fail(error, -system, path, "%s cannot be opened: %s", path, strerror(system));
    return swgi_fail(error, -EIO, path, "%s: %s (SQLite %d)%s%s", path,
                     sqlite3_errmsg(database->sqlite), extended, system != 0 ? ": " : "",
                     system != 0 ? strerror(system) : "");
}

/* ---- opening */

static int lock_out_others(struct swgi_database *database, struct swg_error *error) {
    char path[sizeof(database->path) + 8];
    snprintf(path, sizeof(path), "%s.lock", database->path);
    database->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (database->lock_fd < 0)
        return swgi_fail(error, -errno, path, "%s cannot be opened: %s", path, strerror(errno));
    if (flock(database->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return swgi_fail(error, -EBUSY, database->path,
                     "another agent writes to %s; every agent needs a database of its own",
                     database->path);
}

/* With its permissions from the first byte on. SQLite gives the WAL those of the database. */
static int create_file(const struct swgi_database *database, struct swg_error *error) {
    int fd = open(database->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0 && errno == EEXIST)
        return 0;
    if (fd < 0)
        return swgi_fail(error, -errno, database->path, "%s cannot be made: %s", database->path,
                         strerror(errno));
    fchmod(fd, 0640);
    close(fd);
    return 0;
}

/* "file:" and ":memory:" mean something to SQLite; a path that begins with / or . does not. */
static int connect_sqlite(struct swgi_database *database, struct swg_error *error) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                      SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(database->path, &database->sqlite, flags, NULL);
    if (database->sqlite == NULL)
        return swgi_fail(error, -ENOMEM, database->path, "no memory for SQLite");
    if (rc != SQLITE_OK)
        return swgi_database_fault(database, error);
    sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(database->sqlite, BUSY_MS);
    /* SQLite opens what it may not write for reading, and says nothing. */
    if (sqlite3_db_readonly(database->sqlite, "main") == 1)
        return swgi_fail(error, -EROFS, database->path, "%s may be read only", database->path);
    return 0;
}

int swgi_database_reopen(struct swgi_database *database, struct swg_error *error) {
    swgi_database_disconnect(database);
    int rc = create_file(database, error);
    if (rc == 0)
        rc = connect_sqlite(database, error);
    if (rc == 0)
        rc = swgi_schema_settle(database, error);
    if (rc == 0)
        rc = swgi_schema_prepare(database, error);
    database->is_synced = true;
    if (rc < 0)
        swgi_database_disconnect(database);
    return rc;
}

/* https://www.sqlite.org/fileformat.html, 1.3: the first bytes of any database, however damaged the rest. */
int swgi_database_is_one(const char *path, struct swg_error *error) {
    static const char magic[16] = "SQLite format 3";
    char head[sizeof(magic)] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t length = fd >= 0 ? read(fd, head, sizeof(head)) : -1;
    if (fd >= 0)
        close(fd);
    if (length == (ssize_t)sizeof(head) && memcmp(head, magic, sizeof(magic)) == 0)
        return 0;
    return swgi_fail(error, -EPROTO, path,
                     "%s is no SQLite database; name another file, or move this one away", path);
}

int swgi_database_open(struct swgi_database *database, struct swg_error *error) {
    int rc = lock_out_others(database, error);
    if (rc == 0)
        rc = swgi_database_reopen(database, error);
    return rc;
}

void swgi_database_disconnect(struct swgi_database *database) {
    for (int i = 0; i < SWGI_SQLS; i++) {
        sqlite3_finalize(database->statements[i]);
        database->statements[i] = NULL;
    }
    sqlite3_close(database->sqlite);
    database->sqlite = NULL;
}

void swgi_database_close(struct swgi_database *database) {
    swgi_database_disconnect(database);
    if (database->lock_fd >= 0)
        close(database->lock_fd);
    database->lock_fd = -1;
}

bool swgi_database_has_moved(struct swgi_database *database) {
    int moved = 0;
    sqlite3_file_control(database->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

static void move_companion(const struct swgi_database *database, const char *suffix,
                           const char *to) {
    char from[sizeof(database->path) + 8], there[512];
    snprintf(from, sizeof(from), "%s%s", database->path, suffix);
    snprintf(there, sizeof(there), "%s%s", to, suffix);
    rename(from, there);
}

int swgi_database_move_aside(struct swgi_database *database, int64_t wall_ms,
                             struct swg_error *error) {
    static const struct swgi_log_fields fields = { .context = "storage" };
    char to[SWGI_FILE_TEXT_MAX + 64];
    time_t seconds = (time_t)(wall_ms / 1000);
    char when[32] = "";
    struct tm tm;
    if (gmtime_r(&seconds, &tm) != NULL)
        strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
    snprintf(to, sizeof(to), "%s.corrupt-%s", database->path, when);
    /* SQLite should leave it as it is, for whoever wants to look at it. */
    if (database->sqlite != NULL)
        sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    move_companion(database, "-wal", to);
    move_companion(database, "-shm", to);
    int rc = rename(database->path, to) == 0 ? 0 : -errno;
    swgi_database_disconnect(database);
    if (rc != 0)
        return swgi_fail(error, rc, database->path, "%s is damaged and cannot be moved aside: %s",
                         database->path, strerror(-rc));
    swgi_log(SWGI_LOG_ERROR, &fields, "%s is damaged; it was moved to %s, and a new one is made",
             database->path, to);
    return 0;
}

/* ---- statements */

int swgi_database_step(struct swgi_database *database, sqlite3_stmt *statement,
                       struct swg_error *error) {
    errno = 0;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    rc = rc == SQLITE_DONE ? 0 : swgi_database_fault(database, error);
    sqlite3_reset(statement);
    return rc;
}

int swgi_database_do(struct swgi_database *database, enum swgi_storage_statement which,
                     struct swg_error *error) {
    sqlite3_stmt *statement = database->statements[which];
    int rc = swgi_database_step(database, statement, error);
    if (rc > 0)
        sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

/* What is only a checkpoint need not wait for the disk: after a power cut it is a second older. */
static int set_synced(struct swgi_database *database, bool synced, struct swg_error *error) {
    if (database->is_synced == synced)
        return 0;
    const char *sql = synced ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL";
    if (sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
        return swgi_database_fault(database, error);
    database->is_synced = synced;
    return 0;
}

int swgi_database_begin(struct swgi_database *database, bool synced, struct swg_error *error) {
    int rc = set_synced(database, synced, error);
    return rc == 0 ? swgi_database_do(database, SWGI_SQL_BEGIN, error) : rc;
}

void swgi_database_rollback(struct swgi_database *database) {
    if (database->sqlite != NULL && sqlite3_get_autocommit(database->sqlite) == 0)
        sqlite3_exec(database->sqlite, "ROLLBACK", NULL, NULL, NULL);
}
