/*
 * From what a user asks for to the sizes and places of everything in the panel; nothing here
 * touches memory or files.
 */
#include "panel/geometry.h"

#include <errno.h>
#include <inttypes.h>

#include "base/error.h"

#define PAGE                   4096u
#define CIRCUITS_DEFAULT       1024u
#define COLUMNS_DEFAULT        16u
#define HISTOGRAMS_DEFAULT_MAX 1024u
#define SLOTS_PER_CIRCUIT      256u
#define SLOTS_DEFAULT_MAX      262144u
#define POLICIES_DEFAULT_MAX   1024u
#define EVENTS_DEFAULT         1024u

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

void swgi_geometry_defaults(struct swg_panel_options *options) {
    if (options->circuits_max == 0)
        options->circuits_max = CIRCUITS_DEFAULT;
    if (options->columns_max == 0)
        options->columns_max = COLUMNS_DEFAULT;
    if (options->histograms_max == 0)
        options->histograms_max = least(options->circuits_max, HISTOGRAMS_DEFAULT_MAX);
    if (options->slots_max == 0)
        options->slots_max = least(options->circuits_max * SLOTS_PER_CIRCUIT, SLOTS_DEFAULT_MAX);
    if (options->policies_max == 0)
        options->policies_max = least(options->circuits_max, POLICIES_DEFAULT_MAX);
    if (options->events_max == 0)
        options->events_max = EVENTS_DEFAULT;
}

static int within(struct swg_error *error, const char *key, uint32_t value, uint32_t low,
                  uint32_t high) {
    if (value >= low && value <= high)
        return 0;
    return swgi_fail(error, -EINVAL, key, "%s is %" PRIu32 "; it must be %" PRIu32 " to %" PRIu32,
                     key, value, low, high);
}

static uint32_t unless_none(uint32_t value) {
    return value == SWG_GEOMETRY_NONE ? 0 : value;
}

static int check(const struct swg_panel_options *o, struct swg_error *error) {
    int rc = within(error, "circuits_max", o->circuits_max, 1, SWGI_CIRCUITS_MAX);
    if (rc == 0)
        rc = within(error, "columns_max", o->columns_max, 1, SWGI_COLUMNS_MAX);
    if (rc == 0)
        rc = within(error, "histograms_max", unless_none(o->histograms_max), 0, o->circuits_max);
    if (rc == 0)
        rc = within(error, "slots_max", unless_none(o->slots_max), 0, SWGI_SLOTS_MAX);
    if (rc == 0)
        rc = within(error, "policies_max", unless_none(o->policies_max), 0, o->circuits_max);
    if (rc == 0)
        rc = within(error, "events_max", o->events_max, SWGI_EVENTS_MIN, SWGI_EVENTS_MAX);
    if (rc == 0 && (o->events_max & (o->events_max - 1)) != 0)
        rc = swgi_fail(error, -EINVAL, "events_max",
                       "events_max is %" PRIu32 "; it must be a power of two", o->events_max);
    return rc;
}

uint32_t swgi_index_buckets(uint32_t circuits) {
    uint32_t buckets = 64;
    while (buckets < 2 * circuits)
        buckets *= 2;
    return buckets;
}

int swgi_geometry_resolve(const struct swg_panel_options *options, struct swgi_geometry *out,
                          struct swg_error *error) {
    struct swg_panel_options full = *options;
    swgi_geometry_defaults(&full);
    int rc = check(&full, error);
    if (rc < 0)
        return rc;
    struct swgi_section sections[SWGI_SECTIONS];
    struct swgi_geometry geometry = {
        .circuits = full.circuits_max + 1,
        .columns = full.columns_max + 1,
        .histograms = unless_none(full.histograms_max),
        .slot_chunks = (unless_none(full.slots_max) + SWGI_SLOT_CHUNK - 1) / SWGI_SLOT_CHUNK,
        .policies = unless_none(full.policies_max),
        .events = full.events_max,
        .index_buckets = swgi_index_buckets(full.circuits_max + 1),
    };
    geometry.slots = geometry.slot_chunks * SWGI_SLOT_CHUNK;
    geometry.size = swgi_sections_plan(&geometry, sections);
    *out = geometry;
    return 0;
}

static uint64_t place(struct swgi_section *sections, uint64_t offset, uint32_t id, size_t stride,
                      uint64_t count) {
    sections[id - 1] = (struct swgi_section){
        .id = id, .stride = (uint32_t)stride, .offset = offset, .count = count
    };
    return (offset + stride * count + PAGE - 1) / PAGE * PAGE;
}

uint64_t swgi_sections_plan(const struct swgi_geometry *g, struct swgi_section *s) {
    uint64_t bins = (uint64_t)g->histograms * g->columns * SWGI_HISTOGRAM_BINS;
    uint64_t end = PAGE;
    end = place(s, end, SWGI_SECTION_PROCESSES, sizeof(struct swgi_process), SWGI_PROCESSES_MAX);
    end = place(s, end, SWGI_SECTION_CIRCUITS, sizeof(struct swgi_cell), g->circuits);
    end = place(s, end, SWGI_SECTION_INDEX, sizeof(uint32_t), 2 * (uint64_t)g->index_buckets);
    end = place(s, end, SWGI_SECTION_LEASES, sizeof(swgi_word), g->columns);
    end = place(s, end, SWGI_SECTION_COLUMNS, sizeof(struct swgi_column),
                (uint64_t)g->columns * g->circuits);
    end = place(s, end, SWGI_SECTION_HISTOGRAMS, sizeof(swgi_word), bins);
    end = place(s, end, SWGI_SECTION_HISTOGRAM_OWNERS, sizeof(uint32_t), g->histograms);
    end = place(s, end, SWGI_SECTION_SLOTS, sizeof(swgi_word), g->slots);
    end = place(s, end, SWGI_SECTION_SLOT_OWNERS, sizeof(uint32_t), g->slot_chunks);
    end = place(s, end, SWGI_SECTION_ACTS, sizeof(struct swgi_event_slot), g->events);
    end = place(s, end, SWGI_SECTION_NOTICES, sizeof(struct swgi_event_slot), g->events);
    end = place(s, end, SWGI_SECTION_POLICIES, sizeof(struct swgi_policies), g->policies);
    return place(s, end, SWGI_SECTION_POLICY_OWNERS, sizeof(uint32_t), g->policies);
}

/* asked is what the user wrote, 0 for nothing; there is what the panel has. */
static int agree(struct swg_error *error, const char *path, const char *key, uint32_t asked,
                 uint32_t there) {
    if (asked == 0 || unless_none(asked) == there)
        return 0;
    return swgi_fail(
        error, -ERANGE, key,
        "%s: %s is %" PRIu32 " in this panel and %" PRIu32
        " was asked for; ask for 0 to take what is there, or remove the file when nobody uses it",
        path, key, there, unless_none(asked));
}

int swgi_geometry_agree(const struct swg_panel_options *asked, const struct swgi_geometry *panel,
                        const char *path, struct swg_error *error) {
    uint32_t calls = asked->slots_max;
    uint32_t chunk_calls =
        (unless_none(calls) + SWGI_SLOT_CHUNK - 1) / SWGI_SLOT_CHUNK * SWGI_SLOT_CHUNK;
    int rc = agree(error, path, "circuits_max", asked->circuits_max, panel->circuits - 1);
    if (rc == 0)
        rc = agree(error, path, "columns_max", asked->columns_max, panel->columns - 1);
    if (rc == 0)
        rc = agree(error, path, "histograms_max", asked->histograms_max, panel->histograms);
    if (rc == 0)
        rc = agree(error, path, "slots_max",
                   calls == 0 || calls == SWG_GEOMETRY_NONE ? calls : chunk_calls, panel->slots);
    if (rc == 0)
        rc = agree(error, path, "policies_max", asked->policies_max, panel->policies);
    if (rc == 0)
        rc = agree(error, path, "events_max", asked->events_max, panel->events);
    return rc;
}
