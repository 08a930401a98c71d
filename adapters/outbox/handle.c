/* A handle: opened, closed, and used by one thread at a time. */
#include "internal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_MOST 480 /* SQLite's own limit is 512 with the folder in front and a suffix behind */

/*
 * A child inherits what SQLite believes to have locked, but not the locks: it would write over its parent's shoulder
 * (sqlite.org/howtocorrupt.html, 2.6). So a process with inherited handles may not open one.
 */
static _Atomic(pid_t) opened_by;
static atomic_uint opened;

static int forked(struct swg_error *error) {
    return swgi_outbox_fault(error, -EPERM, "fork",
                             "an outbox was inherited from the process that forked: open it after "
                             "the fork, in the child alone, or exec");
}

static int count_handle(struct swg_error *error) {
    if (atomic_load(&opened) > 0 && atomic_load(&opened_by) != getpid())
        return forked(error);
    atomic_store(&opened_by, getpid());
    atomic_fetch_add(&opened, 1);
    return 0;
}

int swgi_outbox_enter(struct swg_outbox *outbox, struct swg_error *error) {
    if (outbox->pid != getpid())
        return forked(error);
    pthread_mutex_lock(&outbox->lock);
    return 0;
}

void swgi_outbox_leave(struct swg_outbox *outbox) {
    pthread_mutex_unlock(&outbox->lock);
}

static void release(struct swg_outbox *outbox) {
    swgi_outbox_finalize(outbox);
    sqlite3_close(outbox->database);
    if (outbox->lock_fd >= 0)
        close(outbox->lock_fd);
    pthread_mutex_destroy(&outbox->lock);
    free(outbox->path);
    free(outbox->lock_path);
    free(outbox->bytes);
    free(outbox);
}

struct swg_outbox *swg_outbox_close(struct swg_outbox *outbox) {
    /* A child leaves its parent's alone, and stays marked as one that may not open. */
    if (outbox == NULL || outbox->pid != getpid())
        return NULL;
    release(outbox);
    atomic_fetch_sub(&opened, 1);
    return NULL;
}

/* "./" because SQLite gives "file:" and ":memory:" a meaning of their own. */
static int name_files(struct swg_outbox *outbox, const char *path, struct swg_error *error) {
    const char *here = *path == '/' ? "" : "./";

    if (strlen(path) > PATH_MOST)
        return swgi_outbox_fault(error, -ENAMETOOLONG, "path", "at most %d bytes", PATH_MOST);
    if (asprintf(&outbox->path, "%s%s", here, path) < 0)
        outbox->path = NULL;
    if (asprintf(&outbox->lock_path, "%s%s-lock", here, path) < 0)
        outbox->lock_path = NULL;
    if (outbox->path != NULL && outbox->lock_path != NULL)
        return 0;
    return swgi_outbox_fault(error, -ENOMEM, "", "no memory for an outbox");
}

static int open_files(struct swg_outbox *outbox, struct swg_error *error) {
    int rc = name_files(outbox, outbox->options.path, error);

    if (rc == 0)
        rc = swgi_outbox_open_lock(outbox, error);
    if (rc != 0)
        return rc;
    rc = swgi_outbox_lock_byte(outbox, 0, outbox->options.busy_max);
    if (rc != 0)
        return swgi_outbox_fault(error, rc == -EBUSY ? -EAGAIN : rc, outbox->lock_path,
                                 "waiting for whoever else opens it: %s", strerror(-rc));
    rc = swgi_outbox_make_file(outbox, error);
    if (rc == 0)
        rc = swgi_outbox_open_database(outbox, error);
    swgi_outbox_unlock_byte(outbox, 0);
    return rc;
}

static int make_handle(struct swg_outbox **out, const struct swg_outbox_options *options,
                       struct swg_error *error) {
    struct swg_outbox *outbox = calloc(1, sizeof(*outbox));
    int rc;

    if (outbox == NULL)
        return swgi_outbox_fault(error, -ENOMEM, "", "no memory for an outbox");
    outbox->options = *options;
    outbox->lock_fd = -1;
    outbox->pid = getpid();
    pthread_mutex_init(&outbox->lock, NULL);
    rc = open_files(outbox, error);
    outbox->options.path = outbox->options.queue = NULL; /* the caller's */
    if (rc == 0)
        *out = outbox;
    else
        release(outbox);
    return rc;
}

int swg_outbox_open(struct swg_outbox **out, const struct swg_outbox_options *options,
                    struct swg_error *error) {
    struct swg_outbox_options mine;
    int rc = swgi_outbox_options(&mine, options, error);

    if (rc == 0)
        rc = count_handle(error);
    if (rc != 0)
        return rc;
    rc = make_handle(out, &mine, error);
    if (rc != 0)
        atomic_fetch_sub(&opened, 1);
    return rc;
}
