/* Limiters against sequential ones, whoever comes between whom and is killed where. */
#include "words.h"

#include <string.h>

#include "engine/limiter.h"

#define RATE  3u /* at most */
#define PER   INT64_C(3000000)
#define STEP  INT64_C(250000)
#define START INT64_C(3000000000)
#define SLOTS 8u

static struct {
    struct swgi_limiter_words words;
    swgi_word slots[SLOTS];
} begin, here;
static struct swgi_limiter_settings settings;
static uint64_t places[OPERATIONS_MAX]; /* that an operation got, or gives back; 0: none */

/* ---- one after the other */

struct bucket {
    int64_t tat;
};

struct windows {
    int64_t index, before, running;
};

struct calls {
    int64_t count, at[RATE]; /* the last ones, oldest first; rounded up to what a log keeps */
};

union state {
    struct model model;
    struct bucket bucket;
    struct windows windows;
    struct calls calls;
};

static int64_t take_bucket(struct bucket *bucket, int64_t at, int64_t may_wait) {
    int64_t interval = PER / settings.rate, tolerance = (int64_t)(settings.burst - 1) * interval;
    int64_t due = bucket->tat > at ? bucket->tat : at;
    int64_t wait = due - at > tolerance ? due - at - tolerance : 0;
    if (wait > may_wait)
        return may_wait - wait;
    bucket->tat = due + interval;
    return wait;
}

static void enter_window(struct windows *windows, int64_t index) {
    if (index <= windows->index)
        return;
    windows->before = index == windows->index + 1 ? windows->running : 0;
    windows->running = 0;
    windows->index = index;
}

/* 0 or -1: when to ask again is for other tests. */
static int64_t take_window(struct windows *windows, int64_t at) {
    struct windows next = *windows;
    enter_window(&next, at / PER);
    int64_t start = next.index * PER, covered = PER - (at > start ? at - start : 0);
    int64_t before = settings.algorithm == SWGI_SLIDING_WINDOW ? next.before * covered : 0;
    if (before + (next.running + 1) * PER > settings.rate * PER)
        return -1;
    next.running++;
    *windows = next;
    return 0;
}

static int64_t take_log(struct calls *calls, int64_t at) {
    int64_t unit = SWGI_LOG_UNIT_NS, rounded = (at + unit - 1) / unit * unit;
    if (calls->count == settings.rate && calls->at[0] + PER > at)
        return at - calls->at[0] - PER;
    if (calls->count == settings.rate)
        memmove(calls->at, calls->at + 1, (RATE - 1) * sizeof(*calls->at));
    else
        calls->count++;
    int64_t *last = &calls->at[calls->count - 1];
    *last = calls->count > 1 && last[-1] > rounded ? last[-1] : rounded;
    return 0;
}

static int64_t take(union state *state, int64_t at, int64_t may_wait) {
    if (settings.algorithm <= SWGI_LEAKY_BUCKET)
        return take_bucket(&state->bucket, at, may_wait);
    if (settings.algorithm == SWGI_SLIDING_LOG)
        return take_log(&state->calls, at);
    return take_window(&state->windows, at);
}

static void give_back(union state *state, uint64_t place) {
    if (place == 0 || settings.algorithm == SWGI_SLIDING_LOG)
        return;
    if (settings.algorithm <= SWGI_LEAKY_BUCKET) {
        if (state->bucket.tat == (int64_t)place)
            state->bucket.tat -= PER / settings.rate;
    } else if (state->windows.index == (int64_t)(place >> 40) && state->windows.running > 0) {
        state->windows.running--;
    }
}

static bool apply(const struct world *world, struct model *model, unsigned operation,
                  unsigned variant) {
    const struct operation *o = &world->operations[operation];
    union state *state = (union state *)model;
    bool exact = settings.algorithm <= SWGI_LEAKY_BUCKET || settings.algorithm == SWGI_SLIDING_LOG;
    (void)variant;
    if (o->kind == CANCEL) {
        give_back(state, places[operation]);
        return true;
    }
    int64_t wait = take(state, o->argument, o->duration);
    return !o->ended || (exact ? wait == o->clock_to : (wait < 0) == (o->clock_to < 0));
}

static unsigned left_at(const union state *state, int64_t at) {
    union state copy = *state;
    unsigned left = 0;
    while (left <= RATE && take(&copy, at, 0) == 0)
        left++;
    return left;
}

/* As many are left, at once and in each moment to come. */
static bool is_final(const struct world *world, const struct model *model) {
    (void)world;
    for (int64_t at = START; at < START + 12 * PER; at += STEP)
        if (swgi_limiter_left(&here.words, here.slots, SLOTS, at) !=
            left_at((const union state *)model, at))
            return false;
    return true;
}

static const struct specification specification = { .apply = apply,
                                                    .variants = 1,
                                                    .is_final = is_final };

/* ---- all at once */

static void perform(struct world *world, unsigned index) {
    struct operation *operation = &world->operations[index];
    if (operation->kind != CANCEL) {
        struct swgi_limiter_answer answer = swgi_limiter_take(
            &here.words, here.slots, SLOTS, operation->argument, operation->duration);
        operation->clock_to = answer.wait_ns;
        places[index] = answer.wait_ns >= 0 ? answer.place : 0;
        return;
    }
    for (unsigned i = 0; i < index; i++)
        if (world->operations[i].caller == operation->caller &&
            world->operations[i].kind == ACQUIRE)
            places[index] = places[i];
    swgi_limiter_give_back(&here.words, places[index]);
}

static bool check(struct world *world) {
    static const struct own_words words = { &begin, &here, sizeof(here), perform, 6 };
    union state first = { .model = { { 0 } } };
    memset(places, 0, sizeof(places));
    return own_words_check(world, &words, &specification, &first.model);
}

static void script(struct world *world, struct swgi_random *random) {
    world->callers = 2 + (unsigned)swgi_random_below(random, 2);
    uint64_t wide = chance(random, 2) ? 3 : 24;
    for (unsigned i = 0; i < world->callers; i++)
        for (unsigned n = 0; n < 9 / world->callers; n++) {
            /* A slow clock, a quick one: who has more behind him is later. */
            int64_t at = START + STEP * (int64_t)(swgi_random_below(random, wide) + n * wide / 2);
            world_add(world, i, ACQUIRE, 0, at)->duration = chance(random, 3) ? PER : 0;
            if (chance(random, 4))
                world_add(world, i, CANCEL, 0, 0);
        }
    own_words_script(world, random);
}

static void prepare_for(unsigned algorithm, uint32_t rate, uint32_t burst) {
    settings = (struct swgi_limiter_settings){
        .rate = rate, .algorithm = (uint8_t)algorithm, .per_ns = PER, .burst = burst, .rate_min = 1
    };
    memset(&begin, 0, sizeof(begin));
    uint32_t ring = swgi_limiter_slots(&begin.words, SLOTS, &settings);
    swgi_limiter_install(&begin.words, &settings, begin.slots, SLOTS,
                         ring != 0 ? swgi_run(1, ring) : 0, START);
}

static void prepare_bucket(struct world *world) {
    (void)world;
    prepare_for(SWGI_TOKEN_BUCKET, RATE, 2);
}

static void prepare_leaky(struct world *world) {
    (void)world;
    prepare_for(SWGI_LEAKY_BUCKET, RATE, 1);
}

static void prepare_window(struct world *world) {
    (void)world;
    prepare_for(SWGI_FIXED_WINDOW, RATE, 1);
}

static void prepare_sliding(struct world *world) {
    (void)world;
    prepare_for(SWGI_SLIDING_WINDOW, RATE, 1);
}

static void prepare_log(struct world *world) {
    (void)world;
    prepare_for(SWGI_SLIDING_LOG, RATE, 1);
}

/* A ring of two goes round under anybody who stalls. */
static void prepare_small_log(struct world *world) {
    (void)world;
    prepare_for(SWGI_SLIDING_LOG, 2, 1);
}

static const char *const no_settings[] = { NULL };

static const struct story bucket = { "limiter-bucket", no_settings, prepare_bucket, script, check };
static const struct story leaky = { "limiter-leaky", no_settings, prepare_leaky, script, check };
static const struct story window = { "limiter-window", no_settings, prepare_window, script, check };
static const struct story sliding = { "limiter-sliding", no_settings, prepare_sliding, script,
                                      check };
static const struct story kept = { "limiter-log", no_settings, prepare_log, script, check };

static const struct story small = { "limiter-log-2", no_settings, prepare_small_log, script,
                                    check };

const struct story *const stories_limiter[] = { &bucket, &leaky, &window, &sliding,
                                                &kept,   &small, NULL };
