/* Durations are told as people write them, both the one that is refused and the nearest that is
 * not. */
#include "engine/refuse.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"

static int refuse(struct swg_error *error, const char *key, uint64_t ns, const char *than,
                  uint64_t bound_ns, const char *is, const char *allowed) {
    char refused[SWGI_NUMBER_TEXT] = "", bound[SWGI_NUMBER_TEXT] = "";

    (void)swgi_duration_print(ns, refused, sizeof(refused));
    (void)swgi_duration_print(bound_ns, bound, sizeof(bound));
    return swgi_fail(error, -EINVAL, key, "%s is %s than %s; allowed: %s or %s", refused, is, than,
                     bound, allowed);
}

int swgi_refuse_shorter(struct swg_error *error, const char *key, uint64_t ns, const char *than,
                        uint64_t least_ns) {
    return refuse(error, key, ns, than, least_ns, "shorter", "longer");
}

int swgi_refuse_longer(struct swg_error *error, const char *key, uint64_t ns, const char *than,
                       uint64_t most_ns) {
    return refuse(error, key, ns, than, most_ns, "longer", "shorter");
}
