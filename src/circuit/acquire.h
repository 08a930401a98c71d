/* Asking again: for calls that were asked for before. */
#ifndef SWGI_CIRCUIT_ACQUIRE_H
#define SWGI_CIRCUIT_ACQUIRE_H

#include "circuit/admission.h"

/* A queued permit's next step, the breaker included: SWG_GO, SWG_QUEUED, or a rejection that is
 * counted and told. sleep_ns > 0: may sleep that long, once. */
int swgi_admit_queued(struct swgi_admission *admission, struct swg_permit *permit,
                      int64_t sleep_ns);
/* swg_acquire() for what was asked before. The deadline is in panel time. */
int swgi_acquire_attempt(struct swg_circuit *circuit, const struct swgi_asked *asked,
                         struct swg_permit *out);

#endif
