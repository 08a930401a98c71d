/*
 * One process, several panels, and children.
 *
 * A fork is noticed twice: by pthread_atfork, which at once parts the child's lock descriptor
 * from the parent's (while the child still has the parent's rights), and by a page that the
 * kernel gives to a child zeroed, which also tells of a raw clone. Everything else waits until
 * the child uses the panel.
 */
#include "panel/process.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/random.h"
#include "panel/liveness.h"
#include "panel/time.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct swgi_wiped *process;
static _Atomic(struct swg_panel *) open_panels;

struct swgi_wiped *swgi_wiped_new(void) {
    struct swgi_wiped *wiped =
        mmap(NULL, sizeof(*wiped), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (wiped == MAP_FAILED)
        return NULL;
    /*
     * Where the kernel does not know it, children made by fork() are still told by
     * pthread_atfork.
     */
    (void)madvise(wiped, sizeof(*wiped), MADV_WIPEONFORK);
    pthread_mutex_init(&wiped->mutex, NULL);
    return wiped;
}

void swgi_wiped_free(struct swgi_wiped *wiped) {
    if (wiped == NULL)
        return;
    if (swgi_load(&wiped->tag) != 0)
        pthread_mutex_destroy(&wiped->mutex);
    munmap(wiped, sizeof(*wiped));
}

/* The child has one thread yet, and a list that was whole at every instant. */
static void forked(void) {
    swgi_clock_forget();
    memset(process, 0, sizeof(*process));
    for (struct swg_panel *panel = swgi_load(&open_panels); panel != NULL;
         panel = panel->next_open) {
        for (struct swgi_map *map = swgi_load(&panel->map); map != NULL; map = map->older) {
            swgi_store(map->tag, 0);
            memset(map->registry_mutex, 0, sizeof(pthread_mutex_t));
        }
        swgi_lock_part(panel);
    }
}

static void begin(void) {
    process = swgi_wiped_new();
    if (process != NULL && pthread_atfork(NULL, NULL, forked) != 0) {
        swgi_wiped_free(process);
        process = NULL;
    }
}

int swgi_process_init(void) {
    pthread_once(&once, begin);
    return process == NULL ? -ENOMEM : 0;
}

void swgi_process_lock(void) {
    pthread_mutex_lock(&process->mutex);
}

void swgi_process_unlock(void) {
    pthread_mutex_unlock(&process->mutex);
}

void swgi_process_add(struct swg_panel *panel) {
    panel->next_open = swgi_load(&open_panels);
    swgi_store(&open_panels, panel);
}

void swgi_process_remove(struct swg_panel *panel) {
    struct swg_panel *before = swgi_load(&open_panels);
    if (before == panel) {
        swgi_store(&open_panels, panel->next_open);
        return;
    }
    while (before != NULL && before->next_open != panel)
        before = before->next_open;
    if (before != NULL)
        before->next_open = panel->next_open;
}

struct swgi_map *swgi_process_map(uint64_t tag) {
    for (struct swg_panel *panel = swgi_load(&open_panels); panel != NULL; panel = panel->next_open)
        for (struct swgi_map *map = swgi_load(&panel->map); map != NULL; map = map->older)
            if (tag != 0 && swgi_load(map->tag) == tag)
                return map;
    return NULL;
}

void swgi_process_own_fd(const struct swg_panel *owner, int fd) {
    for (struct swg_panel *panel = swgi_load(&open_panels); panel != NULL; panel = panel->next_open)
        if (panel != owner && panel->lock_fd == fd)
            panel->lock_fd = -1;
}

uint64_t swgi_process_token(void) {
    if (swgi_load(&process->tag) == 0)
        swgi_store(&process->tag, swgi_random_seed() | 1);
    return swgi_load(&process->tag);
}

void swgi_map_retag(struct swgi_map *map) {
    if (map->tag_value != 0) {
        if (map->former_count == SWGI_FORMER_TAGS)
            memmove(map->former_tags, map->former_tags + 1,
                    --map->former_count * sizeof(map->former_tags[0]));
        map->former_tags[map->former_count++] = map->tag_value;
    }
    map->tag_value =
        swgi_random_seed() | 1; /* odd: never 0, and never the tag of a thread that is nowhere */
    swgi_store(map->tag, map->tag_value);
}

int swgi_map_refresh(struct swgi_map *map) {
    if (swgi_likely(swgi_load(map->tag) != 0) || !map->writable)
        return 0;
    int rc = 0;
    swgi_process_lock();
    if (swgi_load(map->tag) == 0) {
        /* A child may be in another time namespace; on failure it goes on with its parent's. */
        if (!map->panel->is_private)
            (void)swgi_time_shift(&map->panel->time_shift, NULL);
        rc = swgi_panel_reclaim(map->panel, NULL);
    }
    swgi_process_unlock();
    return rc;
}

static bool former_matches(const struct swgi_map *map, bool (*matches)(uint64_t tag, void *arg),
                           void *arg) {
    for (uint32_t i = map->former_count; i > 0; i--)
        if (matches(map->former_tags[i - 1], arg))
            return true;
    /* In a child that has not used the panel yet the last tag is a former one too. */
    return swgi_load(map->tag) == 0 && map->tag_value != 0 && matches(map->tag_value, arg);
}

static struct swgi_map *find_map(bool (*matches)(uint64_t tag, void *arg), void *arg,
                                 bool *current) {
    for (struct swg_panel *panel = swgi_load(&open_panels); panel != NULL;
         panel = panel->next_open) {
        for (struct swgi_map *map = swgi_load(&panel->map); map != NULL; map = map->older) {
            *current = swgi_load(map->tag) != 0 && matches(map->tag_value, arg);
            if (*current || former_matches(map, matches, arg))
                return map;
        }
    }
    return NULL;
}

struct swgi_map *swgi_map_of_tag(bool (*matches)(uint64_t tag, void *arg), void *arg,
                                 bool *current) {
    struct swgi_map *map = NULL;
    if (swgi_process_init() == 0) {
        swgi_process_lock();
        map = find_map(matches, arg, current);
        swgi_process_unlock();
    }
    return map;
}
