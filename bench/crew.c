/*
 * An idle helper that spins would disturb the measurements it has no part in; one that is woken starts late. So helpers sleep on a
 * futex, and when awake meet us at a gate where both spin.
 */
#include "crew.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

#define LATE_NS 50000

enum job { JOB_RUN, JOB_ATTACH, JOB_QUIT };

struct bench_board {
    _Alignas(64) _Atomic uint32_t order; /* grows by one with each job */
    _Atomic uint32_t done;               /* the last order done */
    _Alignas(64) _Atomic uint32_t awake, open_gate;
    enum job job;
    bench_block *block;
    void *subject;
    swg_ns duration;
    struct bench_tally tally;
    char path[256], circuit[128];
    struct swg_panel *panel; /* the helper's */
};

void *bench_crew_shared(size_t size) {
    void *bytes =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

static void run_blocks(bench_block *block, void *subject, swg_ns duration,
                       struct bench_tally *tally) {
    long interrupted = bench_interruptions();
    swg_ns start = bench_clock_read(), now = start;
    uint32_t dice = (uint32_t)start;
    memset(tally, 0, sizeof *tally);
    do {
        tally->unexpected += block(subject, now, dice);
        tally->calls += BENCH_BLOCK;
        dice = dice * 1664525 + 1013904223;
        now = bench_clock_read();
    } while (now - start < duration);
    tally->started = start;
    tally->elapsed_ns = now - start;
    tally->interruptions = bench_interruptions() - interrupted;
}

static void attach(struct bench_board *board) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_circuit *circuit = NULL;
    board->panel = swg_panel_unref(board->panel);
    board->subject = NULL;
    options.access = SWG_PANEL_ATTACH;
    options.path = board->path;
    if (board->path[0] != '\0' && swg_panel_open(&board->panel, &options, NULL) == 0 &&
        swg_circuit_find(board->panel, board->circuit, &circuit) == 0)
        board->subject = circuit;
}

/* Where there is only one processor, spinning would keep away the one we wait for. */
static void pause_shortly(void) {
    if (bench_processors() < 2)
        sched_yield();
}

static void meet_at_gate(struct bench_board *board) {
    atomic_store(&board->awake, 1);
    while (!atomic_load(&board->open_gate))
        pause_shortly();
}

static void serve(struct bench_board *board) {
    for (uint32_t order = 1;; order++) {
        while (atomic_load(&board->order) != order)
            syscall(SYS_futex, &board->order, FUTEX_WAIT, order - 1, NULL, NULL, 0);
        if (board->job == JOB_RUN) {
            meet_at_gate(board);
            run_blocks(board->block, board->subject, board->duration, &board->tally);
        } else if (board->job == JOB_ATTACH) {
            attach(board);
        }
        atomic_store(&board->done, order);
        if (board->job == JOB_QUIT)
            return;
    }
}

static void *thread_main(void *board) {
    bench_pin(1);
    serve(board);
    return NULL;
}

static void process_main(struct bench_board *board, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    bench_pin(1);
    serve(board);
    swg_panel_unref(board->panel);
    _exit(0);
}

int bench_crew_init(struct bench_crew *crew) {
    pid_t self = getpid();
    struct bench_board *boards = bench_crew_shared(2 * sizeof *boards);
    if (boards == NULL)
        return -ENOMEM;
    crew->boards[0] = &boards[0];
    crew->boards[1] = &boards[1];
    bench_pin(0);
    fflush(NULL);
    crew->process = fork();
    if (crew->process < 0)
        return -errno;
    if (crew->process == 0)
        process_main(crew->boards[1], self);
    return -pthread_create(&crew->thread, NULL, thread_main, crew->boards[0]);
}

static uint32_t give_order(struct bench_board *board, enum job job) {
    board->job = job;
    atomic_store(&board->awake, 0);
    atomic_store(&board->open_gate, 0);
    uint32_t order = atomic_fetch_add(&board->order, 1) + 1;
    syscall(SYS_futex, &board->order, FUTEX_WAKE, 1, NULL, NULL, 0);
    return order;
}

static void check_process(struct bench_crew *crew) {
    if (waitpid(crew->process, NULL, WNOHANG) != crew->process)
        return;
    fprintf(stderr, "bench: the second process died\n");
    exit(EXIT_FAILURE);
}

static void await(struct bench_crew *crew, const _Atomic uint32_t *word, uint32_t value) {
    for (unsigned turns = 1; atomic_load(word) != value; turns++) {
        pause_shortly();
        if (turns % (1u << 24) == 0)
            check_process(crew);
    }
}

/* Who was kept from the gate ran alone, as did the other. */
static void add_helper(struct bench_tally *sum, const struct bench_tally *helper) {
    swg_ns apart = sum->started - helper->started;
    sum->calls += helper->calls;
    sum->unexpected += helper->unexpected;
    sum->elapsed_ns += helper->elapsed_ns;
    sum->interruptions += helper->interruptions + (apart > LATE_NS || apart < -LATE_NS);
    sum->started = apart > 0 ? helper->started : sum->started;
}

void bench_crew_run(struct bench_crew *crew, enum bench_hands hands, bench_block *block,
                    void *subject, void *helper, swg_ns duration, struct bench_tally *out) {
    if (hands == BENCH_ALONE) {
        run_blocks(block, subject, duration, out);
        return;
    }
    struct bench_board *board = crew->boards[hands == BENCH_TWO_PROCESSES];
    board->block = block;
    board->subject = helper;
    board->duration = duration;
    uint32_t order = give_order(board, JOB_RUN);
    await(crew, &board->awake, 1);
    atomic_store(&board->open_gate, 1);
    run_blocks(block, subject, duration, out);
    await(crew, &board->done, order);
    add_helper(out, &board->tally);
}

void *bench_crew_attach(struct bench_crew *crew, const char *path, const char *circuit) {
    struct bench_board *board = crew->boards[1];
    snprintf(board->path, sizeof board->path, "%s", path ? path : "");
    snprintf(board->circuit, sizeof board->circuit, "%s", circuit ? circuit : "");
    uint32_t order = give_order(board, JOB_ATTACH);
    await(crew, &board->done, order);
    return board->subject;
}

void bench_crew_deinit(struct bench_crew *crew) {
    give_order(crew->boards[0], JOB_QUIT);
    give_order(crew->boards[1], JOB_QUIT);
    pthread_join(crew->thread, NULL);
    waitpid(crew->process, NULL, 0);
}
