/*
 * What a look at the circuit makes of the word is a pure function; who asks stores it by
 * compare-and-swap, who only shows it does not.
 */
#include "engine/features.h"

#include <errno.h>
#include <string.h>

#include "engine/engine.h"
#include "panel/words.h"

#define RACES 8u

/* ---- the word: used:1 | phase:2 | unwell:1 | back:5 | trips:16 | since:36, units of a deadline */
struct stage {
    enum swgi_feature_phase phase;
    bool unwell;
    unsigned back;
    uint64_t trips;
    uint64_t since; /* rounded up */
};

#define TRIPS_BITS 16

static uint64_t pack(const struct stage *stage) {
    return UINT64_C(1) | (uint64_t)stage->phase << 1 | (uint64_t)stage->unwell << 3 |
           (uint64_t)stage->back << 4 | (stage->trips & SWGI_MASK(TRIPS_BITS)) << 9 |
           stage->since << 25;
}

static struct stage unpack(uint64_t word) {
    uint64_t phase = swgi_field(word, 1, 2);

    return (struct stage){
        .phase =
            phase <= SWGI_FEATURES_RETURNING ? (enum swgi_feature_phase)phase : SWGI_FEATURES_OFF,
        .unwell = swgi_field(word, 3, 1) != 0,
        .back = (unsigned)swgi_field(word, 4, 5),
        .trips = swgi_field(word, 9, TRIPS_BITS),
        .since = swgi_field(word, 25, SWGI_DEADLINE_BITS),
    };
}

/* ---- the list */

static unsigned count_of(const struct swgi_feature_settings *settings) {
    return settings->count < SWGI_FEATURES_MAX ? settings->count : SWGI_FEATURES_MAX;
}

/* The critical stand in front. */
static unsigned critical(const struct swgi_feature_settings *settings) {
    unsigned first = 0;

    while (first < count_of(settings) && settings->list[first].importance >= SWGI_FEATURE_CRITICAL)
        first++;
    return first;
}

static int find(const struct swgi_feature_settings *settings, const char *name) {
    for (unsigned i = 0; name != NULL && i < count_of(settings); i++)
        if (strncmp(settings->list[i].name, name, sizeof(settings->list[i].name)) == 0)
            return (int)i;
    return -1;
}

/* ---- what a look makes of a stage */

static void change(struct stage *stage, unsigned back, const struct swgi_feature_look *look) {
    stage->back = back;
    stage->since = swgi_deadline_from(look->now);
}

static void go_off(struct stage *stage, const struct swgi_feature_look *look) {
    *stage = (struct stage){ .phase = SWGI_FEATURES_OFF, .trips = look->trips };
    change(stage, 0, look);
}

/* The first look after it closed. */
static void begin_return(struct stage *stage, unsigned all, const struct swgi_feature_look *look) {
    *stage = (struct stage){ .phase = all > 0 ? SWGI_FEATURES_RETURNING : SWGI_FEATURES_ALL,
                             .trips = look->trips };
    if (all == 0)
        return;
    stage->unwell = !look->healthy;
    change(stage, look->healthy ? 1 : 0, look);
}

static bool was_held(const struct stage *stage, const struct swgi_feature_settings *settings,
                     const struct swgi_feature_look *look) {
    return swgi_passed(look->now, swgi_deadline_time(stage->since)) >= settings->hold_ns;
}

static void go_back(struct stage *stage, const struct swgi_feature_settings *settings,
                    const struct swgi_feature_look *look) {
    if (stage->unwell && (stage->back == 0 || !was_held(stage, settings, look)))
        return;
    stage->unwell = true;
    change(stage, stage->back > 0 ? stage->back - 1 : 0, look);
}

static void go_on(struct stage *stage, unsigned all, const struct swgi_feature_settings *settings,
                  const struct swgi_feature_look *look) {
    if (stage->unwell) {
        stage->unwell = false;
        change(stage, stage->back, look);
    } else if (was_held(stage, settings, look)) {
        change(stage, stage->back + 1, look);
        if (stage->back > all)
            *stage = (struct stage){ .phase = SWGI_FEATURES_ALL, .trips = look->trips };
    }
}

/* Has it tripped since? A caller who was stopped may know of fewer trips than the word. */
static bool tripped(const struct stage *stage, const struct swgi_feature_look *look) {
    uint64_t distance = (look->trips - stage->trips) & SWGI_MASK(TRIPS_BITS);

    return distance != 0 && distance >> (TRIPS_BITS - 1) == 0;
}

static void advance(struct stage *stage, const struct swgi_feature_settings *settings,
                    const struct swgi_feature_look *look) {
    unsigned all = count_of(settings) - critical(settings);

    if (stage->back > all)
        stage->back = all;
    if (!look->closed) {
        if (stage->phase != SWGI_FEATURES_OFF)
            go_off(stage, look);
    } else if (stage->phase == SWGI_FEATURES_OFF || tripped(stage, look)) {
        begin_return(stage, all, look);
    } else if (stage->phase == SWGI_FEATURES_RETURNING) {
        if (look->healthy)
            go_on(stage, all, settings, look);
        else
            go_back(stage, settings, look);
    }
}

/* A word nobody wrote yet: what tripped before the first look is not known, and not asked. */
static struct stage stage_after(uint64_t word, const struct swgi_feature_settings *settings,
                                const struct swgi_feature_look *look) {
    struct stage stage = unpack(word);

    if (word == 0)
        stage = (struct stage){ .phase = SWGI_FEATURES_ALL,
                                .trips = look->trips & SWGI_MASK(TRIPS_BITS) };
    advance(&stage, settings, look);
    return stage;
}

static bool is_on(const struct stage *stage, const struct swgi_feature_settings *settings,
                  unsigned feature) {
    unsigned first = critical(settings);

    return feature < first || stage->phase == SWGI_FEATURES_ALL ||
           (stage->phase == SWGI_FEATURES_RETURNING && feature - first < stage->back);
}

/* ---- what callers and people ask */

int swgi_feature_enabled(struct swgi_feature_words *words,
                         const struct swgi_feature_settings *settings, const char *name,
                         const struct swgi_feature_look *look) {
    int feature = find(settings, name);
    struct stage stage = { .phase = SWGI_FEATURES_OFF };

    if (feature < 0)
        return -ENOENT;
    for (unsigned race = 0; race < RACES; race++) {
        uint64_t word = swgi_load(&words->state);
        stage = stage_after(word, settings, look);
        uint64_t next = pack(&stage);
        if (next == word || swgi_cas(&words->state, word, next))
            break;
    }
    return is_on(&stage, settings, (unsigned)feature);
}

static int64_t next_at(const struct stage *stage, const struct swgi_feature_settings *settings) {
    bool moves = stage->phase == SWGI_FEATURES_RETURNING && !(stage->unwell && stage->back == 0);

    return moves ? swgi_after(swgi_deadline_time(stage->since), settings->hold_ns) : INT64_MAX;
}

void swgi_features_view(const struct swgi_feature_words *words,
                        const struct swgi_feature_settings *settings,
                        const struct swgi_feature_look *look, struct swgi_feature_view *out) {
    struct stage stage = stage_after(swgi_load(&words->state), settings, look);
    unsigned all = count_of(settings) - critical(settings);

    *out = (struct swgi_feature_view){
        .phase = stage.phase,
        .back = stage.phase == SWGI_FEATURES_ALL ? all : stage.back,
        .all = all,
        .unwell = stage.unwell,
        .since = stage.phase == SWGI_FEATURES_ALL ? 0 : swgi_deadline_time(stage.since),
        .next_at = next_at(&stage, settings),
    };
    for (unsigned i = 0; i < count_of(settings); i++)
        out->on |= (uint32_t)is_on(&stage, settings, i) << i;
}
