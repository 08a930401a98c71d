/*
 * How long callers wanted a processor and had none, so that a busy machine is not taken for a permit that nobody was told of.
 *
 * The kernel tells for each thread how long it waited to run (proc(5), schedstat). Their sum over all callers is more than any
 * chain of them can have been held up by; what the observer overslept is added, because then the whole machine stood still.
 */
#ifndef TESTS_TORTURE_BULKHEAD_STARVED_H
#define TESTS_TORTURE_BULKHEAD_STARVED_H

#include "bulkhead_notes.h"

#define SAMPLES_MAX 262144u
#define SAMPLE_NS   (2 * MS)

struct sample {
    int64_t at, sum; /* so much in all until then */
};

static struct {
    struct sample samples[SAMPLES_MAX];
    unsigned count;
    int32_t thread[CROWD][SEATS];
    int fd[CROWD][SEATS];
    int64_t told[CROWD][SEATS];
    bool blind; /* this kernel does not tell */
} starved;

static int64_t run_delay(int fd) {
    char text[96];
    ssize_t length = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
    long long ran, delayed;
    if (length <= 0)
        return -1;
    text[length] = '\0';
    return sscanf(text, "%lld %lld", &ran, &delayed) == 2 ? delayed : -1;
}

static void follow(unsigned place, unsigned seat, int32_t thread) {
    char path[80];
    int *fd = &starved.fd[place][seat];
    if (starved.thread[place][seat] != 0 && *fd >= 0)
        close(*fd);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", crowd.pid[place], thread);
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    starved.thread[place][seat] = thread;
    starved.told[place][seat] = run_delay(*fd);
}

static int64_t starved_since_last(unsigned place, unsigned seat) {
    int32_t thread = atomic_load(&notes->seats[place][seat].thread);
    if (thread == 0 || (place >= LOOPS && seat > 0))
        return 0;
    if (thread != starved.thread[place][seat])
        follow(place, seat, thread);
    int64_t before = starved.told[place][seat], now = run_delay(starved.fd[place][seat]);
    if (now < 0 || before < 0)
        return 0;
    starved.told[place][seat] = now;
    return now - before;
}

/* When it is time for it, or `always`. */
static void starved_sample(bool always) {
    struct sample last =
        starved.count == 0 ? (struct sample){ 0 } : starved.samples[starved.count - 1];
    int64_t now = clock_now(), apart = now - last.at;
    if (starved.count == SAMPLES_MAX || (!always && apart < SAMPLE_NS))
        return;
    int64_t sum = last.sum;
    if (starved.count != 0 && apart > 2 * SAMPLE_NS)
        sum += apart - 2 * SAMPLE_NS;
    for (unsigned place = 0; place < CROWD; place++)
        for (unsigned seat = 0; seat < SEATS; seat++)
            sum += starved_since_last(place, seat);
    starved.samples[starved.count++] = (struct sample){ .at = now, .sum = sum };
}

/* The first sample at or after that, or the last there is. */
static unsigned sample_after(int64_t at) {
    unsigned low = 0, high = starved.count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (starved.samples[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < starved.count ? low : starved.count - 1;
}

/* No less than what the callers were held up by between the two. */
static int64_t starved_between(int64_t from, int64_t to) {
    unsigned first = sample_after(from), last = sample_after(to);
    first -= first > 0 && starved.samples[first].at > from;
    return starved.samples[last].sum - starved.samples[first].sum;
}

static void starved_begin(void) {
    memset(&starved, 0, sizeof(starved));
    starved.blind = access("/proc/self/schedstat", R_OK) != 0;
    starved_sample(true);
}

static void starved_end(void) {
    starved_sample(true);
    for (unsigned i = 0; i < CROWD * SEATS; i++)
        if (starved.thread[i / SEATS][i % SEATS] != 0 && starved.fd[i / SEATS][i % SEATS] >= 0)
            close(starved.fd[i / SEATS][i % SEATS]);
}

#endif
