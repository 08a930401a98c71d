/*
 * A file brought to a panel, circuit by circuit, each under the registry's lock for itself: others
 * who make circuits wait for one of ours at most. What cannot be gone through with is undone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "circuit/circuit.h"
#include "circuit/make.h"
#include "circuit/source.h"
#include "config/answer.h"
#include "config/layer.h"
#include "engine/policies.h"
#include "panel/panel.h"

/* What one circuit was before. */
struct undo {
    uint32_t index, life, source;
    bool made; /* it was not there */
    struct swgi_settings before;
};

struct apply {
    struct swgi_file *file;
    struct swgi_map *map;
    struct swg_error *error;
    struct undo *undo;
    unsigned done, room;
};

/* Another process may hold the registry for a while; not for long. */
#define TRIES 100u

static struct undo *next_undo(struct apply *apply) {
    if (apply->done == apply->room) {
        unsigned room = apply->room != 0 ? 2 * apply->room : 64;
        struct undo *larger = realloc(apply->undo, room * sizeof(*larger));

        if (larger == NULL)
            return NULL;
        apply->undo = larger;
        apply->room = room;
    }
    return &apply->undo[apply->done];
}

/* ---- one circuit */

static int install(struct apply *apply, uint32_t index, uint32_t life,
                   const struct swgi_making *making, struct swg_error *error) {
    struct undo *undo = next_undo(apply);
    int rc = -EAGAIN;

    if (undo == NULL)
        return swgi_fail(error, -ENOMEM, "panel", "no memory to keep what circuits were before");
    undo->index = index;
    undo->life = life;
    undo->made = false;
    undo->source = swgi_load(&apply->map->cells[index].source);
    swgi_settings_load_all(apply->map, &apply->map->cells[index], &undo->before);
    for (unsigned i = 0; i < TRIES && rc == -EAGAIN; i++)
        rc = swgi_circuit_install(apply->map, index, life, making, error);
    apply->done += rc == 1; /* else there is nothing to undo */
    return rc < 0 ? rc : 0;
}

static int make(struct apply *apply, const char *name, const struct swgi_making *making,
                struct swg_error *error) {
    struct undo *undo = next_undo(apply);
    uint64_t hash = swgi_name_hash(name);
    int rc = -EAGAIN;

    if (undo == NULL)
        return swgi_fail(error, -ENOMEM, "panel", "no memory to keep what circuits were before");
    for (unsigned i = 0; i < TRIES && rc == -EAGAIN; i++)
        rc = swgi_circuit_make(apply->map, name, hash, making, &undo->index, &undo->life, error);
    undo->made = true;
    apply->done += rc == 0;
    return rc;
}

/* An error of a setting is told where the file says it. */
static int told_of(struct apply *apply, const struct swgi_file_circuit *circuit, int rc,
                   const struct swg_error *why) {
    char key[sizeof(why->key)];

    if (rc == 0)
        return 0;
    if (rc == -ENOBUFS)
        rc = -ENOSPC; /* an extent or a cell: to those who load it is the same */
    snprintf(key, sizeof(key), "%.*s", (int)sizeof(key) - 1, circuit->name);
    swgi_fail(apply->error, rc, key, "%.60s: %s", why->key, why->text);
    if (apply->error != NULL && apply->error->size >= sizeof(*why)) {
        apply->error->line = circuit->line;
        apply->error->column = circuit->column;
    }
    return rc;
}

static int bring(struct apply *apply, const struct swgi_file_circuit *circuit, const char *name) {
    struct swg_error why = SWG_ERROR_INIT;
    struct swgi_settings settings;
    struct swgi_making making = { .settings = &settings, .declared = &apply->file->declared };
    uint32_t index, life;
    int rc = swgi_config_apply(circuit->config, NULL, &settings, &why);

    making.histogram_asked = swgi_config_sets(circuit->config, "breaker.histogram");
    if (rc == 0 && swgi_registry_find(apply->map, name, swgi_name_hash(name), &index, &life))
        rc = install(apply, index, life, &making, &why);
    else if (rc == 0)
        rc = make(apply, name, &making, &why);
    return told_of(apply, circuit, rc, &why);
}

/* ---- all of them */

static int bring_declared(struct apply *apply) {
    int rc = 0;

    for (unsigned i = 0; i < apply->file->circuits_count && rc == 0; i++)
        if (!apply->file->circuits[i].is_pattern)
            rc = bring(apply, &apply->file->circuits[i], apply->file->circuits[i].name);
    return rc;
}

static int bring_under_patterns(struct apply *apply) {
    uint64_t high = swgi_load(&apply->map->header->circuits_high);
    int rc = 0;

    for (uint32_t i = 1; i < high && i < apply->map->geometry.circuits && rc == 0; i++) {
        char name[SWGI_NAME_MAX + 1];
        const struct swgi_file_circuit *circuit;

        if (swgi_circuit_read_name(apply->map, i, name) == 0)
            continue;
        circuit = swgi_file_circuit(apply->file, name);
        if (circuit != NULL && circuit->is_pattern)
            rc = bring(apply, circuit, name);
    }
    return rc;
}

/* What the file had before and has no longer stays as it is, but no more by its word. */
static void let_go(const struct apply *apply) {
    struct swgi_map *map = apply->map;
    uint32_t number = swgi_source_number(map, &apply->file->declared), life;
    uint64_t high = swgi_load(&map->header->circuits_high);
    char name[SWGI_NAME_MAX + 1];

    for (uint32_t i = 1; i < high && i < map->geometry.circuits && number != 0; i++) {
        int rc = -EAGAIN;

        if (swgi_load(&map->cells[i].source) != number ||
            (life = swgi_circuit_read_name(map, i, name)) == 0 ||
            swgi_file_circuit(apply->file, name) != NULL)
            continue;
        for (unsigned tries = 0; tries < TRIES && rc == -EAGAIN; tries++)
            rc = swgi_source_leave(map, i, life, number);
    }
}

static void put_back(struct apply *apply, const struct undo *undo) {
    struct swgi_making making = { .settings = &undo->before,
                                  .histogram_asked = undo->before.histogram != 0 };
    int rc = -EAGAIN;

    for (unsigned i = 0; i < TRIES && rc == -EAGAIN; i++)
        rc = swgi_circuit_install(apply->map, undo->index, undo->life, &making, NULL);
    if (rc >= 0)
        swgi_store(&apply->map->cells[undo->index].source, undo->source);
}

/* The newest first, so that room that was taken is there again. */
static void undo_all(struct apply *apply) {
    while (apply->done-- > 0) {
        const struct undo *undo = &apply->undo[apply->done];

        if (undo->made)
            swgi_circuit_unmake(apply->map, undo->index, undo->life);
        else
            put_back(apply, undo);
    }
}

/* Told before anything is touched, for it is the one thing that is likely to be short. */
static int check_room(const struct apply *apply) {
    const struct swgi_map *map = apply->map;
    uint64_t used = swgi_load(&map->header->circuits_live);
    uint32_t wanted = 0, index, life;

    for (unsigned i = 0; i < apply->file->circuits_count; i++) {
        const struct swgi_file_circuit *circuit = &apply->file->circuits[i];

        wanted +=
            !circuit->is_pattern &&
            !swgi_registry_find(map, circuit->name, swgi_name_hash(circuit->name), &index, &life);
    }
    if (wanted < map->geometry.circuits)
        return 0;
    return swgi_fail(
        apply->error, -ENOSPC, "circuits",
        "%u circuits are to be made, and the panel has room for %u, %u of it taken; make"
        " it with a larger panel.circuits_max",
        wanted, map->geometry.circuits - 1, (unsigned)used);
}

static int follow(struct swg_panel *panel, struct swg_error *error) {
    int rc = swgi_panel_follow(panel);

    if (rc < 0)
        return swgi_fail(error, rc, "panel",
                         "the panel's file was replaced and cannot be attached again");
    if (rc > 0)
        swgi_circuits_follow(panel);
    if (!swgi_load(&panel->map)->writable)
        return swgi_fail(error, -EROFS, "panel", "the panel was opened to inspect only");
    return 0;
}

static int bring_all(struct apply *apply, struct swg_panel *panel) {
    int rc = check_room(apply);

    if (rc == 0)
        rc = bring_declared(apply);
    if (rc == 0)
        rc = bring_under_patterns(apply);
    if (rc == 0) {
        let_go(apply);
        swgi_declared_set(panel, &apply->file->declared);
        swgi_circuits_remember(panel);
    } else {
        undo_all(apply);
    }
    return rc;
}

int swgi_file_apply(struct swgi_file *file, struct swg_panel *panel, struct swg_error *error) {
    struct apply apply = { .file = file, .error = error };

    if (file == NULL || panel == NULL)
        return swgi_fail(error, -EINVAL, "panel", "no file or no panel was given");
    int rc = follow(panel, error);
    if (rc != 0)
        return rc;
    if (!swgi_declared_begin(panel))
        return swgi_fail(error, -EAGAIN, "panel",
                         "another thread of this process is loading a file; try again");
    apply.map = swgi_load(&panel->map);
    rc = bring_all(&apply, panel);
    swgi_declared_end(panel);
    free(apply.undo);
    return rc;
}
