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

#define FRESH_NS INT64_C(1000000000)

static double sample(void) {
    double average;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (getloadavg(&average, 1) != 1)
        return 0;
    return average / (double)(cores > 0 ? cores : 1);
}

double swgi_system_load(struct swgi_turn *turn) {
    swgi_word *stamp = &turn->cell->shed_stamp;
    uint64_t last = swgi_load(stamp), bits;
    int64_t passed = turn->now - (int64_t)last;
    double load;
    bool stale = last == 0 || passed < 0 || passed > FRESH_NS;
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
