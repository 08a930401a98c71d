/* A panel's life in this process: opened, followed when its file is replaced, closed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/text.h"
#include "panel/attach.h"
#include "panel/boot.h"
#include "panel/file.h"
#include "panel/liveness.h"
#include "panel/map.h"
#include "panel/process.h"
#include "panel/time.h"

#define FILE_MODE_DEFAULT 0600u
#define FILE_MODE_ALLOWED 0664u

static int check_options(const struct swg_panel_options *o, struct swg_error *error) {
    if (o->access < SWG_PANEL_CREATE || o->access > SWG_PANEL_INSPECT)
        return swgi_fail(error, -EINVAL, "access",
                         "access is %d; it must be SWG_PANEL_CREATE, _ATTACH or _INSPECT",
                         o->access);
    if (o->beyond < SWG_BEYOND_SHARED || o->beyond > SWG_BEYOND_ERROR)
        return swgi_fail(error, -EINVAL, "beyond",
                         "beyond is %d; it must be SWG_BEYOND_SHARED, _UNPROTECTED or _ERROR",
                         o->beyond);
    if (o->path == NULL && o->access != SWG_PANEL_CREATE)
        return swgi_fail(error, -EINVAL, "path",
                         "there is no path, and private memory can only be created");
    if (o->file_mode != 0 &&
        ((o->file_mode & ~FILE_MODE_ALLOWED) != 0 || (o->file_mode & 0600) != 0600))
        return swgi_fail(error, -EINVAL, "file_mode",
                         "file_mode is %04o; it must be 0600 with any of 0064: others never write, "
                         "nobody executes",
                         o->file_mode);
    return 0;
}

static void fill_panel(struct swg_panel *panel, const struct swg_panel_options *o) {
    const char *name = o->process_name != NULL ? o->process_name : program_invocation_short_name;
    panel->references = 1;
    panel->access = o->access;
    atomic_init(&panel->beyond, o->beyond);
    panel->file_mode = o->file_mode != 0 ? o->file_mode : FILE_MODE_DEFAULT;
    panel->is_private = o->path == NULL;
    panel->lock_fd = -1;
    panel->slot = -1;
    panel->options = *o;
    panel->options.path = panel->options.process_name = panel->options.boot_id = NULL;
    panel->log_cursor = SWG_CURSOR_END;
    swgi_copy_text(panel->process_name, sizeof(panel->process_name), name);
    swgi_boot_identify(panel, o->boot_id);
}

static int open_private(struct swg_panel *panel, struct swg_error *error) {
    struct swgi_geometry geometry;
    struct swgi_section sections[SWGI_SECTIONS];
    int rc = swgi_geometry_resolve(&panel->options, &geometry, error);
    if (rc < 0)
        return rc;
    unsigned char *bytes = swgi_memory_new(geometry.size);
    if (bytes != NULL)
        swgi_map_format(panel, bytes, &geometry);
    swgi_sections_plan(&geometry, sections);
    struct swgi_map *map = bytes == NULL ? NULL : swgi_map_new(panel, bytes, &geometry, sections);
    if (map == NULL)
        return swgi_fail(error, -ENOMEM, "", "no memory for a panel of %llu bytes",
                         (unsigned long long)geometry.size);
    swgi_process_lock();
    (void)swgi_identity_claim(map, NULL);
    swgi_map_retag(map);
    swgi_map_publish(map);
    swgi_process_unlock();
    return 0;
}

static int open_file(struct swg_panel *panel, const struct swg_panel_options *o,
                     struct swg_error *error) {
    struct swgi_geometry ignored;
    int rc = swgi_geometry_resolve(
        o, &ignored, error); /* nonsense is refused also where the file's geometry wins */
    if (rc == 0)
        rc = swgi_file_name(panel, o->path, error);
    if (rc == 0)
        rc = swgi_time_shift(&panel->time_shift, error);
    if (rc < 0)
        return rc;
    return panel->access == SWG_PANEL_INSPECT ? swgi_inspect(panel, o, error)
                                              : swgi_attach(panel, o, error);
}

int swgi_panel_new(struct swg_panel **out, const struct swg_panel_options *options,
                   const struct swgi_panel_hooks *hooks, struct swg_error *error) {
    int rc = check_options(options, error);
    if (rc == 0)
        rc = swgi_process_init();
    struct swg_panel *panel = rc == 0 ? calloc(1, sizeof(*panel)) : NULL;
    if (panel == NULL)
        return rc < 0 ? rc : swgi_fail(error, -ENOMEM, "", "no memory");
    panel->hooks = hooks;
    fill_panel(panel, options);
    swgi_process_lock();
    swgi_process_add(panel);
    swgi_process_unlock();
    rc = panel->is_private ? open_private(panel, error) : open_file(panel, options, error);
    if (rc < 0)
        swgi_panel_free(panel);
    else
        *out = panel;
    return rc;
}

void swgi_panel_free(struct swg_panel *panel) {
    swgi_process_lock();
    swgi_identity_release(panel);
    swgi_lock_close(panel);
    swgi_process_remove(panel);
    swgi_process_unlock();
    struct swgi_map *map = swgi_load(&panel->map);
    while (map != NULL) {
        struct swgi_map *older = map->older;
        swgi_thread_forget(map);
        swgi_map_free(map);
        map = older;
    }
    free(panel->path);
    free(panel->directory);
    free(panel->panel_path);
    free(panel->lock_path);
    free(panel);
}

/*
 * Others find each other at the lock file's path, so a lock on one that is not there any more
 * proves nothing to them.
 */
static int follow_lock(struct swg_panel *panel) {
    int rc = 0;
    swgi_process_lock();
    bool there = panel->access == SWG_PANEL_INSPECT || swgi_lock_in_place(panel);
    if (!there) {
        swgi_lock_close(panel);
        rc = swgi_panel_reclaim(panel, NULL);
    }
    swgi_process_unlock();
    return rc;
}

static int follow_file(struct swg_panel *panel) {
    static const struct swg_panel_options any = SWG_PANEL_OPTIONS_INIT;
    const struct swgi_map *map = swgi_load(&panel->map);
    if (swgi_file_in_place(panel->panel_path, map->device, map->inode))
        return 0;
    int rc = panel->access == SWG_PANEL_INSPECT ? swgi_inspect(panel, &any, NULL)
                                                : swgi_attach(panel, &any, NULL);
    return rc < 0 ? rc : 1;
}

/* One thread at a time, and a child does not wait for a thread of its parent's. */
static bool begin_following(struct swg_panel *panel) {
    swgi_process_lock();
    uint64_t token = swgi_process_token();
    bool ours = swgi_load(&panel->following) != token;
    if (ours)
        swgi_store(&panel->following, token);
    swgi_process_unlock();
    return ours;
}

int swgi_panel_follow(struct swg_panel *panel) {
    struct swgi_map *map = swgi_load(&panel->map);
    if (panel->is_private)
        return swgi_map_refresh(map);
    int rc = swgi_map_refresh(map);
    if (rc < 0 || !begin_following(panel))
        return rc;
    swgi_store(&panel->replaced, 0);
    rc = follow_lock(panel);
    if (rc == 0)
        rc = follow_file(panel);
    swgi_store(&panel->following, 0);
    return rc;
}

int swgi_panel_keep(struct swg_panel *panel) {
    int rc = swgi_panel_follow(panel);
    struct swgi_map *map = swgi_load(&panel->map);
    if (rc < 0)
        return rc;
    if (!map->writable) {
        int again = rc == 1 ? 0 : swgi_inspect_again(map);
        return again < 0 ? again : rc;
    }
    swgi_panel_reap(panel);
    swgi_thread_retry(map);
    swgi_map_stamp(map);
    swgi_process_seen(map);
    return rc;
}
