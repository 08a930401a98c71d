/*
 * Signals are held while a call is under way, so that none ends us between an admission and its record. Where nothing is under way
 * yet, they are looked for.
 */
#include "cli/waiting.h"

#include <signal.h>
#include <time.h>

#define SECOND     INT64_C(1000000000)
#define LOOK_EVERY (SECOND / 20)

static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM };

static void signals_of_interest(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTSTP);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        sigaddset(set, ends[i]);
}

/* One that ends us, by at most this time; 0: none. A terminal's stop is for us alone, since there is no command yet. */
static int next_signal(swg_ns wait) {
    struct timespec bound = { .tv_sec = wait / SECOND, .tv_nsec = wait % SECOND };
    sigset_t set;
    int number;

    signals_of_interest(&set);
    number = sigtimedwait(&set, NULL, &bound);
    if (number == SIGTSTP)
        raise(SIGSTOP);
    return number > 0 && number != SIGTSTP ? number : 0;
}

int swgi_wait_turn(struct swg_permit *permit, int *interrupted_by) {
    int rc;

    do {
        *interrupted_by = next_signal(0);
        rc = *interrupted_by ? SWG_QUEUED : swg_wait(permit, swg_now() + LOOK_EVERY);
    } while (rc == SWG_QUEUED && !*interrupted_by);
    return rc;
}

void swgi_wait_pause(swg_ns pause, int *interrupted_by) {
    swg_ns until = swg_now() + pause, left = pause;

    do {
        *interrupted_by = next_signal(left > 0 ? left : 0);
        left = until - swg_now();
    } while (left > 0 && !*interrupted_by);
}
