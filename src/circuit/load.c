/*
 * The system's load, for shedding: the 1-minute load average per core.
 *
 * Whoever keeps the cell's stamp fresh (an agent) samples for all. Without one, the caller who
 * finds it over a second old takes it by compare-and-swap and samples: one small read of /proc per
 * second and circuit.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "circuit/circuit.h"

#define FRESH_NS UINT64_C(1000000000)

/* Read once: a process sees more cores come and go too seldom to ask every second. */
static double cores(void) {
    static _Atomic uint32_t known;
    uint32_t count = swgi_load_relaxed(&known, STAMP);
    if (count == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        count = online > 0 ? (uint32_t)online : 1;
        swgi_store_relaxed(&known, count, STAMP);
    }
    return count;
}

static double sample(void) {
    double average;
    return getloadavg(&average, 1) == 1 ? average / cores() : 0;
}

double swgi_system_load(struct swgi_turn *turn) {
    swgi_word *stamp = &turn->cell->shed_stamp;
    uint64_t last = swgi_load(stamp), bits;
    double load;
    bool stale = last == 0 || swgi_passed(turn->now, (int64_t)last) > FRESH_NS;
    if (stale && swgi_cas(stamp, last, (uint64_t)turn->now)) {
        load = sample();
        memcpy(&bits, &load, sizeof(bits));
        swgi_store(&turn->cell->shed_load, bits);
        return load;
    }
    bits = swgi_load(&turn->cell->shed_load);
    memcpy(&load, &bits, sizeof(load));
    return load;
}
