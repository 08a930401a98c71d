/* How long a breaker stays open. */
#include "engine/engine.h"

#include <math.h>

/* open.for x open.multiplier^(n - 1), at most open.max; a dependency's own word replaces it; then
 * lengthened by jitter. */
int64_t swgi_open_time(const struct swgi_settings *settings, uint32_t trips_in_a_row,
                       int64_t retry_after, double share) {
    double open_for = (double)settings->open_for_ns;
    double longest = (double)settings->open_max_ns;
    if (settings->open_multiplier > 1 && trips_in_a_row > 1)
        open_for *= pow(settings->open_multiplier, (double)(trips_in_a_row - 1));
    if (!(open_for < longest))
        open_for = longest;
    if (retry_after > 0) {
        double named_most = (double)settings->retry_after_max_ns;
        open_for = (double)retry_after < named_most ? (double)retry_after : named_most;
    }
    open_for += open_for * settings->open_jitter * share;
    /* Settings come from shared memory: keep the result a sensible duration whatever they say. */
    double most = (double)(INT64_C(1) << 57);
    if (!(open_for >= 0))
        return 0;
    return open_for < most ? (int64_t)llround(open_for) : (int64_t)most;
}
