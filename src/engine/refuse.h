/* How two durations that contradict each other are told: the same sentence wherever it happens. */
#ifndef SWGI_ENGINE_REFUSE_H
#define SWGI_ENGINE_REFUSE_H

#include <stdint.h>

struct swg_error;

/* "2s is shorter than retry.delay; allowed: 5s or longer", told of key. -EINVAL. */
int swgi_refuse_shorter(struct swg_error *error, const char *key, uint64_t ns, const char *than,
                        uint64_t least_ns);
/* "5s is longer than timeout.total; allowed: 2s or shorter". -EINVAL. */
int swgi_refuse_longer(struct swg_error *error, const char *key, uint64_t ns, const char *than,
                       uint64_t most_ns);

#endif
