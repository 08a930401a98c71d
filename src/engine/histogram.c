/* Where the bins of the latency histogram end: four to an octave, so that a bound is within a fifth
 * of any value below it. */
#include "engine/engine.h"

int64_t swgi_histogram_bound(unsigned bin) {
    if (bin == 0)
        return 1024;
    unsigned octave = (bin - 1) / 4, quarter = (bin - 1) % 4;
    return (INT64_C(5) + quarter) << (octave + 8);
}
