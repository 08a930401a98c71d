/* Words for numbers, and the way back. Everything prints into the caller's buffer and returns it. */
#ifndef SWGI_REPORT_TEXT_H
#define SWGI_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switchgear/switchgear.h"

/* Room for any of the texts below. */
#define SWGI_TEXT_MAX 48

/* "12 s", "3 min", "2 h 5 min", "4 days": as exact as a person wants it. */
const char *swgi_duration_text(swg_ns duration, char out[SWGI_TEXT_MAX]);
/* "340 us", "12 ms", "1.5 s": three digits, for latencies. */
const char *swgi_latency_text(swg_ns duration, char out[SWGI_TEXT_MAX]);
/* "3 min ago", "just now", "never" for an instant that is 0. */
const char *swgi_age_text(swg_ns now, swg_ns at, char out[SWGI_TEXT_MAX]);
/* "1,234,567" */
const char *swgi_count_text(uint64_t count, char out[SWGI_TEXT_MAX]);
/* At most five columns: "9,999", "12.3k", "4.5M" */
const char *swgi_short_count_text(uint64_t count, char out[SWGI_TEXT_MAX]);
/* "52 %", "0.3 %"; "-" for a negative share */
const char *swgi_share_text(double share, char out[SWGI_TEXT_MAX]);
/* A measured value as people write it: "5", "0.37", "12.5" */
const char *swgi_value_text(double value, char out[SWGI_TEXT_MAX]);
/* "16.2 MiB" */
const char *swgi_bytes_text(uint64_t bytes, char out[SWGI_TEXT_MAX]);
/* Local time: "2025-11-21 02:13:05" */
const char *swgi_wall_text(int64_t wall_ms, char out[SWGI_TEXT_MAX]);

/*
 * Text that comes from a panel, which anyone with access may have written, made fit for a terminal: what could steer one becomes
 * '?'. utf8 false: so does everything beyond ASCII, because a terminal of 8 bits takes parts of UTF-8 for control characters.
 */
const char *swgi_clean_text(const char *text, bool utf8, char *out, size_t out_size);
/* Room for any text of the panel, cleaned. */
#define SWGI_CLEAN_MAX 512

#endif
