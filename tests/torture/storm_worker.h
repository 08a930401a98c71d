/* A worker: threads that call, hold permits, end them, and now and then do everything else the interface has. */
#ifndef TESTS_TORTURE_STORM_WORKER_H
#define TESTS_TORTURE_STORM_WORKER_H

#include "storm_circuits.h"

#include <pthread.h>

#include "base/random.h"
#include "circuit/permit.h"

struct held {
    struct swg_permit permit;
    unsigned circuit;
    bool in_use;
};

struct thread {
    struct swg_panel *panel;
    struct swg_circuit *circuits[CIRCUITS], *by_hand;
    struct tally *tally;
    struct swgi_random random;
    struct held held[HELD];
    uint64_t numbers;
    unsigned thread;
};

static void count(_Atomic uint64_t *counter) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_release);
}

static bool one_in(struct thread *t, uint64_t n) {
    return swgi_random_below(&t->random, n) == 0;
}

static void note_admission(struct thread *t, unsigned place) {
    struct held *held = &t->held[place];
    struct swgi_ticket ticket = swgi_permit_ticket(&held->permit);
    atomic_fetch_or_explicit(&ledger->admitted[held->circuit][ticket.generation],
                             ticket.has_probe ? 2 : 1, memory_order_relaxed);
    if (!ticket.has_probe)
        return;
    uint64_t probe = (uint64_t)held->circuit << 56 | (uint64_t)ticket.slot << 48 |
                     ticket.generation << 28 | (++t->numbers & 0xffffff) << 4 | t->thread << 3 | 1;
    atomic_store(&t->tally->held[place].probe, probe);
    check_probe(probe, kinds[held->circuit].probes);
}

static void begin_call(struct thread *t, unsigned place) {
    struct held *held = &t->held[place];
    held->circuit = (unsigned)swgi_random_below(&t->random, CIRCUITS);
    int rc = swg_acquire(t->circuits[held->circuit], NULL, &held->permit);
    if (rc == SWG_GO) {
        count(&t->tally->calls[held->circuit]);
        held->in_use = true;
        note_admission(t, place);
    } else if (rc == SWG_OPEN) {
        count(&t->tally->rejected[held->circuit]);
    } else {
        complain("acquire answered %d", rc);
    }
}

static int outcome(struct thread *t, unsigned circuit) {
    if (swgi_random_below(&t->random, 100) < atomic_load(&ledger->failing[circuit]))
        return one_in(t, 3) ? SWG_TIMEOUT : SWG_FAILURE;
    return one_in(t, 20) ? SWG_IGNORED : SWG_SUCCESS;
}

static void end_call(struct thread *t, unsigned place) {
    struct held *held = &t->held[place];
    int what = outcome(t, held->circuit), rc = 0;
    atomic_store(&t->tally->held[place].probe, 0);
    held->in_use = false;
    if (one_in(t, 50))
        swg_cancel(&held->permit);
    else
        rc = swg_record(&held->permit, what);
    if (rc != 0)
        complain("record answered %d", rc);
    count(&t->tally->ended[held->circuit]);
    if (what == SWG_FAILURE || what == SWG_TIMEOUT)
        count(&t->tally->failures[held->circuit]);
}

/* ---- what is done seldom */

static void act_by_hand(struct thread *t) {
    struct swg_act act = SWG_ACT_INIT;
    struct swg_permit permit;
    act.user = "storm";
    act.for_ns = 3000000;
    act.force = 1;
    switch (swgi_random_below(&t->random, 6)) {
    case 0:
        swg_circuit_trip(t->by_hand, &act, NULL);
        break;
    case 1:
        swg_circuit_reset(t->by_hand, &act, NULL);
        break;
    case 2:
        swg_circuit_mode(t->by_hand, (int)swgi_random_below(&t->random, 4), &act, NULL);
        break;
    case 3:
        swg_circuit_probe(t->by_hand, &act, NULL);
        break;
    default:
        if (swg_acquire(t->by_hand, NULL, &permit) == SWG_GO)
            swg_record(&permit, one_in(t, 2) ? SWG_FAILURE : SWG_SUCCESS);
    }
}

static void configure(struct thread *t) {
    static const char *const windows[] = { "10", "30", "100" };
    struct swg_config *config;
    require(swg_config_new(&config), "config", NULL);
    swg_config_set(config, "breaker.trip.0.failure_rate.percent", "50", NULL);
    swg_config_set(config, "breaker.trip.0.failure_rate.calls",
                   windows[swgi_random_below(&t->random, 3)], NULL);
    int rc = swg_circuit_configure(t->by_hand, config, NULL);
    if (rc != 0 && rc != -EAGAIN)
        complain("configure answered %d", rc);
    swg_config_unref(config);
}

/* More names than places: made, refused, evicted, called under a handle that lost its cell. */
static void make_another(struct thread *t) {
    struct swg_circuit *circuit;
    struct swg_permit permit;
    char name[24];
    snprintf(name, sizeof(name), "extra-%u", (unsigned)swgi_random_below(&t->random, 40));
    int rc = swg_circuit_get(t->panel, name, NULL, &circuit, NULL);
    if (rc != 0 && rc != -ENOSPC && rc != -EAGAIN)
        complain("making %s answered %d", name, rc);
    if (rc == 0 && swg_acquire(circuit, NULL, &permit) == SWG_GO)
        swg_record(&permit, SWG_SUCCESS);
}

static void look_around(struct thread *t) {
    struct swg_status status = SWG_STATUS_INIT;
    static __thread struct swg_why why;
    unsigned circuit = (unsigned)swgi_random_below(&t->random, CIRCUITS);
    why = (struct swg_why)SWG_WHY_INIT;
    if (swg_circuit_status(t->circuits[circuit], &status) != 0 ||
        swg_circuit_why(t->circuits[circuit], &why) != 0)
        complain("circuit %u cannot be looked at", circuit);
    if (status.state < SWG_STATE_CLOSED || status.state > SWG_STATE_HALF_OPEN ||
        status.probes_held > kinds[circuit].probes)
        complain("circuit %u: state %d, %u probes held", circuit, status.state, status.probes_held);
}

static void seldom(struct thread *t) {
    switch (swgi_random_below(&t->random, 5)) {
    case 0:
        look_around(t);
        break;
    case 1:
        make_another(t);
        break;
    case 2:
        if (one_in(t, 10))
            configure(t);
        break;
    case 3:
        swg_panel_poll(t->panel);
        break;
    default:
        act_by_hand(t);
    }
}

static void *run_thread(void *argument) {
    struct thread *t = argument;
    while (!atomic_load_explicit(&ledger->stop, memory_order_relaxed)) {
        unsigned place = (unsigned)swgi_random_below(&t->random, HELD);
        if (t->held[place].in_use)
            end_call(t, place);
        else
            begin_call(t, place);
        count(&t->tally->operations);
        if (one_in(t, 2000))
            seldom(t);
    }
    for (unsigned place = 0; place < HELD; place++)
        if (t->held[place].in_use)
            end_call(t, place);
    return NULL;
}

#endif
