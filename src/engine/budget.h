/*
 * The retry budget: what keeps retries from multiplying the load on a dependency that fails.
 *
 * Credit is worked out, not counted: with F first calls of the circuit until now,
 *
 *     earned = F budget_ppm / 10^6 + budget_per_second (now in seconds)
 *
 * grows whoever looks, and the one word in the panel says up to where it is spent. A retry needs
 * one whole unit between the two and moves the word up by it; what lies further back than
 * budget_max is forfeited. So a call that succeeds pays nothing, nobody deposits, and a caller that
 * is killed anywhere has either taken its retry or changed nothing.
 *
 * The promise, whoever interleaves: of a circuit with F first calls in a time t,
 *
 *     retries <= F budget_ppm / 10^6 + budget_per_second t + budget_max
 *
 * and so, under total failure, attempts / first calls <= 1 + budget_ppm / 10^6 in the long run.
 * A new circuit begins with budget_max saved up. What may add up to one more budget_max to the
 * bound, each time it happens: panel time or the sums run ahead and come back, two callers in a row
 * were stopped for long between summing and asking, somebody else overwrites the word. A word that
 * lies ahead of all that was earned refuses until ten seconds went by in which nobody found it
 * right, and then begins empty.
 *
 * Finagle's RetryBudget (twitter.github.io/finagle) has the same three knobs; the word that moves
 * along a line of credit is GCRA's theoretical arrival time (ITU-T I.371).
 */
#ifndef SWGI_ENGINE_BUDGET_H
#define SWGI_ENGINE_BUDGET_H

#include "engine/policy_settings.h"
#include "panel/policies.h"

#define SWGI_BUDGET_MAX 1000000u /* bound of budget_max and budget_per_second */

/*
 * May a retry be made? If true it is paid for. Counts words->spent or words->refused. Always true
 * with budget_ppm UINT32_MAX (no budget).
 *
 * first_calls: the circuit's first attempts since it was made, by the columns' sums. A sum that is
 * too low only refuses; so sum `calls` before `retries`, and take the difference. now: panel time
 * that was compared with our own clock. settings: read anew for each retry; under other rates the
 * word begins empty.
 *
 * Lock-free: after 64 lost races, in each of which somebody else was granted a retry, it refuses.
 */
bool swgi_budget_take(struct swgi_budget_words *words, const struct swgi_retry_settings *settings,
                      uint64_t first_calls, int64_t now);

/* How many retries could be made now, with fractions; 0..budget_max, infinite without a budget.
 * Pure. */
double swgi_budget_left(const struct swgi_budget_words *words,
                        const struct swgi_retry_settings *settings, uint64_t first_calls,
                        int64_t now);

/*
 * Under the registry lock, when settings change: carries what is saved up over to the new rates. A
 * word that this was not done for (whoever configured was killed) begins empty under the new
 * rates, and so it does when a caller who still has the old settings comes in between. budget_max
 * alone can change without it.
 */
void swgi_budget_settle(struct swgi_budget_words *words, const struct swgi_retry_settings *former,
                        const struct swgi_retry_settings *settings, uint64_t first_calls,
                        int64_t now);

#endif
