/*
 * Believing a header: everything it says is checked against the file and against itself before
 * any of it is used.
 */
#include "panel/validate.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "panel/map.h"

#define FEATURES_KNOWN 0u
#define ADVICE         "remove it when no process uses it, and it is made anew"

static int check_version(const struct swgi_header *h, const char *path, struct swg_error *error) {
    if (h->magic != SWGI_MAGIC)
        return swgi_fail(error, -EBADMSG, path, "%s is no panel; name another path, or remove it",
                         path);
    if (h->endian_mark != SWGI_ENDIAN_MARK)
        return swgi_fail(error, -EPROTO, path,
                         "%s was made by a machine of another byte order; " ADVICE, path);
    if (h->major != SWGI_MAJOR)
        return swgi_fail(error, -EPROTO, path,
                         "%s is version %u; this library reads %u: use the library that made it",
                         path, h->major, SWGI_MAJOR);
    if (h->features_incompatible & ~FEATURES_KNOWN)
        return swgi_fail(error, -EPROTO, path,
                         "%s uses features (%#x) this library does not know; use a newer library",
                         path, h->features_incompatible & ~FEATURES_KNOWN);
    return 0;
}

static int check_whole(const struct swgi_header *h, uint64_t file_size, const char *path,
                       struct swg_error *error) {
    if (h->crc != swgi_header_crc(h))
        return swgi_fail(error, -EBADMSG, path, "the header of %s is damaged (checksum); " ADVICE,
                         path);
    if (h->size != file_size)
        return swgi_fail(error, -EBADMSG, path,
                         "%s has %" PRIu64 " bytes and its header says %" PRIu64
                         ": it was cut or is no panel; " ADVICE,
                         path, file_size, h->size);
    return 0;
}

static bool geometry_possible(const struct swgi_header *h) {
    bool power_of_two = (h->events & (h->events - 1)) == 0;
    return h->circuits >= 2 && h->circuits <= SWGI_CIRCUITS_MAX + 1 && h->columns >= 2 &&
           h->columns <= SWGI_COLUMNS_MAX + 1 && h->histograms < h->circuits &&
           h->slot_chunks <= SWGI_SLOT_CHUNKS_MAX && h->policies <= SWGI_CIRCUITS_MAX &&
           h->events >= SWGI_EVENTS_MIN && h->events <= SWGI_EVENTS_MAX && power_of_two &&
           h->processes == SWGI_PROCESSES_MAX && h->virtual_clock_on <= 1;
}

static bool section_inside(const struct swgi_section *s, uint64_t size, uint64_t *end) {
    uint64_t bytes;
    return s->stride != 0 && s->offset >= sizeof(struct swgi_header) &&
           s->offset % SWGI_CACHE_LINE == 0 &&
           !__builtin_mul_overflow((uint64_t)s->stride, s->count, &bytes) &&
           !__builtin_add_overflow(s->offset, bytes, end) && *end <= size;
}

static bool sections_apart(const struct swgi_section *a, uint64_t a_end,
                           const struct swgi_section *b, uint64_t b_end) {
    return a->count == 0 || b->count == 0 || a_end <= b->offset || b_end <= a->offset;
}

/* Of one section: inside the file, apart from those before it. */
static bool section_sound(const struct swgi_header *h, uint32_t i, uint64_t *ends) {
    if (!section_inside(&h->sections[i], h->size, &ends[i]))
        return false;
    for (uint32_t before = 0; before < i; before++)
        if (!sections_apart(&h->sections[i], ends[i], &h->sections[before], ends[before]) ||
            h->sections[i].id == h->sections[before].id)
            return false;
    return true;
}

/* Of a known section: what the geometry asks of it. Counts down how many are still missing. */
static bool section_fits(const struct swgi_section *there, struct swgi_section *wanted,
                         uint32_t *missing) {
    if (there->id == 0 || there->id > SWGI_SECTIONS)
        return true;
    struct swgi_section *want = &wanted[there->id - 1];
    if (there->stride != want->stride || there->count != want->count)
        return false;
    want->offset = there->offset;
    --*missing;
    return true;
}

static bool sections_sound(const struct swgi_header *h, struct swgi_section *sections) {
    uint64_t ends[SWGI_SECTIONS_MAX];
    uint32_t missing = SWGI_SECTIONS;
    if (h->sections_count > SWGI_SECTIONS_MAX)
        return false;
    for (uint32_t i = 0; i < h->sections_count; i++)
        if (!section_sound(h, i, ends) || !section_fits(&h->sections[i], sections, &missing))
            return false;
    return missing == 0;
}

static struct swgi_geometry geometry_of(const struct swgi_header *h) {
    return (struct swgi_geometry){
        .circuits = h->circuits,
        .columns = h->columns,
        .histograms = h->histograms,
        .slot_chunks = h->slot_chunks,
        .slots = h->slot_chunks * SWGI_SLOT_CHUNK,
        .policies = h->policies,
        .events = h->events,
        .index_buckets = swgi_index_buckets(h->circuits),
        .size = h->size,
    };
}

int swgi_header_check(const struct swgi_header *h, uint64_t file_size, const char *path,
                      struct swgi_geometry *geometry, struct swgi_section *sections,
                      struct swg_error *error) {
    int rc = check_version(h, path, error);
    if (rc == 0)
        rc = check_whole(h, file_size, path, error);
    if (rc < 0)
        return rc;
    if (!geometry_possible(h))
        return swgi_fail(error, -EBADMSG, path, "%s has a geometry that cannot be; " ADVICE, path);
    *geometry = geometry_of(h);
    swgi_sections_plan(geometry, sections);
    if (!sections_sound(h, sections))
        return swgi_fail(error, -EBADMSG, path,
                         "the sections of %s lie outside the file or over each other; " ADVICE,
                         path);
    return 0;
}
