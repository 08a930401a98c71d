/* What a circuit's numbers come to, for people and programs alike: no words, no screen. */
#ifndef SWGI_REPORT_MEANING_H
#define SWGI_REPORT_MEANING_H

#include <stdbool.h>

#include "switchgear/switchgear.h"

/* Are calls being turned away, probing apart? */
bool swgi_is_tripped(const struct swg_status *status);
/* Calls not made, for whatever reason. */
uint64_t swgi_rejected(const struct swg_status *status);

#endif
