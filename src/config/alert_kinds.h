/* What alerts can watch, and the shipped rules: tables/alerts.h as lists. */
#ifndef SWGI_CONFIG_ALERT_KINDS_H
#define SWGI_CONFIG_ALERT_KINDS_H

#include <stdint.h>

#include "config/file.h"

/* What `above` counts in. Kept as a share 0..1, a number, or seconds. */
enum swgi_alert_unit {
    SWGI_ALERT_IN_NOTHING,
    SWGI_ALERT_IN_PERCENT,
    SWGI_ALERT_IN_COUNT,
    SWGI_ALERT_IN_DURATION,
    SWGI_ALERT_IN_NUMBER
};

struct swgi_alert_kind_facts {
    const char *word, *above, *for_ns, *what;
    int unit, severity;
};
struct swgi_shipped_alert {
    const char *name, *above, *for_ns, *section;
    int when, severity;
};

extern const struct swgi_alert_kind_facts swgi_alert_kinds[]; /* by enum swgi_alert_kind */
extern const struct swgi_shipped_alert swgi_shipped_alerts[];
extern const unsigned swgi_alert_kinds_count, swgi_shipped_alerts_count;
extern const char *const swgi_alert_words; /* "open|failure_rate|..." */

/* Where the shipped rules' runbook lies on this host: sections are behind a '#'. */
#define SWGI_RUNBOOK SWGI_DOCS "/runbook.md"

/* 0, or -EINVAL, -ERANGE. */
int swgi_alert_above_parse(int unit, const char *text, double *out);
/* What may stand there, in words. */
const char *swgi_alert_above_words(int unit);

#endif
