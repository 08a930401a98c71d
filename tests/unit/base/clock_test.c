/* The clock agrees with CLOCK_MONOTONIC, and within a thread it never goes backward. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "switchgear/switchgear.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

#define MS       INT64_C(1000000)
#define WHILE_NS (300 * MS) /* long enough for many anchors */
/* What it may be off: steering, and the readings' own errors. */
#define OFF_NS 20000

/*
 * The reading lies between two of the kernel's, give or take; a reading that was interrupted
 * proves nothing.
 */
static bool agrees(void) {
    int64_t before = swgi_clock_of(CLOCK_MONOTONIC);
    int64_t now = swg_now();
    int64_t after = swgi_clock_of(CLOCK_MONOTONIC);
    return now >= before - OFF_NS && now <= after + OFF_NS;
}

static void test_agrees_with_the_kernel(void **state) {
    (void)state;
    for (int64_t end = swgi_clock_of(CLOCK_MONOTONIC) + WHILE_NS;
         swgi_clock_of(CLOCK_MONOTONIC) < end;)
        assert_true(agrees());
}

static void test_never_goes_backward(void **state) {
    int64_t last = swg_now();
    (void)state;
    for (int64_t end = last + WHILE_NS; last < end;) {
        int64_t now = swg_now();
        assert_true(now >= last);
        last = now;
    }
}

static void test_after_a_pause(void **state) {
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        int64_t before = swg_now();
        int64_t end = swgi_clock_of(CLOCK_MONOTONIC) + 15 * MS; /* longer than an anchor holds */
        while (swgi_clock_of(CLOCK_MONOTONIC) < end)
            continue;
        assert_true(swg_now() >= before + 14 * MS);
        assert_true(agrees());
    }
}

static void *reads(void *failed) {
    int64_t last = swg_now();
    for (int64_t end = last + WHILE_NS; last < end;) {
        int64_t now = swg_now();
        if (now < last || !agrees())
            *(bool *)failed = true;
        last = now;
    }
    return NULL;
}

static void test_in_threads(void **state) {
    pthread_t threads[4];
    bool failed[4] = { false };
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reads, &failed[i]), 0);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_false(failed[i]);
    }
}

static volatile sig_atomic_t handled, wrong;

static void on_alarm(int unused) {
    (void)unused;
    handled++;
    if (!agrees())
        wrong++;
}

/* A handler may come in the middle of a reading, and of writing an anchor. */
static void test_in_a_signal_handler(void **state) {
    struct sigaction action = { .sa_handler = on_alarm };
    struct itimerval often = { .it_interval.tv_usec = 200, .it_value.tv_usec = 200 };
    (void)state;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int64_t end = swgi_clock_of(CLOCK_MONOTONIC) + WHILE_NS;
         swgi_clock_of(CLOCK_MONOTONIC) < end;) {
        assert_true(agrees());
        swgi_clock_forget(); /* so that anchors are written all the time */
    }
    setitimer(ITIMER_REAL, &(struct itimerval){ .it_value.tv_usec = 0 }, NULL);
    assert_true(handled > 0);
    assert_int_equal(wrong, 0);
}

static void test_in_a_child(void **state) {
    int status = 0;
    (void)state;
    assert_true(agrees());
    pid_t child = fork();
    if (child == 0) {
        swgi_clock_forget();
        _exit(agrees() && agrees() ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_the_cheap_clocks(void **state) {
    (void)state;
    int64_t coarse = swgi_clock_coarse();
    int64_t now = swgi_clock_of(CLOCK_MONOTONIC);
    assert_true(coarse <= now && coarse > now - 1000 * MS);
    assert_true(swgi_clock_wall_ms() > INT64_C(1600000000000));
}

#ifdef __x86_64__
/* What the clock asks the processor and the kernel before it believes the TSC. */
static bool tsc_is_good(void) {
    unsigned a, b, c, d;
    char name[8] = "";
    int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY);
    bool trusted = fd >= 0 && read(fd, name, sizeof(name) - 1) == 4 && strcmp(name, "tsc\n") == 0;
    if (fd >= 0)
        close(fd);
    return trusted && __get_cpuid(0x80000007, &a, &b, &c, &d) && (d >> 8 & 1) != 0;
}

#define LIES_ASSERT(condition)                                                       \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #condition); \
            return false;                                                            \
        }                                                                            \
    } while (0)

/* Reads the clock until its anchor holds, which takes some undisturbed milliseconds. */
static bool anchored(void) {
    for (int64_t end = swgi_clock_of(CLOCK_MONOTONIC) + 60000 * MS;
         swgi_clock_anchor.limit == 0 && swgi_clock_of(CLOCK_MONOTONIC) < end;)
        swg_now();
    return swgi_clock_anchor.limit != 0;
}

static bool survives_lies(void) {
    LIES_ASSERT(anchored());
    swgi_clock_anchor.tsc -= UINT64_C(1) << 40; /* ticks went on, time did not */
    swgi_clock_anchor.start_tsc -= UINT64_C(1) << 40;
    /* All that the anchor could have told stays told: time stands still until it is reached. */
    for (int64_t end = swgi_clock_of(CLOCK_MONOTONIC) + 1000 * MS;
         !agrees() && swgi_clock_of(CLOCK_MONOTONIC) < end;)
        LIES_ASSERT(swg_now() <= swgi_clock_of(CLOCK_MONOTONIC) + 11 * MS);
    LIES_ASSERT(agrees());
    LIES_ASSERT(anchored());
    swgi_clock_anchor.ns -= 3600000 * MS; /* time went on, ticks did not */
    swgi_clock_anchor.start_ns -= 3600000 * MS;
    swgi_clock_anchor.limit = 0;
    LIES_ASSERT(agrees());
    for (int64_t end = swgi_clock_of(CLOCK_MONOTONIC) + 50 * MS;
         swgi_clock_of(CLOCK_MONOTONIC) < end;)
        LIES_ASSERT(agrees());
    return true;
}

/*
 * What a suspend or another machine does: ticks and time that do not fit together. In a program of its own: a clock that was
 * surprised often enough gives up the TSC for good, and what ran before here may have come to that.
 */
static void test_an_anchor_that_lies(void **state) {
    int status = 0;
    (void)state;
    if (!tsc_is_good()) {
        print_message("the TSC is not used on this machine\n");
        skip();
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "clock", "lies", (char *)NULL);
        _exit(2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}
#endif

int main(int argc, char **argv) {
#ifdef __x86_64__
    if (argc == 2 && strcmp(argv[1], "lies") == 0)
        return survives_lies() ? 0 : 1;
#endif
    (void)argc;
    (void)argv;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_cheap_clocks),    cmocka_unit_test(test_agrees_with_the_kernel),
        cmocka_unit_test(test_never_goes_backward), cmocka_unit_test(test_after_a_pause),
        cmocka_unit_test(test_in_threads),          cmocka_unit_test(test_in_a_signal_handler),
        cmocka_unit_test(test_in_a_child),
#ifdef __x86_64__
        cmocka_unit_test(test_an_anchor_that_lies),
#endif
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
