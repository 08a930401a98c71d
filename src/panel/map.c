/* Where a panel's sections lie in memory, and what a new panel begins with. */
#include "panel/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "panel/boot.h"
#include "panel/process.h"
#include "panel/waiters.h"

unsigned char *swgi_memory_new(uint64_t size) {
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

static void *section(const struct swgi_map *map, const struct swgi_section *sections,
                     enum swgi_section_id id) {
    return map->bytes + sections[id - 1].offset;
}

static void find_sections(struct swgi_map *map, const struct swgi_section *s) {
    map->header = (struct swgi_header *)(void *)map->bytes;
    map->processes = section(map, s, SWGI_SECTION_PROCESSES);
    map->cells = section(map, s, SWGI_SECTION_CIRCUITS);
    map->index[0] = section(map, s, SWGI_SECTION_INDEX);
    map->index[1] = map->index[0] + map->geometry.index_buckets;
    map->leases = section(map, s, SWGI_SECTION_LEASES);
    map->columns = section(map, s, SWGI_SECTION_COLUMNS);
    map->histograms = section(map, s, SWGI_SECTION_HISTOGRAMS);
    map->histogram_owners = section(map, s, SWGI_SECTION_HISTOGRAM_OWNERS);
    map->slots = section(map, s, SWGI_SECTION_SLOTS);
    map->slot_owners = section(map, s, SWGI_SECTION_SLOT_OWNERS);
    map->policies = section(map, s, SWGI_SECTION_POLICIES);
    map->policy_owners = section(map, s, SWGI_SECTION_POLICY_OWNERS);
    map->rings[SWGI_RING_ACTS] = section(map, s, SWGI_SECTION_ACTS);
    map->rings[SWGI_RING_NOTICES] = section(map, s, SWGI_SECTION_NOTICES);
}

struct swgi_map *swgi_map_new(struct swg_panel *panel, unsigned char *bytes,
                              const struct swgi_geometry *geometry,
                              const struct swgi_section *sections) {
    struct swgi_map *map = calloc(1, sizeof(*map));
    struct swgi_wiped *wiped = swgi_wiped_new();
    if (map == NULL || wiped == NULL) {
        munmap(bytes, geometry->size);
        swgi_wiped_free(wiped);
        free(map);
        return NULL;
    }
    map->bytes = bytes;
    map->geometry = *geometry;
    map->panel = panel;
    map->tag = &wiped->tag;
    map->registry_mutex = &wiped->mutex;
    map->writable = true;
    find_sections(map, sections);
    map->virtual_on = map->header->virtual_clock_on;
    return map;
}

void swgi_map_free(struct swgi_map *map) {
    swgi_wait_descriptor_close(map);
    munmap(map->bytes, map->geometry.size);
    swgi_wiped_free((struct swgi_wiped *)(void *)map->tag);
    free(map);
}

uint32_t swgi_header_crc(const struct swgi_header *header) {
    return swgi_crc32c(header, offsetof(struct swgi_header, crc));
}

static uint64_t time_namespace(void) {
    struct stat status;
    return stat("/proc/self/ns/time", &status) == 0 ? status.st_ino : 0;
}

static void fill_header(struct swgi_header *header, const struct swgi_geometry *g,
                        const struct swg_panel_options *options) {
    header->magic = SWGI_MAGIC;
    header->endian_mark = SWGI_ENDIAN_MARK;
    header->major = SWGI_MAJOR;
    header->minor = SWGI_MINOR;
    header->size = g->size;
    header->circuits = g->circuits;
    header->columns = g->columns;
    header->histograms = g->histograms;
    header->slot_chunks = g->slot_chunks;
    header->policies = g->policies;
    header->events = g->events;
    header->processes = SWGI_PROCESSES_MAX;
    header->created_wall_ms = (uint64_t)swgi_clock_wall_ms();
    header->time_namespace = time_namespace();
    header->virtual_clock_on = options->virtual_clock != 0;
    header->sections_count = SWGI_SECTIONS;
    swgi_sections_plan(g, header->sections);
    header->crc = swgi_header_crc(header);
}

/* An hour from nothing, so that times computed backward from it are not near zero. */
#define VIRTUAL_CLOCK_START INT64_C(3600000000000)

static void fill(struct swgi_map *map) {
    struct swgi_header *header = map->header;
    uint32_t beyond;
    swgi_store(&header->columns_high, 1);
    if (map->virtual_on)
        swgi_store(&header->virtual_clock, VIRTUAL_CLOCK_START);
    swgi_boot_write(map);
    swgi_map_stamp(map);
    int rc = swgi_registry_claim(map, SWGI_BEYOND_NAME, swgi_name_hash(SWGI_BEYOND_NAME), &beyond);
    assert(rc == 0 && beyond == 0);
    (void)rc;
    map->panel->hooks->first(map);
}

void swgi_map_format(struct swg_panel *panel, unsigned char *bytes,
                     const struct swgi_geometry *geometry) {
    struct swgi_header *header = (struct swgi_header *)(void *)bytes;
    fill_header(header, geometry, &panel->options);
    struct swgi_section sections[SWGI_SECTIONS];
    memcpy(sections, header->sections, sizeof(sections));
    struct swgi_map view = {
        .bytes = bytes, .geometry = *geometry, .panel = panel, .writable = true
    };
    view.virtual_on = header->virtual_clock_on;
    find_sections(&view, sections);
    fill(&view);
}

void swgi_map_publish(struct swgi_map *map) {
    map->older = swgi_load(&map->panel->map);
    swgi_store(&map->panel->map, map);
}
