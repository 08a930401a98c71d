/*
 * One agent a panel. The kernel's lock on the file says whether there is one; what stands in the file says who it is and, once the
 * lock is free, whether that one ended well. Nothing of this is needed by the panel itself.
 */
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

#define SUFFIX  ".v1.agent"
#define RUNNING "running "
#define STOPPED "stopped\n"

struct swgi_agent_lock {
    int fd;
};

static bool write_word(int fd, const char *text) {
    return ftruncate(fd, 0) == 0 && pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text);
}

/* "running 1234", or nothing in a new file. */
static void read_word(int fd, char *out, size_t size) {
    ssize_t length = pread(fd, out, size - 1, 0);

    out[length > 0 ? length : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static int tell_owner(int fd, const char *path, struct swg_error *error) {
    char word[64], clean[64];

    read_word(fd, word, sizeof(word));
    swgi_copy_text(clean, sizeof(clean),
                   strncmp(word, RUNNING, strlen(RUNNING)) == 0 ? word + strlen(RUNNING) : "?");
    return swgi_fail(error, -EBUSY, path, "another agent has this panel: process %s", clean);
}

static int take(int fd, const char *path, bool *was_killed, struct swg_error *error) {
    char word[64];

    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? tell_owner(fd, path, error)
                                    : swgi_fail(error, -errno, path, "%s", strerror(errno));
    read_word(fd, word, sizeof(word));
    *was_killed = strncmp(word, RUNNING, strlen(RUNNING)) == 0;
    snprintf(word, sizeof(word), RUNNING "%ld\n", (long)getpid());
    return write_word(fd, word) ? 0 : swgi_fail(error, -errno, path, "%s", strerror(errno));
}

int swgi_agent_lock_take(struct swgi_agent_lock **out, const char *panel_path, bool *was_killed,
                         struct swg_error *error) {
    struct swgi_agent_lock *lock = malloc(sizeof(*lock));
    char path[4096 + 16];
    int rc;

    if (!lock)
        return swgi_fail(error, -ENOMEM, panel_path, "no memory");
    snprintf(path, sizeof(path), "%s" SUFFIX, panel_path);
    lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    rc = lock->fd < 0
             ? swgi_fail(error, -errno, path, "cannot open the agent's lock: %s", strerror(errno))
             : take(lock->fd, path, was_killed, error);
    if (rc == 0) {
        *out = lock;
        return 0;
    }
    if (lock->fd >= 0)
        close(lock->fd);
    free(lock);
    return rc;
}

struct swgi_agent_lock *swgi_agent_lock_release(struct swgi_agent_lock *lock, bool clean) {
    if (!lock)
        return NULL;
    if (clean)
        (void)write_word(lock->fd, STOPPED);
    close(lock->fd);
    free(lock);
    return NULL;
}
