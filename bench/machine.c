/* A figure without its machine says nothing, and a machine that was taken away meanwhile (steal) says something else. */
#include "machine.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

swg_ns bench_clock_read(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* The value of the first line of that file which begins with name, or of its first line when name is "". */
static bool file_line(const char *path, const char *name, char *out, size_t size) {
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    out[0] = '\0';
    while (file != NULL && !found && getline(&line, &room, file) >= 0) {
        found = strncmp(line, name, strlen(name)) == 0;
        const char *colon = strchr(line, ':');
        if (found)
            snprintf(out, size, "%s", *name && colon ? colon + 1 + strspn(colon + 1, " \t") : line);
    }
    out[strcspn(out, "\n")] = '\0';
    free(line);
    if (file != NULL)
        fclose(file);
    return found;
}

void bench_machine_print(FILE *out) {
    char model[128], flags[8192], source[64], load[64];
    struct utsname system;
    uname(&system);
    if (!file_line("/proc/cpuinfo", "model name", model, sizeof model))
        snprintf(model, sizeof model, "%s", system.machine);
    file_line("/proc/cpuinfo", "flags", flags, sizeof flags);
    bool invariant = strstr(flags, " constant_tsc") && strstr(flags, " nonstop_tsc");
    file_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", "", source,
              sizeof source);
    file_line("/proc/loadavg", "", load, sizeof load);
    if (strtod(load, NULL) > 0.5)
        fprintf(out, "NOTE: this machine is busy with other things; two threads may seldom meet\n");
    fprintf(out, "machine: %s, %u processors, Linux %s\n", model, bench_processors(),
            system.release);
    fprintf(out, "clock: %s TSC, clock source %s; load average %s\n",
            invariant ? "invariant" : "no invariant", source[0] ? source : "unknown", load);
}

void bench_usage_read(struct bench_usage *out) {
    char line[256];
    uint64_t user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0;
    file_line("/proc/stat", "cpu ", line, sizeof line);
    sscanf(line,
           "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
           " %" SCNu64,
           &user, &nice, &system, &idle, &wait, &irq, &soft, &steal);
    out->steal = steal;
    out->busy = user + nice + system + irq + soft;
    out->all = out->busy + idle + wait + steal;
}

long bench_interruptions(void) {
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

bool bench_raise_priority(void) {
    return setpriority(PRIO_PROCESS, 0, -20) == 0;
}

void bench_go_first(bool first) {
    struct sched_param parameters = { .sched_priority = first ? 1 : 0 };
    sched_setscheduler(0, first ? SCHED_FIFO : SCHED_OTHER, &parameters);
}

static double percent(uint64_t part, uint64_t whole) {
    return whole != 0 ? 100.0 * (double)part / (double)whole : 0;
}

double bench_steal_percent(const struct bench_usage *before, const struct bench_usage *after) {
    return percent(after->steal - before->steal, after->all - before->all);
}

double bench_busy_percent(const struct bench_usage *before, const struct bench_usage *after) {
    return percent(after->busy - before->busy, after->all - before->all);
}

static const cpu_set_t *given_processors(void) {
    static cpu_set_t given;
    static bool known;
    if (!known && sched_getaffinity(0, sizeof given, &given) != 0)
        CPU_SET(0, &given);
    known = true;
    return &given;
}

unsigned bench_processors(void) {
    return (unsigned)CPU_COUNT(given_processors());
}

void bench_pin(unsigned n) {
    const cpu_set_t *given = given_processors();
    unsigned left = n % bench_processors();
    cpu_set_t one;
    if (bench_processors() < 2)
        return;
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, given) && left-- == 0) {
            CPU_SET(i, &one);
            break;
        }
    sched_setaffinity(0, sizeof one, &one);
}

uint64_t bench_resident_bytes(void) {
    char line[128];
    return file_line("/proc/self/status", "VmRSS", line, sizeof line)
               ? strtoull(line, NULL, 10) * 1024
               : 0;
}
