/*
 * One timer a map for all queued permits of this process's event loops.
 *
 * A loop cannot sleep on a futex, so it is given a descriptor that is readable every 2 ms while
 * somebody of it waits, and at once when another thread of the process frees a permit for it. A
 * forked child has the parent's descriptor, which is the same timer: it makes its own. Whoever
 * closes descriptors behind our back may leave the number to somebody else, so it is asked first
 * whether it still is a timer.
 */
#include "panel/wait_timer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "panel/waiters.h"

#define EVERY_NS 2000000

static int descriptor_of(const struct swgi_wait_timer *timer) {
    struct itimerspec left;
    int fd = (int)swgi_load(&timer->descriptor) - 1;
    return fd >= 0 && timerfd_gettime(fd, &left) == 0 ? fd : -1;
}

static void set(int fd, long first_ns) {
    const struct itimerspec times = { .it_value = { .tv_nsec = first_ns },
                                      .it_interval = { .tv_nsec = first_ns == 0 ? 0 : EVERY_NS } };
    timerfd_settime(fd, 0, &times, NULL);
}

static bool is_running(int fd) {
    struct itimerspec times;
    return timerfd_gettime(fd, &times) == 0 && times.it_interval.tv_nsec != 0;
}

static bool is_of_this_process(const struct swgi_map *map) {
    return swgi_load(&map->wait_timer.tag) == map->tag_value;
}

/* Under the process lock. */
static int begin(struct swgi_map *map) {
    struct swgi_wait_timer *timer = &map->wait_timer;
    int fd = descriptor_of(timer);
    if (fd >= 0 && is_of_this_process(map))
        return fd;
    if (fd >= 0)
        close(fd); /* our copy of the parent's */
    if (!is_of_this_process(map))
        swgi_store(&timer->askers, 0);
    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    swgi_store(&timer->descriptor, (uint64_t)(fd + 1));
    swgi_store(&timer->tag, map->tag_value);
    return fd < 0 ? -errno : fd;
}

int swgi_wait_descriptor(struct swgi_map *map, struct swgi_waiter *waiter) {
    swgi_process_lock();
    int fd = begin(map);
    if (fd >= 0 && !waiter->asked) {
        waiter->asked = 1;
        swgi_add(&map->wait_timer.askers, 1);
    }
    /* Running already for others: to start it anew would put them off. */
    if (fd >= 0 && !is_running(fd))
        set(fd, EVERY_NS);
    swgi_process_unlock();
    return fd;
}

void swgi_wait_timer_fire(struct swgi_map *map) {
    if (swgi_likely(swgi_load(&map->wait_timer.askers) == 0) || !is_of_this_process(map))
        return;
    int fd = descriptor_of(&map->wait_timer);
    if (fd >= 0)
        set(fd, 1);
}

void swgi_wait_timer_drain(struct swgi_map *map) {
    uint64_t expirations;
    int fd = descriptor_of(&map->wait_timer);
    if (fd >= 0 && is_of_this_process(map) && read(fd, &expirations, sizeof(expirations)) < 0)
        return; /* not readable: drained before */
}

void swgi_wait_timer_leave(struct swgi_map *map) {
    struct swgi_wait_timer *timer = &map->wait_timer;
    swgi_process_lock();
    if (is_of_this_process(map) && swgi_load(&timer->askers) != 0) {
        swgi_store(&timer->askers, swgi_load(&timer->askers) - 1);
        int fd = swgi_load(&timer->askers) == 0 ? descriptor_of(timer) : -1;
        if (fd >= 0)
            set(fd, 0);
    }
    swgi_process_unlock();
}

void swgi_wait_descriptor_close(struct swgi_map *map) {
    int fd = descriptor_of(&map->wait_timer);
    if (fd >= 0)
        close(fd);
    swgi_store(&map->wait_timer.descriptor, 0);
}
