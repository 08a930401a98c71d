/*
 * Recorded histories, replayed: processes call, act and are killed or stopped at random; each operation is noted with when it
 * began and ended and what it found; and after every few of them there must be an order of all, in keeping with who had ended
 * before whom began, in which a sequential model does the same and comes to the panel that was left. A killed operation may
 * have happened or not.
 *
 * Scripts, models and search are the interleaver's (tests/interleave), which runs them in one thread under a chosen
 * interleaving of every access. Here the very same scripts run in processes of their own on real processors: this file is
 * another scheduler.
 *
 * Usage: replay [EPISODES]. BOUND=small is short, BOUND=none goes on until stopped.
 */
#include "../interleave/stories.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EPISODES   9100u
#define SMALL      700u
#define PATIENCE_S 60
#define LINGER_NS  300000

/* What supervisor and callers share besides the world. */
struct stage {
    struct world world;
    unsigned callers;
    _Atomic uint32_t arrived, done[CALLERS_MAX];
    int slots[CALLERS_MAX];
    pid_t supervisor, pids[CALLERS_MAX];
    /* One caller strikes another when it has looked at the clock so often. */
    unsigned striker, victim, strike_at;
    unsigned linger_at; /* where the victim waits to be struck, for a moment; 0: nowhere */
    int strike;         /* a signal, 0: none */
};

static struct stage *stage;
static unsigned me = CALLERS_MAX, looks; /* which caller this process is; none: the supervisor */
static struct swgi_random lots;
static uint64_t operations, together, killed, stopped, killed_within;

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

/* ---- the scheduler's interface, as tests/interleave/world.c uses it */

static void dawdle(void) {
    volatile uint64_t turns = chance(&lots, 3) ? swgi_random_below(&lots, 600) : 0;
    while (turns > 0)
        turns--;
}

static void strike(void) {
    if (stage->strike != 0 && stage->striker == me)
        kill(stage->pids[stage->victim], stage->strike);
}

/* So that it is not only struck at work, but also while it holds what it was granted. */
static void linger(void) {
    int64_t until = now_ns() + LINGER_NS;
    while (stage->strike != 0 && stage->victim == me && now_ns() < until)
        sched_yield();
}

/* Called before and after each operation: where a caller strikes, and where callers fall out of step. */
uint64_t scheduler_now(void) {
    if (me == CALLERS_MAX)
        return (uint64_t)now_ns();
    if (++looks == stage->strike_at)
        strike();
    uint64_t before = (uint64_t)now_ns();
    if (looks == stage->linger_at)
        linger();
    dawdle();
    return before;
}

static void call(const struct scheduler_hooks *hooks, unsigned caller) {
    struct caller_state *state = &stage->world.of[caller];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != stage->supervisor)
        _exit(3);
    me = caller;
    swgi_random_init(&lots, swgi_random_seed());
    if (swgi_thread_enter(state->panel->map) != 0)
        _exit(3);
    stage->slots[caller] = state->panel->slot;
    atomic_fetch_add(&stage->arrived, 1);
    for (unsigned spins = 0; atomic_load(&stage->arrived) <= stage->callers; spins++)
        if (spins > 2000)
            sched_yield();
    hooks->run(&stage->world, caller);
    if (looks < stage->strike_at)
        strike();
    atomic_store(&stage->done[caller], 1);
    for (;;)
        pause(); /* its permits are those of a living process until the episode is judged */
}

static void die(const char *why) {
    printf("FAIL replay: %s\n", why);
    world_print(&stage->world);
    exit(1);
}

static bool ended(unsigned caller, int64_t until) {
    int status;
    if (atomic_load(&stage->done[caller]) != 0)
        return true;
    if (waitpid(stage->pids[caller], &status, WNOHANG) == stage->pids[caller]) {
        stage->pids[caller] = 0;
        die("a caller died of itself");
    }
    if (now_ns() > until)
        die("a caller does not end");
    nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
    return false;
}

static void wait_for_all(const struct scheduler_hooks *hooks) {
    int64_t until = now_ns() + PATIENCE_S * SECOND;
    unsigned victim = stage->victim;
    for (unsigned i = 0; i < stage->callers; i++)
        while ((stage->strike == 0 || i != victim) && !ended(i, until))
            continue;
    if (stage->strike == SIGKILL) {
        if (waitpid(stage->pids[victim], NULL, 0) != stage->pids[victim])
            die("the killed cannot be waited for");
        stage->pids[victim] = 0;
        killed++;
        killed_within += !atomic_load(&stage->done[victim]);
        hooks->killed(&stage->world, victim);
    } else if (stage->strike == SIGSTOP) {
        stopped++;
        kill(stage->pids[victim], SIGCONT);
        while (!ended(victim, until))
            continue;
    }
}

/* kills: 0 none; 1 a caller is killed by another; 2 stopped, until all the others have ended. */
void scheduler_run(const struct scheduler_hooks *hooks, void *world, unsigned callers,
                   uint64_t seed, unsigned kills) {
    (void)world;
    swgi_random_init(&lots, seed);
    stage->callers = callers;
    stage->striker = (unsigned)swgi_random_below(&lots, callers);
    stage->victim =
        (stage->striker + 1 + (unsigned)swgi_random_below(&lots, callers - 1)) % callers;
    stage->strike_at = 1 + (unsigned)swgi_random_below(&lots, 8);
    stage->linger_at = chance(&lots, 2) ? 2 + 2 * (unsigned)swgi_random_below(&lots, 3) : 0;
    stage->strike = kills == 0 ? 0 : kills == 1 ? SIGKILL : SIGSTOP;
    atomic_store(&stage->arrived, 0);
    memset((void *)stage->done, 0, sizeof(stage->done));
    for (unsigned i = 0; i < callers; i++) {
        pid_t pid = fork();
        if (pid == 0)
            call(hooks, i);
        stage->pids[i] = pid;
        if (pid < 0)
            die("no process");
    }
    atomic_fetch_add(&stage->arrived, 1);
    wait_for_all(hooks);
}

/* ---- an episode */

bool story_recovers(struct world *world) {
    struct swg_permit permit;
    const struct caller_state *caller = &world->of[0];
    for (unsigned i = 1; i < world->callers && caller->dead; i++)
        caller = &world->of[i];
    swgi_thread = caller->thread;
    for (unsigned i = 0; i < 400; i++) {
        uint64_t ctl = world->cell->ctl;
        bool by_hand = swgi_ctl_state(ctl) == SWGI_OPEN && swgi_ctl_deadline(ctl) == SWGI_NEVER;
        if (swgi_ctl_state(ctl) == SWGI_CLOSED || by_hand)
            return true;
        swg_panel_advance(caller->panel, 20 * SECOND);
        if (swg_acquire(caller->circuit, NULL, &permit) == SWG_GO)
            swg_record(&permit, SWG_SUCCESS);
    }
    return world_wrong(world, "whoever is left cannot bring it back to CLOSED");
}

static void send_home(void) {
    for (unsigned i = 0; i < stage->callers; i++)
        if (stage->pids[i] > 0) {
            kill(stage->pids[i], SIGKILL);
            waitpid(stage->pids[i], NULL, 0);
        }
}

/* The dead are known to the check by the places they had, not by those that their panels have in this process. */
static bool judge(const struct story *story) {
    struct world *world = &stage->world;
    int here[CALLERS_MAX];
    bool right = world->wrong[0] == '\0';
    for (unsigned i = 0; i < CALLERS_MAX; i++) {
        here[i] = world->of[i].panel->slot;
        if (world->of[i].dead)
            world->of[i].panel->slot = stage->slots[i];
    }
    right = right && story->check(world) && world->wrong[0] == '\0';
    for (unsigned i = 0; i < CALLERS_MAX; i++)
        world->of[i].panel->slot = here[i];
    return right;
}

/* How many operations there were, and how many while another caller was at one. */
static void count(const struct world *world) {
    for (unsigned i = 0; i < world->count; i++) {
        const struct operation *mine = &world->operations[i];
        bool beside = false;
        for (unsigned j = 0; j < world->count && mine->begun && !beside; j++) {
            const struct operation *other = &world->operations[j];
            beside = other->begun && other->caller != mine->caller && other->from < mine->to &&
                     mine->from < other->to;
        }
        operations += mine->begun;
        together += beside;
    }
}

static bool episode(const struct story *story, uint64_t seed) {
    struct world *world = &stage->world;
    struct swgi_random random;
    swgi_random_init(&random, seed);
    world_restore(world);
    story->script(world, &random);
    unsigned kills = (unsigned)swgi_random_below(&random, 4);
    world_run(world, seed, kills < 3 ? kills : 0);
    bool right = judge(story);
    send_home();
    count(world);
    if (right)
        return true;
    printf("FAIL replay: %s: %s\n", story->name, world->wrong);
    world_print(world);
    return false;
}

static bool tell(const struct story *story, unsigned episodes) {
    uint64_t before = operations, killed_before = killed, given_up = linear_given_up();
    bool right = true;
    memset(&stage->world, 0, sizeof(stage->world));
    world_begin(&stage->world, story->settings);
    stage->world.unwatched = true;
    story->prepare(&stage->world);
    world_keep(&stage->world);
    for (unsigned i = 0; i < episodes && right; i++)
        right = episode(story, swgi_random_seed());
    world_end(&stage->world);
    printf("%s: %lu operations, %lu killed, %lu histories too long to search\n", story->name,
           operations - before, killed - killed_before, linear_given_up() - given_up);
    return right;
}

static bool tell_all(unsigned episodes) {
    const struct story *const *const lists[] = { stories_machine, stories_count };
    bool right = true;
    for (unsigned i = 0; i < 2 && right; i++)
        for (const struct story *const *story = lists[i]; *story != NULL && right; story++)
            right = tell(*story, episodes);
    return right;
}

int main(int argc, char **argv) {
    const char *bound = getenv("BOUND");
    bool small = bound != NULL && strcmp(bound, "small") == 0;
    bool endless = bound != NULL && strcmp(bound, "none") == 0, right;
    unsigned episodes = argc > 1 ? (unsigned)atoi(argv[1]) : small ? SMALL : EPISODES;
    setvbuf(stdout, NULL, _IOLBF, 0);
    stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stage == MAP_FAILED)
        return 2;
    stage->supervisor = getpid();
    do
        right = tell_all(episodes / 7);
    while (right && endless);
    printf("%lu operations replayed, %lu of them beside another's, %lu callers killed, %lu of them "
           "in the middle, %lu stopped\n",
           operations, together, killed, killed_within, stopped);
    return !right;
}
