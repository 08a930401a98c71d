/* A process of the bulkhead's torture: three threads that block, or an event loop with three permits. */
#ifndef TESTS_TORTURE_BULKHEAD_WORKER_H
#define TESTS_TORTURE_BULKHEAD_WORKER_H

#include "bulkhead_notes.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

struct caller {
    struct swg_circuit *circuit;
    struct seat *seat;
    struct call *calls, *call; /* of this seat; the one under way, or NULL */
    struct swgi_random random;
    struct swg_permit permit;
    unsigned number;
    uint32_t life;
    int64_t
        until; /* of a loop: the call takes so long, or it is given up then, or not asked before */
};

static uint64_t below(struct caller *caller, uint64_t bound) {
    return swgi_random_below(&caller->random, bound);
}

static void did(struct caller *caller) {
    atomic_fetch_add_explicit(&caller->seat->operations, 1, memory_order_relaxed);
}

/* ---- a call, noted */

/* false: no room for another. */
static bool begin_note(struct caller *caller) {
    uint32_t number = atomic_load(&caller->seat->count);
    if (number == CALLS_MAX)
        return false;
    caller->call = &caller->calls[number];
    caller->call->life = caller->life;
    caller->call->deadline =
        below(caller, 20) == 0 ? clock_now() + MS + (int64_t)below(caller, 5000000) : 0;
    note(&caller->call->asked);
    atomic_store(&caller->call->tried, noted(&caller->call->asked));
    atomic_store(&caller->seat->count, number + 1);
    return true;
}

static void note_verdict(struct caller *caller, int verdict) {
    struct call *call = caller->call;
    atomic_store(&call->verdict, verdict);
    if (verdict == SWG_GO) {
        note(&call->granted);
    } else if (verdict == SWG_QUEUED) {
        note(&call->queued);
    } else {
        note(&call->ended);
        caller->call = NULL;
    }
    if (verdict < 0)
        complain("a call was answered %d, %s", verdict, swg_strerror(verdict));
}

static int ask(struct caller *caller) {
    struct swg_request request = SWG_REQUEST_INIT;
    request.priority = priorities[caller->number];
    request.deadline = caller->call->deadline;
    int rc = swg_acquire(caller->circuit, &request, &caller->permit);
    did(caller);
    note_verdict(caller, rc);
    return rc;
}

static void give_back(struct caller *caller) {
    note(&caller->call->ending);
    int rc = below(caller, 30) == 0 ? SWG_IGNORED : SWG_SUCCESS;
    rc = swg_record(&caller->permit, rc);
    note(&caller->call->ended);
    if (rc != 0)
        complain("an outcome was answered %d", rc);
    caller->call = NULL;
    did(caller);
}

static void give_up(struct caller *caller) {
    swg_cancel(&caller->permit);
    note_verdict(caller, GAVE_UP);
    did(caller);
}

/* How long a call takes. */
static int64_t duration(struct caller *caller) {
    if (atomic_load_explicit(&notes->slow, memory_order_relaxed))
        return MS + (int64_t)below(caller, 2000000);
    return below(caller, 8) == 0 ? (int64_t)below(caller, 200000) : 0;
}

/* ---- one that blocks */

/* At once as long as it takes, or slice by slice, which tells a check more precisely when it was granted. */
static int wait_for_it(struct caller *caller) {
    struct call *call = caller->call;
    bool whole = below(caller, 4) == 0, impatient = below(caller, 40) == 0;
    int rc = SWG_QUEUED;
    while (rc == SWG_QUEUED) {
        int64_t slice = 200000 + (int64_t)below(caller, 8000000);
        note(&call->tried);
        rc = swg_wait(&caller->permit, whole ? SWG_NS_MAX : noted(&call->tried) + slice);
        did(caller);
        if (rc == SWG_QUEUED && impatient) {
            give_up(caller);
            return GAVE_UP;
        }
    }
    note_verdict(caller, rc);
    return rc;
}

static void take(int64_t ns) {
    if (ns > 0)
        pause_for(ns);
}

static void *block(void *argument) {
    struct caller *caller = argument;
    atomic_store(&caller->seat->thread, (int32_t)syscall(SYS_gettid));
    while (!atomic_load(&board->stop) && begin_note(caller)) {
        int rc = ask(caller);
        if (rc == SWG_QUEUED)
            rc = wait_for_it(caller);
        if (rc == SWG_GO) {
            take(duration(caller));
            give_back(caller);
        } else if (rc != GAVE_UP) {
            pause_for(MS); /* what rejects now will in a microsecond */
        }
    }
    return NULL;
}

/* ---- an event loop */

static void heed(struct caller *caller, int rc) {
    int64_t now = clock_now();
    if (rc == SWG_GO)
        caller->until = now + duration(caller);
    else if (rc == SWG_QUEUED)
        caller->until = below(caller, 40) == 0 ? now + 5 * MS : INT64_MAX;
    else
        caller->until = now + MS;
}

static bool proceed(struct caller *caller, int64_t now) {
    struct call *call = caller->call;
    if (call == NULL) {
        if (now < caller->until || atomic_load(&board->stop) || !begin_note(caller))
            return false;
        heed(caller, ask(caller));
        return true;
    }
    if (noted(&call->granted) != 0) {
        if (now < caller->until)
            return false;
        give_back(caller);
        return true;
    }
    if (now >= caller->until) {
        give_up(caller);
        return true;
    }
    note(&call->tried);
    int rc = swg_poll(&caller->permit);
    did(caller);
    if (rc == SWG_QUEUED)
        return false;
    note_verdict(caller, rc);
    heed(caller, rc);
    return true;
}

/* The descriptor is one for all that are queued, but each says that it listens. */
static int descriptor(struct caller *callers) {
    int fd = -1;
    for (unsigned i = 0; i < SEATS; i++) {
        struct call *call = callers[i].call;
        if (call == NULL || noted(&call->granted) != 0)
            continue;
        fd = swg_wait_fd(&callers[i].permit);
        if (fd < 0)
            complain("no descriptor to wait for: %s", swg_strerror(fd));
    }
    return fd;
}

static bool sleep_in_loop(struct caller *callers) {
    struct pollfd event = { .fd = descriptor(callers), .events = POLLIN };
    bool any = false, late = false;
    int64_t now = clock_now();
    for (unsigned i = 0; i < SEATS; i++) {
        any = any || callers[i].call != NULL;
        late = late || callers[i].until < now + 2 * MS;
    }
    if (event.fd >= 0)
        poll(&event, 1, late ? 1 : 1000);
    else
        poll(NULL, 0, 1);
    return any;
}

static void loop(struct caller *callers) {
    bool goes_on = true;
    for (unsigned i = 0; i < SEATS; i++)
        atomic_store(&callers[i].seat->thread, (int32_t)syscall(SYS_gettid));
    while (goes_on) {
        bool moved = false;
        for (unsigned i = 0; i < SEATS; i++)
            moved |= proceed(&callers[i], clock_now());
        if (!moved)
            goes_on = sleep_in_loop(callers) || !atomic_load(&board->stop);
    }
}

static int run_worker(void *shared, unsigned place) {
    static struct caller callers[SEATS];
    pthread_t threads[SEATS];
    char name[24];
    notes = shared;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(name, sizeof(name), "caller-%u", place);
    struct swg_panel *panel = crowd_panel(name);
    for (unsigned i = 0; i < SEATS; i++) {
        callers[i] = (struct caller){ .circuit = crowd_circuit(panel, "bulkhead", settings),
                                      .seat = &notes->seats[place][i],
                                      .calls = notes->calls[place][i],
                                      .number = i,
                                      .life = atomic_load(&board->life[place]) };
        swgi_random_init(&callers[i].random, swgi_random_seed());
    }
    if (place >= LOOPS)
        loop(callers);
    for (unsigned i = 0; i < SEATS && place < LOOPS; i++)
        if (pthread_create(&threads[i], NULL, block, &callers[i]) != 0)
            return 2;
    for (unsigned i = 0; i < SEATS && place < LOOPS; i++)
        pthread_join(threads[i], NULL);
    swg_panel_unref(panel);
    return 0;
}

#endif
