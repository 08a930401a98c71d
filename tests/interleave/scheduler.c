/* Callers are coroutines: made with ucontext, exchanged with _setjmp(), which makes no system call. */
#include "scheduler.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stddef.h>
#include <time.h>
#include <ucontext.h>

#include "base/random.h"

#define STACK_BYTES (256u * 1024)
#define NOBODY      CALLERS_MAX
#define CHANGES_MAX 3u
#define NAP_NS      100000

enum { READY, RUNNING, ENDED, KILLED };

struct caller {
    ucontext_t begin;
    jmp_buf at;
    bool begun;
    unsigned state;
    uint64_t priority;
    uint64_t killed_at; /* its own access number; 0: never */
    uint64_t accesses;
};

static struct {
    const struct scheduler_hooks *hooks;
    void *world;
    unsigned callers, current;
    struct caller of[CALLERS_MAX];
    jmp_buf home;
    struct swgi_random random;
    uint64_t accesses, change_at[CHANGES_MAX];
    unsigned one_in; /* 0: by priority */
    unsigned held;   /* mutexes that must not be waited for by another coroutine */
    uint64_t naps;
} here = { .current = NOBODY };

static _Alignas(64) unsigned char stacks[CALLERS_MAX][STACK_BYTES];

uint64_t scheduler_now(void) {
    return here.accesses;
}

uint64_t scheduler_draw(uint64_t bound) {
    return swgi_random_below(&here.random, bound);
}

unsigned scheduler_running(void) {
    unsigned running = 0;
    for (unsigned i = 0; i < here.callers; i++)
        running += here.of[i].state == RUNNING;
    return running;
}

static bool may_run(unsigned i) {
    return here.of[i].state == READY || here.of[i].state == RUNNING;
}

static unsigned highest(void) {
    unsigned best = NOBODY;
    for (unsigned i = 0; i < here.callers; i++)
        if (may_run(i) && (best == NOBODY || here.of[i].priority > here.of[best].priority))
            best = i;
    return best;
}

static unsigned anybody(void) {
    unsigned able = 0, chosen;
    for (unsigned i = 0; i < here.callers; i++)
        able += may_run(i);
    if (able == 0)
        return NOBODY;
    chosen = (unsigned)scheduler_draw(able);
    for (unsigned i = 0; i < here.callers; i++)
        if (may_run(i) && chosen-- == 0)
            return i;
    return NOBODY;
}

static unsigned next_caller(void) {
    return here.one_in == 0 ? highest() : anybody();
}

static _Noreturn void resume(unsigned next);

static void begin(void) {
    here.hooks->run(here.world, here.current);
    here.of[here.current].state = ENDED;
    resume(next_caller());
}

static _Noreturn void resume(unsigned next) {
    here.current = next;
    if (next == NOBODY)
        _longjmp(here.home, 1);
    struct caller *caller = &here.of[next];
    here.hooks->enter(here.world, next);
    caller->state = RUNNING;
    if (caller->begun)
        _longjmp(caller->at, 1);
    caller->begun = true;
    setcontext(&caller->begin);
    __builtin_unreachable();
}

static void yield_to(unsigned next) {
    struct caller *me = &here.of[here.current];
    if (next == here.current)
        return;
    here.hooks->leave(here.world, here.current);
    if (_setjmp(me->at) == 0)
        resume(next);
}

static void die(struct caller *me) {
    me->state = KILLED;
    here.hooks->killed(here.world, here.current);
    resume(next_caller());
}

/* By priority: at a point of change whoever runs becomes the last of all. */
static bool change_is_due(void) {
    bool due = false;
    for (unsigned i = 0; i < CHANGES_MAX; i++)
        due |= here.change_at[i] == here.accesses;
    if (due)
        here.of[here.current].priority = CHANGES_MAX - scheduler_draw(CHANGES_MAX);
    return due;
}

void swgi_interleave_point(const volatile void *word) {
    if (here.current == NOBODY)
        return;
    struct caller *me = &here.of[here.current];
    if (here.held == 0 && ++me->accesses == me->killed_at)
        die(me);
    if (here.hooks->dull(here.world, word))
        return;
    here.accesses++;
    here.hooks->look(here.world);
    if (here.held != 0)
        return;
    if (here.one_in == 0 ? change_is_due() : scheduler_draw(here.one_in) == 0)
        yield_to(next_caller());
}

static void choose_strategy(void) {
    static const unsigned one_in[] = { 0, 2, 0, 3, 5, 0, 12, 30 };
    here.one_in = one_in[scheduler_draw(8)];
    for (unsigned i = 0; i < CHANGES_MAX; i++)
        here.change_at[i] = 1 + scheduler_draw(here.hooks->accesses);
}

static void prepare(unsigned i) {
    struct caller *caller = &here.of[i];
    *caller = (struct caller){ .priority = CHANGES_MAX + 1 + scheduler_draw(1u << 20) };
    getcontext(&caller->begin);
    caller->begin.uc_stack.ss_sp = stacks[i];
    caller->begin.uc_stack.ss_size = STACK_BYTES;
    caller->begin.uc_link = NULL;
    makecontext(&caller->begin, begin, 0);
}

void scheduler_run(const struct scheduler_hooks *hooks, void *world, unsigned callers,
                   uint64_t seed, unsigned kills) {
    here.hooks = hooks;
    here.world = world;
    here.callers = callers;
    here.accesses = here.naps = here.held = 0;
    swgi_random_init(&here.random, seed);
    choose_strategy();
    for (unsigned i = 0; i < callers; i++)
        prepare(i);
    for (unsigned i = 0; i < kills; i++)
        here.of[scheduler_draw(callers)].killed_at = 1 + scheduler_draw(here.hooks->accesses * 2);
    if (_setjmp(here.home) == 0)
        resume(next_caller());
}

/* ---- what would block or tell real time */

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);

static pthread_mutex_t *held_mutex;

/* Only the process's own lock is taken this way; no other coroutine may come while it is held. */
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
    if (here.current != NOBODY) {
        here.held++;
        held_mutex = mutex;
    }
    return __real_pthread_mutex_lock(mutex);
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex) {
    if (here.held != 0 && mutex == held_mutex)
        here.held--;
    return __real_pthread_mutex_unlock(mutex);
}

/* Whoever waits lets the others go on. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left) {
    (void)wanted, (void)left;
    here.naps++;
    if (here.current != NOBODY) {
        here.of[here.current].priority = 0;
        yield_to(next_caller());
    }
    return 0;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *out) {
    if (here.current == NOBODY)
        return __real_clock_gettime(id, out);
    uint64_t now = UINT64_C(1000000000) * 1000000 + here.naps * NAP_NS;
    *out = (struct timespec){ .tv_sec = (time_t)(now / 1000000000),
                              .tv_nsec = (long)(now % 1000000000) };
    return 0;
}
