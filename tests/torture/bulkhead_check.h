/*
 * The histories of all callers together, held against what a bulkhead promises.
 *
 * Each call's notes become events, which are walked through in order of time: how many permits are certainly held, how many are
 * possibly held, and who, alive and not stopped, waits. What an event means is said where it is made.
 */
#ifndef TESTS_TORTURE_BULKHEAD_CHECK_H
#define TESTS_TORTURE_BULKHEAD_CHECK_H

#include "bulkhead_starved.h"

#define PHASES_MAX 4096u
#define IDLE_NS    (50 * MS)
#define SLACK_NS   (3 * SECOND)

/* From when settings were in force until they might not be any more. */
struct phase {
    int64_t from, to, since; /* since: of that limit */
    unsigned limit;          /* no more may be held */
    bool prompt;             /* and no fewer, while somebody waits */
    bool slow;               /* each permit is always in use for a while */
    bool urgent;             /* of the prompt: only urgent ones may have all */
};

/* Opened by hand: about to be, was; about to be closed again. */
struct trip {
    int64_t begins, open, ends, closed;
};

/* In the order in which they count when they come at once. */
enum event_kind {
    PHASE_ENDS,
    ENDING,    /* certainly held no more */
    ENDED,     /* nor possibly */
    WAITS_NOT, /* also: stopped, or killed */
    GRANTED,   /* possibly held */
    HOLDS,     /* certainly */
    WAITS,     /* in the queue, alive, not stopped */
    UNCOVERED, /* a permit that a stopped process has not noted; until it may note it */
    COVERED,
    PHASE_BEGINS
};

struct event {
    int64_t at;
    struct call *call;
    uint32_t index; /* of a phase */
    uint8_t kind, seat;
};

struct waits {
    uint64_t count;
    double sum;
    int64_t most;
};

static struct {
    struct phase phases[PHASES_MAX];
    unsigned phases_count;
    struct trip trips[PHASES_MAX];
    unsigned trips_count;
    bool steady; /* one configuration: no call may be rejected for want of room */

    struct event *events;
    size_t count, room;
    struct stop stops[CROWD][STOPS_MAX];
    unsigned stops_count[CROWD];

    struct call *held[CROWD * SEATS];
    unsigned certain, possible, most;
    unsigned waiting[SEATS];
    const struct phase *phase;
    int64_t stalled_since, idle_since, freed;     /* 0: not */
    int64_t stalled, idle, stalled_net, idle_net; /* the longest; starvation taken off */

    struct waits waits[SEATS];
    uint64_t verdicts[16], gave_up;
    int64_t *handed;
    size_t handed_count;
} history;

/* ---- events */

static void add_event(int64_t at, enum event_kind kind, struct call *call, unsigned which) {
    if (history.count == history.room) {
        history.room = history.room == 0 ? 1 << 20 : 2 * history.room;
        history.events = realloc(history.events, history.room * sizeof(*history.events));
        require(history.events == NULL ? -ENOMEM : 0, "events", NULL);
    }
    history.events[history.count++] = (struct event){
        .at = at, .kind = (uint8_t)kind, .call = call, .seat = (uint8_t)which, .index = which
    };
}

/* Within [from, to) it waits, but for when its process was stopped; how long it was. */
static int64_t add_wait(unsigned place, unsigned seat, struct call *call, int64_t from,
                        int64_t to) {
    unsigned low = 0, high = history.stops_count[place];
    int64_t stopped = 0;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (history.stops[place][middle].to <= from)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < history.stops_count[place] && history.stops[place][low].from < to; low++) {
        const struct stop *stop = &history.stops[place][low];
        if (stop->from > from) {
            add_event(from, WAITS, call, seat);
            add_event(stop->from, WAITS_NOT, call, seat);
        }
        stopped += (stop->to < to ? stop->to : to) - (stop->from > from ? stop->from : from);
        from = stop->to;
    }
    if (from < to) {
        add_event(from, WAITS, call, seat);
        add_event(to, WAITS_NOT, call, seat);
    }
    return stopped;
}

static bool is_tripped(int64_t from, int64_t to) {
    for (unsigned i = 0; i < history.trips_count; i++)
        if (history.trips[i].begins < to && history.trips[i].closed > from)
            return true;
    return false;
}

/* Who is rejected has a reason. */
static void check_verdict(unsigned seat, struct call *call, int64_t stopped) {
    int verdict = atomic_load(&call->verdict);
    int64_t asked = noted(&call->asked), ended = noted(&call->ended);
    if (verdict == GAVE_UP) {
        history.gave_up++;
        return;
    }
    history.verdicts[verdict >= 0 && verdict < 16 ? verdict : 15]++;
    bool expired = call->deadline != 0 && call->deadline <= ended;
    bool late = verdict == SWG_FULL && (!history.steady || stopped != 0);
    if (verdict == SWG_GO || late || (verdict == SWG_EXPIRED && expired) ||
        (verdict == SWG_OPEN && is_tripped(asked, ended)) ||
        (verdict == SWG_QUEUE_SATURATED && !history.steady))
        return;
    complain("a %s call was answered %s after %.3f ms", priority_names[seat], swg_strerror(verdict),
             (double)(ended - asked) / 1e6);
}

static void count_wait(unsigned seat, int64_t wait) {
    struct waits *waits = &history.waits[seat];
    waits->count++;
    waits->sum += (double)wait;
    waits->most = wait > waits->most ? wait : waits->most;
}

/*
 * Ageing makes the least urgent wait for those who asked within 2 x 8 steps more, and all who are then before it take less than
 * a tenth of this; longer waits are a stopped holder's, or a busy machine's, or somebody starves.
 */
#define FAIR_NS (500 * MS)

static void check_fair(unsigned seat, int64_t from, int64_t to) {
    int64_t left = to - from;
    if (!history.steady || starved.blind || left < FAIR_NS)
        return;
    left -= starved_between(from, to);
    for (unsigned i = 0; i < crowd.stops_count; i++) {
        const struct stop *stop = &crowd.stops[i];
        int64_t first = stop->from > from ? stop->from : from, last = stop->to < to ? stop->to : to;
        left -= last > first ? last - first : 0;
    }
    if (left > FAIR_NS)
        complain("a %s call waited for %.1f ms, %.1f of them while nobody was stopped",
                 priority_names[seat], (double)(to - from) / 1e6, (double)left / 1e6);
}

/* It may have been granted after it was about to be killed. */
static void add_hold(int64_t from, int64_t to, struct call *call, unsigned seat) {
    if (to <= from)
        return;
    add_event(from, HOLDS, call, seat);
    add_event(to, ENDING, call, seat);
}

/* From when on nobody counts it as waiting, holding, there at all. */
static void add_call(unsigned place, unsigned seat, struct call *call) {
    const struct life *life = &crowd.lives[place][call->life];
    int64_t queued = noted(&call->queued), granted = noted(&call->granted);
    int64_t ending = noted(&call->ending), ended = noted(&call->ended), stopped = 0;
    if (granted != 0) {
        add_event(granted, GRANTED, call, seat);
        add_event(ended != 0 ? ended : life->gone, ENDED, call, seat);
        add_hold(granted, ending != 0 ? ending : life->killed, call, seat);
    }
    int64_t waited_until = granted != 0 ? granted : ended != 0 ? ended : life->killed;
    if (queued != 0 && queued < waited_until)
        stopped = add_wait(place, seat, call, queued, waited_until);
    if (ended != 0)
        check_verdict(seat, call, stopped);
    if (queued != 0 && granted != 0 && stopped == 0)
        count_wait(seat, granted - queued);
    if (queued != 0 && !is_tripped(queued, waited_until))
        check_fair(seat, queued, waited_until);
    if (queued != 0 && waited_until - queued - stopped > WAIT_NS + SLACK_NS)
        complain("a %s call waited for %.1f s, which is forgotten", priority_names[seat],
                 (double)(waited_until - queued) / 1e9);
}

static int by_time(const void *a, const void *b) {
    const struct event *left = a, *right = b;
    if (left->at != right->at)
        return left->at < right->at ? -1 : 1;
    return (left->kind > right->kind) - (left->kind < right->kind);
}

static void gather(void) {
    for (unsigned i = 0; i < crowd.stops_count; i++) {
        const struct stop *stop = &crowd.stops[i];
        history.stops[stop->place][history.stops_count[stop->place]++] = *stop;
        for (unsigned hidden = 0; hidden < stop->hidden; hidden++) {
            add_event(stop->from, COVERED, NULL, 0);
            add_event(stop->to, UNCOVERED, NULL, 0);
        }
    }
    for (unsigned place = 0; place < CROWD; place++)
        for (unsigned seat = 0; seat < SEATS; seat++)
            for (uint32_t i = 0; i < atomic_load(&notes->seats[place][seat].count); i++)
                add_call(place, seat, &notes->calls[place][seat][i]);
    for (unsigned i = 0; i < history.phases_count; i++) {
        add_event(history.phases[i].from, PHASE_BEGINS, NULL, i);
        add_event(history.phases[i].to, PHASE_ENDS, NULL, i);
    }
    qsort(history.events, history.count, sizeof(*history.events), by_time);
}

/* ---- never too many */

/* Of those held at once, the last to be taken saw all others: it is not one asked for under this limit if they are too many. */
static void check_limit(int64_t at) {
    if (history.certain > history.most)
        history.most = history.certain;
    if (history.phase == NULL || history.certain <= history.phase->limit)
        return;
    for (unsigned i = 0; i < history.certain; i++)
        if (noted(&history.held[i]->tried) > history.phase->since) {
            complain("%u in flight at once under a limit of %u, %.3f ms after it was set",
                     history.certain, history.phase->limit,
                     (double)(at - history.phase->since) / 1e6);
            return;
        }
}

static void hold(struct call *call) {
    if (history.certain < CROWD * SEATS)
        history.held[history.certain++] = call;
}

static void let_go(const struct call *call) {
    for (unsigned i = 0; i < history.certain; i++)
        if (history.held[i] == call) {
            history.held[i] = history.held[--history.certain];
            return;
        }
}

/* ---- never too few */

static bool somebody_waits(void) {
    if (history.phase->urgent)
        return history.waiting[0] != 0;
    return history.waiting[0] + history.waiting[1] + history.waiting[2] != 0;
}

static void end_of(int64_t *since, int64_t at, int64_t *longest, int64_t *net, const char *what) {
    if (*since == 0)
        return;
    int64_t length = at - *since, left = length;
    if (length > IDLE_NS / 5)
        left -= starved_between(*since, at);
    *longest = length > *longest ? length : *longest;
    *net = left > *net ? left : *net;
    if (left > IDLE_NS && !starved.blind)
        complain("a permit was free for %.1f ms and %u waited: %s; %.1f ms of it for a processor",
                 (double)length / 1e6, history.waiting[0] + history.waiting[1] + history.waiting[2],
                 what, (double)(length - left) / 1e6);
    *since = 0;
}

/*
 * Stalled: a permit is free, somebody waits, and nobody is let in at all. Idle: one permit is free all the time, though others
 * may be handed over; told only where calls take long, or all of them are free most of the time.
 */
static void follow_free(const struct event *event) {
    bool free = history.phase != NULL && history.phase->prompt && somebody_waits() &&
                history.possible < history.phase->limit;
    if (!free || event->kind == GRANTED)
        end_of(&history.stalled_since, event->at, &history.stalled, &history.stalled_net,
               "nobody was let in");
    if (!free || !history.phase->slow)
        end_of(&history.idle_since, event->at, &history.idle, &history.idle_net,
               "others were let in");
    if (free && history.stalled_since == 0)
        history.stalled_since = event->at;
    if (free && history.phase->slow && history.idle_since == 0)
        history.idle_since = event->at;
}

/* From the moment a permit was about to be freed while all were held, until somebody who waited had it. */
static void follow_hand(const struct event *event) {
    bool full = history.phase != NULL && history.phase->prompt &&
                history.possible >= history.phase->limit && somebody_waits();
    if (event->kind == ENDING)
        history.freed = full ? event->at : 0;
    if (event->kind != GRANTED || history.freed == 0)
        return;
    if (noted(&event->call->queued) != 0)
        history.handed[history.handed_count++] = event->at - history.freed;
    history.freed = 0;
}

/* ---- all of it */

static void step(const struct event *event) {
    switch ((enum event_kind)event->kind) {
    case GRANTED:
    case COVERED:
        history.possible++;
        break;
    case HOLDS:
        hold(event->call);
        break;
    case ENDING:
        let_go(event->call);
        break;
    case ENDED:
    case UNCOVERED:
        history.possible--;
        break;
    case WAITS:
        history.waiting[event->seat]++;
        break;
    case WAITS_NOT:
        history.waiting[event->seat]--;
        break;
    case PHASE_BEGINS:
        history.phase = &history.phases[event->index];
        break;
    case PHASE_ENDS:
        history.phase = NULL;
    }
}

/* All permits were held by who tripped it: nobody was let in. */
static void check_trip(const struct trip *trip) {
    for (size_t i = 0; i < history.count; i++) {
        const struct event *event = &history.events[i];
        if (event->kind == GRANTED && event->at > trip->open && event->at < trip->ends)
            complain("a %s call was let in %.3f ms after a trip", priority_names[event->seat],
                     (double)(event->at - trip->open) / 1e6);
    }
}

#define ENOUGH 20u /* for a mean */

/* A wait that some stop was in says nothing; the others tell who goes first on the whole. */
static void check_priorities(void) {
    for (unsigned i = 0; i < SEATS; i++)
        if (history.waits[i].count == 0)
            complain("no %s call that came to wait was let in", priority_names[i]);
    for (unsigned i = 1; i < SEATS; i++) {
        const struct waits *before = &history.waits[i - 1], *after = &history.waits[i];
        if (before->count >= ENOUGH && after->count >= ENOUGH &&
            before->sum / (double)before->count >= after->sum / (double)after->count)
            complain("%s calls do not go before %s ones", priority_names[i - 1], priority_names[i]);
    }
}

static void history_begin(bool steady) {
    free(history.events);
    free(history.handed);
    memset(&history, 0, sizeof(history));
    history.steady = steady;
}

static void history_check(void) {
    gather();
    history.handed = calloc(history.count + 1, sizeof(*history.handed));
    require(history.handed == NULL ? -ENOMEM : 0, "hand-overs", NULL);
    for (size_t i = 0; i < history.count; i++) {
        const struct event *event = &history.events[i];
        follow_hand(event);
        step(event);
        follow_free(event);
        check_limit(event->at);
    }
    for (unsigned i = 0; i < history.trips_count; i++)
        check_trip(&history.trips[i]);
    if (history.steady)
        check_priorities();
}

/* ---- told to people */

static int by_length(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void history_print(void) {
    size_t n = history.handed_count;
    printf("  at most %u in flight; longest stall %.1f ms, idle permit %.1f ms (%.1f and %.1f "
           "without waits for a processor)\n",
           history.most, (double)history.stalled / 1e6, (double)history.idle / 1e6,
           (double)history.stalled_net / 1e6, (double)history.idle_net / 1e6);
    for (unsigned i = 0; i < SEATS; i++)
        printf("  %-8s %8llu let in after waiting, mean %.3f ms, longest %.1f ms\n",
               priority_names[i], (unsigned long long)history.waits[i].count,
               history.waits[i].sum / (double)(history.waits[i].count + 1) / 1e6,
               (double)history.waits[i].most / 1e6);
    qsort(history.handed, n, sizeof(*history.handed), by_length);
    if (n != 0)
        printf("  %zu permits handed over, p50 %.1f us, p99 %.1f us\n", n,
               (double)history.handed[n / 2] / 1e3, (double)history.handed[n - n / 100 - 1] / 1e3);
    printf("  answered: %llu go, %llu open, %llu full, %llu expired, %llu saturated; %llu gave "
           "up\n",
           (unsigned long long)history.verdicts[SWG_GO],
           (unsigned long long)history.verdicts[SWG_OPEN],
           (unsigned long long)history.verdicts[SWG_FULL],
           (unsigned long long)history.verdicts[SWG_EXPIRED],
           (unsigned long long)history.verdicts[SWG_QUEUE_SATURATED],
           (unsigned long long)history.gave_up);
}

#endif
