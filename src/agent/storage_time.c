/* Instants as text and back, by the C library where it can. */
#include "agent/storage_time.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define YEAR_9999_MS INT64_C(253402300799999)
#define MS_DIGITS    12u /* since 1973 */

const char *swgi_iso_text(int64_t wall_ms, char out[SWGI_ISO_MAX]) {
    if (wall_ms < 0)
        wall_ms = 0;
    if (wall_ms > YEAR_9999_MS)
        wall_ms = YEAR_9999_MS;
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t used = strftime(out, SWGI_ISO_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + used, SWGI_ISO_MAX - used, ".%03dZ", (int)(wall_ms % 1000));
    return out;
}

/* "T18:55", "T18:55:01", "T18:55:01.123", each with a Z or without. */
static bool parse_time(const char *text, struct tm *tm, int *ms) {
    char mark = '\0';
    int used = 0;
    *ms = 0;
    if (sscanf(text, "%c%2d:%2d%n", &mark, &tm->tm_hour, &tm->tm_min, &used) != 3 ||
        (mark != 'T' && mark != ' '))
        return false;
    text += used;
    if (sscanf(text, ":%2d%n", &tm->tm_sec, &used) == 1)
        text += used;
    if (text[0] == '.' && strspn(text + 1, "0123456789") == 3 && sscanf(text + 1, "%3d", ms) == 1)
        text += 4;
    return strcmp(text, "") == 0 || strcmp(text, "Z") == 0;
}

int swgi_iso_parse(const char *text, int64_t *wall_ms) {
    struct tm tm = { 0 }, was;
    int used = 0, ms = 0;
    if (strspn(text, "0123456789-T :.Z") != strlen(text) ||
        sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &used) != 3)
        return -EINVAL;
    if (text[used] != '\0' && !parse_time(text + used, &tm, &ms))
        return -EINVAL;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    was = tm;
    time_t seconds = timegm(&tm);
    /* timegm() makes March of the 31st of February. */
    if (seconds < 0 || tm.tm_mday != was.tm_mday || tm.tm_mon != was.tm_mon ||
        tm.tm_hour != was.tm_hour || tm.tm_min != was.tm_min || tm.tm_sec != was.tm_sec)
        return -EINVAL;
    *wall_ms = (int64_t)seconds * 1000 + ms;
    return 0;
}

/* A date without a Z is meant as the clock on the wall has it. */
static int64_t from_local(int64_t as_utc_ms) {
    time_t seconds = (time_t)(as_utc_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000 + as_utc_ms % 1000;
}

int swgi_since_parse(const char *text, int64_t now_ms, int64_t *wall_ms) {
    uint64_t number = 0;
    if (strlen(text) >= MS_DIGITS && swgi_integer_parse(text, &number) == 0) {
        if (number > INT64_MAX)
            return -EINVAL;
        *wall_ms = (int64_t)number;
        return 0;
    }
    if (swgi_duration_parse(text, &number) == 0) {
        *wall_ms = now_ms - (int64_t)(number / 1000000);
        return 0;
    }
    int rc = swgi_iso_parse(text, wall_ms);
    if (rc == 0 && text[strlen(text) - 1] != 'Z')
        *wall_ms = from_local(*wall_ms);
    return rc;
}
