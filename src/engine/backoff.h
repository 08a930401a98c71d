/*
 * How long to wait before the next attempt of a call, and the settings of retries.
 *
 * Every function is plain arithmetic on its arguments: the lot is drawn, and failure rate and load
 * are looked up, by the caller.
 */
#ifndef SWGI_ENGINE_BACKOFF_H
#define SWGI_ENGINE_BACKOFF_H

#include "engine/policy_settings.h"

#define SWGI_NO_RETRY (-1) /* a delay that nobody should wait for */

/*
 * The delay in nanoseconds, 0 to max_delay_ns, before attempt + 1. attempt counts from 1: the first
 * has failed; 0 counts as 1. With d for delay_ns, m for multiplier and n for attempt:
 *
 *     constant      d
 *     linear        d n
 *     exponential   d m^(n-1)
 *     fibonacci     d F(n): 1, 1, 2, 3, 5, 8, ...
 *     decorrelated  d + lot (3 previous - d): uniform from d to three times the delay before it;
 *                   previous_ns is that delay, at most 0 before the first retry, which counts as d
 *     adaptive      d m^(n-1) (1/2 + 3/2 failure_rate) (1 + system_load): half the exponential one
 *                   when all goes well on an idle machine, four times when all fails on a full one;
 *                   it shortens again as successes lower the failure rate
 *
 * all cut at max_delay_ns. Jitter then takes a lot in [0, 1), so that callers who failed together
 * do not come back together: none keeps the delay x, full is lot x, equal is x / 2 + lot x / 2.
 * Decorrelated is its own jitter, and takes no other.
 *
 * failure_rate and system_load (a share of all cores) are brought into 0..1; what is not a number
 * counts as 0. Nothing overflows, whatever the settings say.
 *
 * Sources: full, equal and decorrelated jitter from Marc Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015.
 */
int64_t swgi_backoff_delay(const struct swgi_retry_settings *settings, unsigned attempt,
                           int64_t previous_ns, double lot, double failure_rate,
                           double system_load);

/*
 * What the dependency asked for (Retry-After in nanoseconds, at most 0: nothing) prolongs a delay,
 * also beyond max_delay_ns, and never shortens it. More than retry_after_max_ns is SWGI_NO_RETRY:
 * to come back earlier than asked would be rude, to wait longer than allowed is forbidden.
 */
int64_t swgi_backoff_heed(const struct swgi_retry_settings *settings, int64_t delay_ns,
                          int64_t retry_after_ns);

/* Refuses settings that contradict each other: -EINVAL names the key, its value and what is
 * allowed. Changes nothing. */
int swgi_retry_compile(struct swgi_retry_settings *settings, struct swg_error *error);
/* May these settings be acted upon? For what was read from memory that others can write. */
bool swgi_retry_settings_check(const struct swgi_retry_settings *settings);

#endif
