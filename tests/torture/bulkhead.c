/*
 * The bulkhead and its queue under torture: eight processes that want two permits and wait for them, block or poll in an event
 * loop, urgent or not, and are killed, stopped, and started again, while the circuit is tripped now and then.
 *
 * Each call's history is noted where it outlives the caller and is checked afterwards (bulkhead_check.h): never more in flight
 * than the limit, no permit free for 50 ms while somebody waits, nobody forgotten or starved, urgent ones before others, after
 * a trip everybody out; and nothing held when all are gone. A second round changes limit, queue, reserve and what adapts
 * meanwhile.
 *
 * Usage: bulkhead. BOUND=small is short, BOUND=none goes round and round until stopped.
 */
#include "bulkhead_check.h"
#include "bulkhead_worker.h"

#define LONGEST_NS  (120 * SECOND)
#define PATIENCE_NS (20 * SECOND)

static struct {
    struct swg_panel *panel;
    struct swg_circuit *circuit;
    int64_t next_change, next_trip;
    unsigned wanted_kills, wanted_stops;
    uint64_t wanted_operations;
    bool fast; /* the next settings come soon */
} storm;

static uint64_t operations(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < CROWD * SEATS; i++)
        sum += atomic_load(&notes->seats[i / SEATS][i % SEATS].operations);
    return sum;
}

/* ---- what a stopped process holds without having noted it */

static unsigned noted_as_held(unsigned place) {
    unsigned held = 0;
    for (unsigned seat = 0; seat < SEATS; seat++) {
        uint32_t count = atomic_load(&notes->seats[place][seat].count);
        const struct call *call = &notes->calls[place][seat][count != 0 ? count - 1 : 0];
        held += count != 0 && noted(&call->granted) != 0 && noted(&call->ended) == 0;
    }
    return held;
}

static unsigned held_by(pid_t pid) {
    static struct swg_why why;
    unsigned held = 0;
    why = (struct swg_why)SWG_WHY_INIT;
    require(swg_circuit_why(storm.circuit, &why), "why", NULL);
    for (unsigned i = 0; i < why.permits_count; i++)
        held += why.permits[i].pid == pid;
    return held;
}

/* Who holds one is worth killing more than who waits. */
static int somebody_who_holds(void) {
    unsigned first = (unsigned)swgi_random_below(&crowd.random, CROWD);
    for (unsigned i = 0; i < CROWD; i++)
        if (noted_as_held((first + i) % CROWD) != 0)
            return (int)((first + i) % CROWD);
    return -1;
}

static void look_at_stopped(void) {
    struct stop *stop = &crowd.stops[crowd.stops_count - 1];
    unsigned held = held_by(crowd.pid[stop->place]), written = noted_as_held(stop->place);
    stop->hidden = held > written ? held - written : 0;
}

/* ---- settings in force */

static void end_phase(void) {
    if (history.phases_count != 0 && history.phases[history.phases_count - 1].to == 0)
        history.phases[history.phases_count - 1].to = clock_now();
}

/* What holds from now on; the limit since the phase before, if it is the same. */
static void begin_phase(struct phase phase) {
    const struct phase *before =
        history.phases_count == 0 ? NULL : &history.phases[history.phases_count - 1];
    end_phase();
    phase.from = clock_now();
    phase.since = before != NULL && before->limit == phase.limit && phase.since == 0 ? before->since
                                                                                     : phase.from;
    atomic_store(&notes->slow, phase.slow);
    history.phases[history.phases_count++] = phase;
}

static void change_pace(void) {
    bool slow = swgi_random_below(&crowd.random, 2) == 0;
    begin_phase((struct phase){ .limit = 2, .prompt = true, .slow = slow });
}

static void configure(const char *const (*with)[2]) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *config = config_of(with);
    int64_t end = clock_now() + PATIENCE_NS;
    int rc;
    while ((rc = swg_circuit_configure(storm.circuit, config, &error)) == -EAGAIN &&
           clock_now() < end && crowd.stopped < 0)
        continue;
    if (rc != 0 && (rc != -EAGAIN || crowd.stopped < 0))
        complain("configuring was answered %d: %s %s", rc, error.key, error.text);
    swg_config_unref(config);
}

static const char *any(const char *const *of, unsigned count) {
    return of[swgi_random_below(&crowd.random, count)];
}
#define ANY(...)                              \
    any((const char *const[]){ __VA_ARGS__ }, \
        sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* Where it adapts, nobody outside knows the limit of the moment, but no one is above the greatest. */
static void change_settings(void) {
    bool adapts = swgi_random_below(&crowd.random, 3) == 0;
    const char *limit = ANY("1", "2", "5"), *reserve = limit[0] == '1' ? "0" : ANY("0", "0", "1");
    const char *busy = ANY("wait", "wait", "wait", "wait", "reject"), *queue = ANY("4", QUEUE);
    const char *algorithm = adapts ? ANY("aimd", "vegas", "gradient2", "switchgear") : "off";
    const char *const with[][2] = { { "bulkhead.max_concurrent", limit },
                                    { "bulkhead.reserve.permits", reserve },
                                    { "bulkhead.when_busy", busy },
                                    { "adaptive.algorithm", algorithm },
                                    { "adaptive.window", "10ms" },
                                    { "adaptive.max", adapts ? limit : "0" },
                                    { "bulkhead.when_queue_full", ANY("reject", "wait", "error") },
                                    { busy[0] == 'w' ? "bulkhead.max_queue" : NULL, queue },
                                    { NULL, NULL } };
    bool prompt = !adapts && busy[0] == 'w' && strcmp(queue, QUEUE) == 0;
    end_phase();
    configure(with);
    begin_phase((struct phase){ .limit = (unsigned)atoi(limit),
                                .since = 1,
                                .prompt = prompt,
                                .slow = swgi_random_below(&crowd.random, 2) == 0,
                                .urgent = reserve[0] != '0' });
}

/* ---- a trip */

/* Somebody who came before that waits still. */
static bool somebody_is_left(int64_t before) {
    for (unsigned i = 0; i < CROWD * SEATS; i++) {
        uint32_t count = atomic_load(&notes->seats[i / SEATS][i % SEATS].count);
        const struct call *call = &notes->calls[i / SEATS][i % SEATS][count != 0 ? count - 1 : 0];
        if (count != 0 && noted(&call->asked) < before && noted(&call->granted) == 0 &&
            noted(&call->ended) == 0)
            return true;
    }
    return false;
}

/* The most urgent of all comes next. */
static void take_one(struct swg_permit *permit) {
    struct swg_request request = SWG_REQUEST_INIT;
    request.priority = -32;
    int rc = swg_acquire(storm.circuit, &request, permit);
    if (rc == SWG_QUEUED)
        rc = swg_wait(permit, SWG_NS_MAX);
    if (rc != SWG_GO)
        complain("the most urgent call was answered %d, %s", rc, swg_strerror(rc));
}

/* While both permits are held, so that waiting for one would not end. */
static void trip(void) {
    struct trip *trip = &history.trips[history.trips_count++];
    struct swg_permit permits[2];
    struct swg_act act = SWG_ACT_INIT;
    act.user = "storm";
    act.force = 1;
    begin_phase((struct phase){ .limit = 2 });
    take_one(&permits[0]);
    take_one(&permits[1]);
    trip->begins = clock_now();
    require(swg_circuit_trip(storm.circuit, &act, NULL), "trip", NULL);
    trip->open = clock_now();
    while (somebody_is_left(trip->open) && clock_now() < trip->open + PATIENCE_NS)
        poll(NULL, 0, 1);
    if (somebody_is_left(trip->open))
        complain("somebody waits for an open circuit");
    trip->ends = clock_now();
    swg_cancel(&permits[0]);
    swg_cancel(&permits[1]);
    require(swg_circuit_reset(storm.circuit, &act, NULL), "reset", NULL);
    trip->closed = clock_now();
    change_pace();
}

/* ---- the storm */

static void do_something(int64_t now) {
    if (history.phases_count + 3 > PHASES_MAX)
        return;
    if (history.steady && now >= storm.next_trip && crowd.stopped < 0) {
        trip();
        storm.next_trip = crowd_soon(now, 3 * SECOND);
    } else if (now >= storm.next_change) {
        if (history.steady)
            change_pace();
        else
            change_settings();
        storm.fast = swgi_random_below(&crowd.random, 8) != 0;
        storm.next_change = crowd_soon(now, history.steady ? SECOND
                                            : storm.fast   ? 10 * MS
                                                           : 400 * MS);
    }
}

static bool is_full(void) {
    for (unsigned i = 0; i < CROWD * SEATS; i++)
        if (atomic_load(&notes->seats[i / SEATS][i % SEATS].count) > CALLS_MAX * 3 / 4)
            return true;
    return starved.count == SAMPLES_MAX;
}

static bool is_over(int64_t begin) {
    bool enough = crowd.kills >= storm.wanted_kills && crowd.stops_count >= storm.wanted_stops &&
                  operations() >= storm.wanted_operations;
    return enough || is_full() || atomic_load(&board->complaints) != 0 ||
           clock_now() - begin > LONGEST_NS;
}

static void rage(void) {
    int64_t begin = clock_now();
    for (unsigned i = 0; i < CROWD; i++)
        crowd_start(i);
    starved_begin();
    change_pace();
    while (!is_over(begin)) {
        poll(NULL, 0, 1);
        starved_sample(false);
        int64_t now = clock_now();
        crowd.preferred = somebody_who_holds();
        if (crowd_step(now, 200 * MS) == CROWD_STOPPED)
            look_at_stopped();
        do_something(now);
    }
    starved_sample(true);
    end_phase();
    crowd_end(PATIENCE_NS);
    starved_end();
}

/* ---- afterwards */

static bool is_quiet(struct swg_status *status) {
    swg_panel_poll(storm.panel);
    require(swg_circuit_status(storm.circuit, status), "status", NULL);
    return status->permits_held == 0 && status->queue_length == 0;
}

/* Whatever was left is given back, and all of it can be had: two permits, and a place for the third. */
static void check_nothing_is_held(void) {
    struct swg_status status = SWG_STATUS_INIT;
    struct swg_permit permits[3];
    int64_t end = clock_now() + PATIENCE_NS;
    while (!is_quiet(&status) && clock_now() < end)
        poll(NULL, 0, 1);
    if (status.permits_held != 0 || status.queue_length != 0)
        complain("afterwards %u permits are held and %u wait", status.permits_held,
                 status.queue_length);
    configure((const char *const[][2]){ { "adaptive.algorithm", "off" },
                                        { "adaptive.max", "0" },
                                        { "bulkhead.max_concurrent", "2" },
                                        { "bulkhead.reserve.permits", "0" },
                                        { "bulkhead.when_busy", "wait" },
                                        { NULL, NULL } });
    for (unsigned i = 0; i < 3; i++)
        if (swg_acquire(storm.circuit, NULL, &permits[i]) != (i < 2 ? SWG_GO : SWG_QUEUED))
            complain("afterwards call %u of three is not as it should be", i + 1);
    swg_record(&permits[0], SWG_SUCCESS);
    if (swg_poll(&permits[2]) != SWG_GO)
        complain("afterwards a permit given back is not to be had");
    swg_record(&permits[1], SWG_SUCCESS);
    swg_record(&permits[2], SWG_SUCCESS);
    if (!is_quiet(&status))
        complain("afterwards something stays held");
}

static void print(const char *name) {
    printf("%s: %llu operations, %u killed, %u stopped, %u trips, %u phases%s\n", name,
           (unsigned long long)operations(), crowd.kills, crowd.stops_count, history.trips_count,
           history.phases_count, starved.blind ? ", starvation not told: free permits pass" : "");
    history_print();
}

static bool round_of(const char *name, bool steady, bool small) {
    notes = board_new(sizeof(*notes), "bulkhead");
    history_begin(steady);
    storm.wanted_operations = small ? 5000 : steady ? 300000 : 200000;
    storm.wanted_kills = small ? 10 : steady ? 130 : 80;
    storm.wanted_stops = small ? 5 : steady ? 65 : 40;
    storm.next_trip = storm.next_change = clock_now() + SECOND / 5;
    storm.panel = crowd_panel("observer");
    storm.circuit = crowd_circuit(storm.panel, "bulkhead", settings);
    rage();
    history_check();
    check_nothing_is_held();
    if (crowd.kills < storm.wanted_kills && !is_full() && atomic_load(&board->complaints) == 0)
        complain("too slow for its bound");
    print(name);
    swg_panel_unref(storm.panel);
    return board_end(sizeof(*notes), "bulkhead") == 0;
}

static bool rounds(bool small) {
    bool right = round_of("one configuration", true, small);
    return round_of("changing", false, small) && right;
}

int main(int argc, char **argv) {
    return crowd_main(argc, argv, sizeof(*notes), run_worker, rounds);
}
