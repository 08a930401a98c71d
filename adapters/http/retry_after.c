/*
 * libcurl reads this header too (CURLINFO_RETRY_AFTER), but takes "20300101" for a date, "2 hours" for two seconds and no heed
 * of the answer's Date; a wait that keeps a circuit open deserves a closer look. Dates are libcurl's to parse, in all three
 * forms RFC 9110 5.6.7 demands.
 */
#include "retry_after.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include <curl/curl.h>

#define NS_PER_S INT64_C(1000000000)

static const char *skip_blanks(const char *text) {
    return text + strspn(text, " \t");
}

/* All digits, however many; as much as `most` will do. */
static swg_ns parse_delta(const char *text, swg_ns most) {
    size_t digits = strspn(text, "0123456789");
    swg_ns seconds = 0;

    if (*skip_blanks(text + digits) != '\0')
        return -1;
    for (size_t i = 0; i < digits && seconds <= most / NS_PER_S; i++)
        seconds = seconds * 10 + (text[i] - '0');
    return seconds > most / NS_PER_S ? most : seconds * NS_PER_S;
}

/* An HTTP-date begins with the day's name; libcurl alone would read "10" or "tomorrow 10:00" as a date, too. */
static bool parse_date(const char *text, time_t *out) {
    static const char days[] = "Mon Tue Wed Thu Fri Sat Sun";
    char day[4] = "";

    memcpy(day, text, strnlen(text, 3));
    if (strlen(day) < 3 || strchr(day, ' ') != NULL || strstr(days, day) == NULL)
        return false;
    *out = curl_getdate(text, NULL);
    return *out != (time_t)-1;
}

swg_ns swgi_http_retry_after(const char *value, const char *date, time_t wall, swg_ns most) {
    time_t until, from;

    value = skip_blanks(value);
    if (isdigit((unsigned char)*value))
        return parse_delta(value, most);
    if (!parse_date(value, &until))
        return -1;
    if (date == NULL || !parse_date(skip_blanks(date), &from))
        from = wall;
    if (until <= from)
        return 0;
    return until - from > most / NS_PER_S ? most : (swg_ns)(until - from) * NS_PER_S;
}
