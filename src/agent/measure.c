/* Which circuits there are, and the tick that goes through them. */
#include "agent/measure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/measure_inside.h"
#include "base/text.h"
#include "circuit/circuit.h"

#define BREAKERS_MAX_DEFAULT 1000u
#define SWEEP_EVERY          64u /* ticks, whether circuits seem to have come and gone or not */

static struct swgi_map *newest(const struct swg_panel *panel) {
    return atomic_load((_Atomic(struct swgi_map *) *)&panel->map);
}

int swgi_measures_new(struct swgi_measures **out, struct swg_panel *panel) {
    struct swgi_measures *measures = calloc(1, sizeof(*measures));
    if (measures == NULL)
        return -ENOMEM;
    measures->panel = swg_panel_ref(panel);
    *out = measures;
    return 0;
}

static void measured_free(struct swgi_measured *measured) {
    free(measured->history);
    free(measured->slo);
    free(measured->kinds);
    free(measured);
}

struct swgi_measures *swgi_measures_unref(struct swgi_measures *measures) {
    if (measures == NULL)
        return NULL;
    for (size_t i = 0; i < measures->count; i++)
        measured_free(measures->order[i]);
    free(measures->order);
    swgi_file_unref(measures->file);
    swg_panel_unref(measures->panel);
    free(measures);
    return NULL;
}

/* ---- who has series of its own */

/* A circuit named as the sum would be taken for it, and a name that is none can only come from a
 * damaged panel. */
static void give_series(struct swgi_measures *measures, struct swgi_measured *measured) {
    uint32_t most =
        measures->file != NULL ? measures->file->metrics.breakers_max : BREAKERS_MAX_DEFAULT;
    const char *name = measured->seen.status.name;
    measured->own = measures->own < most && strcmp(name, "_other") != 0 && swgi_name_valid(name);
    if (measured->own)
        measures->own++;
    else
        measures->folded++;
    measures->ever_folded |= !measured->own;
    measured->settled = true;
}

static void take_series(struct swgi_measures *measures, const struct swgi_measured *measured) {
    if (!measured->settled)
        return;
    if (measured->own) {
        measures->own--;
        return;
    }
    measures->folded--;
    swgi_measured_add(&measures->gone, measured);
}

/* ---- who is there */

static void follow_entry(struct swgi_measures *measures, struct swgi_measured *measured,
                         swg_ns now) {
    measured->seen.entry = measures->file != NULL
                               ? swgi_file_circuit(measures->file, measured->seen.status.name)
                               : NULL;
    swgi_slo_follow(measured, now);
}

static int by_name(const void *a, const void *b) {
    const struct swgi_measured *const *x = a, *const *y = b;
    return strcmp((*x)->seen.status.name, (*y)->seen.status.name);
}

/* Among the first `high`. */
static struct swgi_measured *find(const struct swgi_measures *measures, size_t high,
                                  const char *name) {
    size_t low = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, measures->order[middle]->seen.status.name);
        if (order == 0)
            return measures->order[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool make_room(struct swgi_measures *measures) {
    if (measures->count < measures->capacity)
        return true;
    size_t capacity = measures->capacity != 0 ? 2 * measures->capacity : 64;
    void *order = reallocarray(measures->order, capacity, sizeof(struct swgi_measured *));
    if (order == NULL)
        return false;
    measures->order = order;
    measures->capacity = capacity;
    return true;
}

static void measured_init(struct swgi_measures *measures, struct swgi_measured *measured,
                          struct swg_circuit *circuit, const struct swgi_binding *binding,
                          bool fresh, swg_ns now) {
    measured->map = binding->map;
    measured->life = binding->life;
    measured->fresh = fresh;
    measured->first_at = fresh ? measures->at : now;
    measured->seen.circuit = circuit;
    measured->seen.status = (struct swg_status)SWG_STATUS_INIT;
    measured->seen.at = now;
    measured->seen.failure_rate_1m = measured->seen.failure_rate_lately =
        measured->seen.latency_mean_1m = -1;
    measured->seen.last_recovery = -1;
    measured->seen.slo_budget_left = measured->seen.slo_burn_rate = -1;
    swgi_cell_name(binding->cell, measured->seen.status.name);
    swgi_measured_label(measured);
}

/* At the end, out of order; -ENOMEM leaves it out, and the next sweep tries again. */
static int add(struct swgi_measures *measures, struct swg_circuit *circuit, bool fresh,
               swg_ns now) {
    const struct swgi_binding *binding = swgi_circuit_look(circuit);
    if (binding == NULL)
        return 0;
    struct swgi_measured *measured = make_room(measures) ? calloc(1, sizeof(*measured)) : NULL;
    if (measured == NULL)
        return -ENOMEM;
    measured_init(measures, measured, circuit, binding, fresh, now);
    follow_entry(measures, measured, now);
    measures->order[measures->count++] = measured;
    return 0;
}

static bool is_there(const struct swgi_measured *measured) {
    const struct swgi_binding *binding = swgi_circuit_look(measured->seen.circuit);
    return binding != NULL && binding->map == measured->map && binding->life == measured->life;
}

static void drop_gone(struct swgi_measures *measures) {
    size_t kept = 0;
    for (size_t i = 0; i < measures->count; i++) {
        struct swgi_measured *measured = measures->order[i];
        if (is_there(measured)) {
            measures->order[kept++] = measured;
            continue;
        }
        take_series(measures, measured);
        measured_free(measured);
    }
    measures->count = kept;
}

/* In a damaged panel two cells may have one name: whom we know already stays. */
static void put_in_order(struct swgi_measures *measures) {
    size_t kept = 0;
    qsort(measures->order, measures->count, sizeof(struct swgi_measured *), by_name);
    for (size_t i = 0; i < measures->count; i++) {
        struct swgi_measured *twin = NULL, *measured = measures->order[i];
        if (kept != 0 && by_name(&measures->order[kept - 1], &measured) == 0)
            twin = measured->settled ? measures->order[--kept] : measured;
        if (twin != measured)
            measures->order[kept++] = measured;
        if (twin != NULL)
            measured_free(twin);
    }
    measures->count = kept;
}

/* known: how many stand in order before those that were added. */
static int add_missing(struct swgi_measures *measures, size_t known, bool fresh, swg_ns now) {
    struct swg_circuit *circuit;
    uint32_t cursor = 0;
    while (swg_panel_next_circuit(measures->panel, &cursor, &circuit) == 0) {
        if (find(measures, known, swg_circuit_name(circuit)) != NULL)
            continue;
        int rc = add(measures, circuit, fresh, now);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int sweep(struct swgi_measures *measures, swg_ns now) {
    const struct swgi_map *map = newest(measures->panel);
    uint64_t registry = swgi_measure_registry(map);
    drop_gone(measures);
    size_t known = measures->count;
    int rc = add_missing(measures, known, measures->map == map, now);
    if (measures->count != known)
        put_in_order(measures);
    measures->map = map;
    measures->registry = rc == 0 ? registry : 0;
    return rc;
}

/* ---- the tick */

static void follow_file(struct swgi_measures *measures, const struct swgi_file *file, swg_ns now) {
    if (file == measures->file)
        return;
    swgi_file_unref(measures->file);
    measures->file = file != NULL ? swgi_file_ref((struct swgi_file *)(uintptr_t)file) : NULL;
    for (size_t i = 0; i < measures->count; i++)
        follow_entry(measures, measures->order[i], now);
}

static void note_end(struct swgi_measures *measures, swg_ns now) {
    if (measures->ends[0].at == 0 || measures->ends[0].second != now / SWGI_NS)
        memmove(&measures->ends[1], &measures->ends[0],
                (SWGI_TICKS_KEPT - 1) * sizeof(measures->ends[0]));
    measures->ends[0].second = now / SWGI_NS;
    measures->ends[0].at = now;
    measures->at = now;
    measures->ticks++;
}

static bool must_sweep(const struct swgi_measures *measures) {
    const struct swgi_map *map = newest(measures->panel);
    return map != measures->map || measures->ticks % SWEEP_EVERY == 0 ||
           swgi_measure_registry(map) != measures->registry;
}

int swgi_measures_tick(struct swgi_measures *measures, const struct swgi_file *file) {
    swg_ns now = swg_panel_now(measures->panel);
    int rc = 0;
    if (now < measures->at)
        now = measures->at;
    if (measures->ticks == 0)
        measures->began = now;
    follow_file(measures, file, now);
    if (must_sweep(measures))
        rc = sweep(measures, now);
    for (size_t i = 0; i < measures->count; i++) {
        if (!measures->order[i]->settled)
            give_series(measures, measures->order[i]);
        if (swgi_measure_follow(measures, measures->order[i], now) != 0)
            measures->registry = 0;
    }
    if (measures->registry == 0 && rc == 0)
        drop_gone(measures);
    note_end(measures, now);
    return rc;
}

void swgi_measures_event(struct swgi_measures *measures, const struct swg_event *event) {
    struct swg_circuit *circuit;
    struct swgi_measured *measured = find(measures, measures->count, event->circuit);
    bool matters = event->kind == SWG_EVENT_SAMPLE ||
                   (event->kind >= SWG_EVENT_TRANSITION && event->kind <= SWG_EVENT_PROBE);
    if (!matters)
        return;
    if (measured == NULL && swg_circuit_find(measures->panel, event->circuit, &circuit) == 0) {
        sweep(measures, swg_panel_now(measures->panel));
        measured = find(measures, measures->count, event->circuit);
    }
    if (measured != NULL)
        swgi_measure_event(measured, event, swg_panel_now(measures->panel));
}

/* ---- for others */

size_t swgi_measures_count(const struct swgi_measures *measures) {
    return measures->count;
}

const struct swgi_measure *swgi_measures_at(const struct swgi_measures *measures, size_t index) {
    return index < measures->count ? &measures->order[index]->seen : NULL;
}

const struct swgi_measure *swgi_measures_find(const struct swgi_measures *measures,
                                              const char *name) {
    const struct swgi_measured *measured = find(measures, measures->count, name);
    return measured != NULL ? &measured->seen : NULL;
}

uint64_t swgi_measures_ticks(const struct swgi_measures *measures) {
    return measures->ticks;
}
