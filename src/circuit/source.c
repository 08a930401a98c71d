/*
 * The header names a few files, each cell one of them by number. A name is given up when no cell
 * has it any more and there is room for no other; a reader who comes between sees the new one.
 */
#include "circuit/source.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define SOURCE_BYTES (SWGI_SOURCE_WORDS * sizeof(uint64_t))
#define UNNAMED      UINT32_MAX       /* a file, but there was no room for its name */
#define LEFT         (UINT32_MAX - 1) /* a file that does not have it any more */

/* The end of a path says more than its beginning. */
static const char *tail(const char *path, size_t room) {
    size_t length = strlen(path);

    return length < room ? path : path + (length - room + 1);
}

static void read_name(const struct swgi_map *map, unsigned number, char out[SOURCE_BYTES]) {
    uint64_t words[SWGI_SOURCE_WORDS];

    for (unsigned i = 0; i < SWGI_SOURCE_WORDS; i++)
        words[i] = swgi_load(&map->header->sources[number][i]);
    memcpy(out, words, SOURCE_BYTES);
    out[SOURCE_BYTES - 1] = '\0';
}

static void write_name(struct swgi_map *map, unsigned number, const char *name) {
    uint64_t words[SWGI_SOURCE_WORDS] = { 0 };

    memcpy(words, name, strnlen(name, SOURCE_BYTES - 1));
    for (unsigned i = 0; i < SWGI_SOURCE_WORDS; i++)
        swgi_store(&map->header->sources[number][i], words[i]);
}

static bool is_used(const struct swgi_map *map, unsigned number) {
    uint64_t high = swgi_load(&map->header->circuits_high);

    for (uint32_t i = 0; i < high && i < map->geometry.circuits; i++)
        if (swgi_load(&map->cells[i].source) == number + 1)
            return true;
    return false;
}

static uint32_t number_for(struct swgi_map *map, const char *name) {
    char present[SOURCE_BYTES];

    for (unsigned i = 0; i < SWGI_SOURCES_MAX; i++) {
        read_name(map, i, present);
        if (strcmp(present, name) == 0)
            return i + 1;
    }
    for (unsigned i = 0; i < SWGI_SOURCES_MAX; i++)
        if (swgi_load(&map->header->sources[i][0]) == 0 || !is_used(map, i)) {
            write_name(map, i, name);
            return i + 1;
        }
    return UNNAMED;
}

void swgi_source_note(struct swgi_map *map, uint32_t index, const struct swgi_declared *declared) {
    const char *path = declared != NULL ? tail(declared->path, SOURCE_BYTES) : "";

    swgi_store(&map->cells[index].source, declared != NULL ? number_for(map, path) : 0);
}

uint32_t swgi_source_number(const struct swgi_map *map, const struct swgi_declared *declared) {
    char present[SOURCE_BYTES];

    for (unsigned i = 0; i < SWGI_SOURCES_MAX; i++) {
        read_name(map, i, present);
        if (present[0] != '\0' && strcmp(present, tail(declared->path, SOURCE_BYTES)) == 0)
            return i + 1;
    }
    return 0;
}

int swgi_source_leave(struct swgi_map *map, uint32_t index, uint32_t life, uint32_t number) {
    struct swgi_cell *cell = &map->cells[index];
    int rc = swgi_registry_lock(map);

    if (rc != 0)
        return rc;
    if (swgi_load(&cell->life) == life && swgi_load(&cell->source) == number)
        swgi_store(&cell->source, LEFT);
    swgi_registry_unlock(map);
    return 0;
}

bool swgi_source_is_free(const struct swgi_cell *cell) {
    uint32_t source = swgi_load(&cell->source);

    return source == 0 || source == LEFT;
}

void swgi_source_tell(const struct swgi_map *map, const struct swgi_cell *cell, const char *preset,
                      char *out, size_t size) {
    char name[SOURCE_BYTES] = "", clean[SOURCE_BYTES], end[32] = "";
    uint32_t source = swgi_load(&cell->source);

    if (preset[0] != '\0')
        snprintf(end, sizeof(end), ", preset %s", preset);
    if (source == 0 || source == LEFT) {
        snprintf(out, size, "%s%s", source == 0 ? "code" : "no file any more", end);
        return;
    }
    if (source <= SWGI_SOURCES_MAX)
        read_name(map, source - 1, name);
    swgi_copy_text(clean, sizeof(clean), name);
    size_t room = size > strlen("file ") + strlen(end) ? size - strlen("file ") - strlen(end) : 1;
    snprintf(out, size, "file %s%s", tail(clean[0] != '\0' ? clean : "?", room), end);
}
