/*
 * What happened when: slots of a second for the last minute, of ten seconds for the last ten
 * minutes, of a minute for the last hour. A circuit's past takes three kilobytes, whatever it does.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/measure_inside.h"

#define TEN_NS    (10 * SWGI_NS)
#define MINUTE_NS (60 * SWGI_NS)

static unsigned slot(int64_t number, unsigned count) {
    return (unsigned)((uint64_t)number % count);
}

struct swgi_history *swgi_history_new(swg_ns now) {
    struct swgi_history *history = calloc(1, sizeof(*history));
    if (history == NULL)
        return NULL;
    history->second = now / SWGI_NS;
    history->ten = now / TEN_NS;
    history->minute = now / MINUTE_NS;
    return history;
}

/* How many slots to empty between the one written last and now; *first is the first of them. */
static int64_t to_empty(int64_t last, int64_t number, unsigned count, int64_t *first) {
    int64_t passed = number - last;
    if (passed > (int64_t)count)
        passed = count;
    *first = number - passed + 1;
    return passed;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *values, unsigned count) {
    qsort(values, count, sizeof(*values), by_size);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Median, and median of the distances from it, of the minutes that are over. */
static void learn(struct swgi_history *history) {
    double rates[SWGI_MINUTES];
    unsigned count = 0;
    for (unsigned i = 0; i < SWGI_MINUTES; i++)
        if (i != slot(history->minute, SWGI_MINUTES) && history->minutes[i].judged != 0)
            rates[count++] = history->minutes[i].failures / (double)history->minutes[i].judged;
    history->baseline = count;
    if (count == 0)
        return;
    history->median = median_of(rates, count);
    for (unsigned i = 0; i < count; i++)
        rates[i] = fabs(rates[i] - history->median);
    history->deviation = median_of(rates, count);
}

/* Had it been empty already? */
static bool empty(struct swgi_second *second) {
    bool was_empty =
        second->calls == 0 && second->judged == 0 && second->slow == 0 && second->rejected == 0;
    *second = (struct swgi_second){ 0 };
    return was_empty;
}

bool swgi_history_advance(struct swgi_history *history, swg_ns now) {
    bool moved = false;
    int64_t number;
    int64_t n = to_empty(history->second, now / SWGI_NS, SWGI_SECONDS, &number);
    for (; n > 0; n--, number++)
        moved |= !empty(&history->seconds[slot(number, SWGI_SECONDS)]);
    history->second = now / SWGI_NS;
    n = to_empty(history->ten, now / TEN_NS, SWGI_TENS, &number);
    for (; n > 0; n--, number++) {
        history->tens[slot(number, SWGI_TENS)] = (struct swgi_share){ 0 };
        history->transitions[slot(number, SWGI_TENS)] = 0;
    }
    history->ten = now / TEN_NS;
    bool turned = now / MINUTE_NS != history->minute;
    n = to_empty(history->minute, now / MINUTE_NS, SWGI_MINUTES, &number);
    for (; n > 0; n--, number++)
        history->minutes[slot(number, SWGI_MINUTES)] = (struct swgi_share){ 0 };
    history->minute = now / MINUTE_NS;
    if (turned)
        learn(history);
    return moved || turned;
}

void swgi_history_add(struct swgi_history *history, const struct swgi_second *delta) {
    struct swgi_second *second = &history->seconds[slot(history->second, SWGI_SECONDS)];
    struct swgi_share *ten = &history->tens[slot(history->ten, SWGI_TENS)];
    struct swgi_share *minute = &history->minutes[slot(history->minute, SWGI_MINUTES)];
    second->calls += delta->calls;
    second->judged += delta->judged;
    second->failures += delta->failures;
    second->timeouts += delta->timeouts;
    second->slow += delta->slow;
    second->rejected += delta->rejected;
    second->timed += delta->timed;
    second->timed_s += delta->timed_s;
    ten->judged += delta->judged;
    ten->failures += delta->failures;
    minute->judged += delta->judged;
    minute->failures += delta->failures;
}

/* An event may come late, and after a restart very late. */
void swgi_history_transition(struct swgi_history *history, swg_ns at) {
    int64_t ten = at / TEN_NS;
    if (ten > history->ten)
        ten = history->ten;
    if (history->ten - ten < (int64_t)SWGI_TENS &&
        history->transitions[slot(ten, SWGI_TENS)] < UINT16_MAX)
        history->transitions[slot(ten, SWGI_TENS)]++;
}

void swgi_history_sum(const struct swgi_history *history, unsigned count, struct swgi_second *out) {
    *out = (struct swgi_second){ 0 };
    for (unsigned i = 0; i < count; i++) {
        const struct swgi_second *second =
            &history->seconds[slot(history->second + SWGI_SECONDS - i, SWGI_SECONDS)];
        out->calls += second->calls;
        out->judged += second->judged;
        out->failures += second->failures;
        out->timeouts += second->timeouts;
        out->slow += second->slow;
        out->rejected += second->rejected;
        out->timed += second->timed;
        out->timed_s += second->timed_s;
    }
}

uint32_t swgi_history_transitions(const struct swgi_history *history) {
    uint32_t sum = 0;
    for (unsigned i = 0; i < SWGI_TENS; i++)
        sum += history->transitions[i];
    return sum;
}

/* x is in minutes back from now, so that the slope is per minute; weights are calls. */
double swgi_history_trend(const struct swgi_history *history) {
    double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
    unsigned points = 0;
    for (unsigned i = 0; i < SWGI_TENS; i++) {
        const struct swgi_share *ten =
            &history->tens[slot(history->ten + SWGI_TENS - i, SWGI_TENS)];
        double x = -(double)i / 6, calls = ten->judged, failures = ten->failures;
        points += ten->judged != 0;
        w += calls;
        wx += calls * x;
        wxx += calls * x * x;
        wy += failures; /* calls * (failures / calls) */
        wxy += failures * x;
    }
    double spread = w * wxx - wx * wx;
    return points < 2 || w < SWGI_JUDGED_LEAST || spread <= 0 ? 0 : (w * wxy - wx * wy) / spread;
}

/*
 * (x - median) / (1.4826 * MAD), as Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993),
 * who take 3.5 and more for one. A circuit that hardly ever fails has a deviation of 0; the least that is
 * believed is the standard error of a share of so many calls, so that one failure of few calls is
 * no anomaly; of very few, nothing is.
 */
double swgi_history_anomaly(const struct swgi_history *history, double rate, uint64_t calls) {
    if (history->baseline < SWGI_BASELINE_LEAST || calls < SWGI_JUDGED_LEAST)
        return 0;
    double share = (history->median * (double)calls + 1) / ((double)calls + 2);
    double error = sqrt(share * (1 - share) / (double)calls);
    double scale = 1.4826 * history->deviation;
    return (rate - history->median) / (scale > error ? scale : error);
}

struct swgi_share swgi_history_hour(const struct swgi_history *history) {
    struct swgi_share sum = { 0 };
    for (unsigned i = 0; i < SWGI_MINUTES; i++) {
        sum.judged += history->minutes[i].judged;
        sum.failures += history->minutes[i].failures;
    }
    return sum;
}
