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
/*
 * Since when: how long ago ("90s", "2h", "7d"), a date as above, without a Z by the clock on this host's wall, or milliseconds since
 * 1970 (twelve digits or more: what is shorter was meant otherwise). -EINVAL, and *wall_ms stays.
 */
int swgi_since_parse(const char *text, int64_t now_ms, int64_t *wall_ms);
/* For who wrote something else. */
#define SWGI_SINCE_FORMS                                                                    \
    "write how long ago (90s, 2h, 7d), a date (2026-01-31, 2026-01-31T08:00, with a Z for " \
    "UTC), or milliseconds since 1970"

#endif
