/* At three in the morning "opens probes in 12 s" is understood and "open_until=48211.7" is not: this file makes the words. */
#include "report/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define MILLISECOND INT64_C(1000000)
#define SECOND      (1000 * MILLISECOND)
#define MINUTE      (60 * SECOND)
#define HOUR        (60 * MINUTE)
#define DAY         (24 * HOUR)

struct unit {
    const char *name;
    swg_ns length;
};

/* "2 h 5 min": the large unit and, if there is any of it, the small one. */
static const char *two_units(swg_ns duration, swg_ns large, const char *large_name, swg_ns small,
                             const char *small_name, char *out) {
    swg_ns rounded = duration + small / 2, larges = rounded / large,
           smalls = rounded % large / small;
    int length = snprintf(out, SWGI_TEXT_MAX, "%lld %s", (long long)larges, large_name);
    if (smalls > 0) {
        snprintf(out + length, SWGI_TEXT_MAX - (size_t)length, " %lld %s", (long long)smalls,
                 small_name);
    }
    return out;
}

const char *swgi_duration_text(swg_ns duration, char out[SWGI_TEXT_MAX]) {
    if (duration < 0)
        duration = 0;
    if (duration < SECOND) {
        snprintf(out, SWGI_TEXT_MAX, "%lld ms",
                 (long long)((duration + MILLISECOND - 1) / MILLISECOND));
        return out;
    }
    if (duration < 10 * SECOND && duration % SECOND >= SECOND / 10) {
        snprintf(out, SWGI_TEXT_MAX, "%lld.%lld s", (long long)(duration / SECOND),
                 (long long)(duration % SECOND / (SECOND / 10)));
        return out;
    }
    if (duration < 2 * MINUTE) {
        snprintf(out, SWGI_TEXT_MAX, "%lld s", (long long)(duration / SECOND));
        return out;
    }
    if (duration < HOUR) {
        return two_units(duration, MINUTE, "min", duration < 10 * MINUTE ? SECOND : MINUTE, "s",
                         out);
    }
    if (duration < 2 * DAY)
        return two_units(duration, HOUR, "h", MINUTE, "min", out);
    return two_units(duration, DAY, "days", HOUR, "h", out);
}

const char *swgi_latency_text(swg_ns duration, char out[SWGI_TEXT_MAX]) {
    static const struct unit units[] = {
        { "s", SECOND }, { "ms", MILLISECOND }, { "us", 1000 }, { "ns", 1 }
    };
    size_t i = 0;
    while (i < 3 && duration < units[i].length)
        i++;
    double value = (double)duration / (double)units[i].length;
    int digits = value < 9.95 && duration % units[i].length != 0 ? 1 : 0;
    snprintf(out, SWGI_TEXT_MAX, "%.*f %s", digits, value, units[i].name);
    return out;
}

const char *swgi_age_text(swg_ns now, swg_ns at, char out[SWGI_TEXT_MAX]) {
    if (at == 0)
        return strcpy(out, "never");
    if (now - at < SECOND)
        return strcpy(out, "just now");
    swg_ns age = now - at;
    swgi_duration_text(age < 2 * MINUTE ? age / SECOND * SECOND : age, out);
    return strcat(out, " ago");
}

const char *swgi_count_text(uint64_t count, char out[SWGI_TEXT_MAX]) {
    char digits[24];
    size_t length = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count),
           used = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *swgi_short_count_text(uint64_t count, char out[SWGI_TEXT_MAX]) {
    static const char suffixes[] = { 'k', 'M', 'G', 'T', 'P', 'E' };
    if (count < 10000)
        return swgi_count_text(count, out);
    double value = (double)count / 1000;
    size_t i = 0;
    while (value >= 999.5) {
        value /= 1000;
        i++;
    }
    snprintf(out, SWGI_TEXT_MAX, "%.*f%c", value < 99.95 ? 1 : 0, value, suffixes[i]);
    return out;
}

const char *swgi_share_text(double share, char out[SWGI_TEXT_MAX]) {
    if (!(share >= 0))
        return strcpy(out, "-");
    double percent = share * 100;
    int digits = percent > 0 && percent < 9.95 && fabs(percent - round(percent)) > 0.049 ? 1 : 0;
    if (percent > 0 && percent < 0.05)
        return strcpy(out, "<0.1 %");
    snprintf(out, SWGI_TEXT_MAX, "%.*f %%", digits, percent);
    return out;
}

const char *swgi_value_text(double value, char out[SWGI_TEXT_MAX]) {
    if (fabs(value) < 1e15 && fabs(value - round(value)) < 1e-9) {
        snprintf(out, SWGI_TEXT_MAX, "%.0f", round(value));
    } else {
        snprintf(out, SWGI_TEXT_MAX, "%.3g", value);
    }
    return out;
}

const char *swgi_bytes_text(uint64_t bytes, char out[SWGI_TEXT_MAX]) {
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)bytes;
    size_t i = 0;
    while (value >= 1024 && i < 4) {
        value /= 1024;
        i++;
    }
    snprintf(out, SWGI_TEXT_MAX, "%.*f %s", i > 0 && value < 99.95 ? 1 : 0, value, units[i]);
    return out;
}

const char *swgi_wall_text(int64_t wall_ms, char out[SWGI_TEXT_MAX]) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    if (!localtime_r(&seconds, &parts) || strftime(out, SWGI_TEXT_MAX, "%F %T", &parts) == 0)
        strcpy(out, "?");
    return out;
}

const char *swgi_clean_text(const char *text, bool utf8, char *out, size_t out_size) {
    size_t length = swgi_copy_text(out, out_size, text);

    for (size_t i = 0; !utf8 && i < length; i++) {
        if ((unsigned char)out[i] >= 0x80)
            out[i] = '?';
    }
    return out;
}
