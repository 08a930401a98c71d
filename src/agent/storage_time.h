/* Instants as the tables have them: ISO 8601, UTC, milliseconds; so they sort as text. */
#ifndef SWGI_AGENT_STORAGE_TIME_H
#define SWGI_AGENT_STORAGE_TIME_H

#include <stdint.h>

/* "2026-11-29T18:55:01.123Z", of the years 1970 to 9999. */
#define SWGI_ISO_MAX 32
const char *swgi_iso_text(int64_t wall_ms, char out[SWGI_ISO_MAX]);
/* Also without the Z, without milliseconds, without seconds, without the time of day, and with a blank for
 * the T. -EINVAL, and *wall_ms stays. */
int swgi_iso_parse(const char *text, int64_t *wall_ms);

#endif
