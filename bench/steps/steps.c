/*
 * Counts what a processor executes for one uncontended call, acquire and record, instruction by instruction: the calls are made
 * in a child that is single-stepped, so that the counts are exact and need nothing but ptrace().
 *
 * Usage: steps plain|everything. Prints `instructions N locked N`, a call's; the loop around it is counted with it. Exit status 77:
 * not on this machine.
 *
 * Built a second time against a library that knows no policies, it tells what those cost a circuit that has none.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../everything.h"
#include "switchgear/switchgear.h"

#if defined(__x86_64__)

#define WARM 1000u
#define FEW  20u
#define MANY 220u

static const char *const plain_settings[] = { "breaker.trip.0.consecutive=5",
                                              "breaker.histogram=no", NULL };

static void fail(const char *what, const char *why) {
    fprintf(stderr, "steps: %s: %s\n", what, why);
    _exit(EXIT_FAILURE);
}

static struct swg_circuit *make(const char *const *settings) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *panel = NULL;
    struct swg_config *config = NULL;
    struct swg_circuit *circuit = NULL;
    int rc = swg_panel_open(&panel, NULL, &error);
    if (rc == 0)
        rc = swg_config_new(&config);
    if (rc == 0)
        rc = swg_config_preset(config, "default", &error);
    for (; rc == 0 && *settings != NULL; settings++) {
        char key[128];
        size_t length = strcspn(*settings, "=");
        snprintf(key, sizeof key, "%.*s", (int)length, *settings);
        rc = swg_config_set(config, key, *settings + length + 1, &error);
    }
    if (rc == 0)
        rc = swg_circuit_get(panel, "steps", config, &circuit, &error);
    if (rc != 0)
        fail("no circuit", error.text);
    swg_config_unref(config);
    return circuit;
}

static swg_ns now;

static void call(struct swg_circuit *circuit, unsigned calls) {
    for (unsigned i = 0; i < calls; i++) {
        struct swg_permit permit;
        now += 4;
        if (swg_acquire_at(circuit, NULL, now, &permit) != SWG_GO ||
            swg_record_at(&permit, SWG_SUCCESS, NULL, now, 200000) != 0)
            fail("a call", "not let through");
    }
}

static void be_counted(const char *const *settings) {
    struct swg_circuit *circuit = make(settings);
    now = swg_now();
    call(circuit, WARM);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    call(circuit, FEW);
    raise(SIGSTOP);
    call(circuit, MANY);
    raise(SIGSTOP);
    _exit(EXIT_SUCCESS);
}

struct counts {
    unsigned long instructions, locked;
};

/* A prefix says so, or it is an exchange with memory (Intel 64 SDM, XCHG: "the processor's locking protocol is automatically
 * implemented"). */
static bool is_locked(const unsigned char *code) {
    while (memchr("\x66\x67\xf2\xf3\x2e\x36\x3e\x26\x64\x65", *code, 10) != NULL)
        code++;
    if (*code == 0xf0)
        return true;
    if ((*code & 0xf0) == 0x40)
        code++;
    return (*code == 0x86 || *code == 0x87) && code[1] >> 6 != 3;
}

/* To the child's next stop. It never executed another program, so its code is where ours is. */
static bool count(pid_t child, struct counts *out) {
    int status = 0;
    memset(out, 0, sizeof *out);
    for (;;) {
        struct user_regs_struct registers;
        if (ptrace(PTRACE_GETREGS, child, NULL, &registers) != 0)
            return false;
        out->instructions++;
        out->locked += is_locked((const unsigned char *)registers.rip);
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0 ||
            waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
            return false;
        if (WSTOPSIG(status) == SIGSTOP)
            return true;
    }
}

int main(int argc, char **argv) {
    bool everything = argc == 2 && strcmp(argv[1], "everything") == 0;
    struct counts few, many;
    int status;
    if (argc != 2 || (!everything && strcmp(argv[1], "plain") != 0)) {
        fprintf(stderr, "usage: steps plain|everything\n");
        return 64;
    }
    pid_t child = fork();
    if (child == 0)
        be_counted(everything ? bench_everything_settings : plain_settings);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return EXIT_FAILURE;
    if (!WIFSTOPPED(status))
        return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
    bool counted = count(child, &few) && count(child, &many);
    kill(child, SIGKILL);
    if (!counted) {
        fprintf(stderr, "steps: no process may be traced here\n");
        return 77;
    }
    printf("instructions %g locked %g\n",
           (double)(many.instructions - few.instructions) / (MANY - FEW),
           (double)(many.locked - few.locked) / (MANY - FEW));
    return EXIT_SUCCESS;
}

#else

int main(void) {
    fprintf(stderr, "steps: instructions are counted on x86-64 alone\n");
    return 77;
}

#endif
