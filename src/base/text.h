/*
 * Text to numbers and back, and text that may be hostile.
 *
 * All parsers take the whole string or nothing, know no locale and no white space, and leave *out alone on error. They answer 0,
 * -EINVAL for what is none of theirs, and -ERANGE for what does not fit. All printers write a NUL-terminated text that the parser
 * of the same name reads back to the same value, and answer 0 or -ERANGE when it does not fit in size bytes.
 */
#ifndef SWGI_BASE_TEXT_H
#define SWGI_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared.h"

/* Room that is enough for any printer below. */
#define SWGI_NUMBER_TEXT 40

/* "250ms", "1.5s", "0": a decimal of at most nine places, and one of ns us ms s m h d. At most INT64_MAX ns, whole ns only. */
SWGI_SHARED int swgi_duration_parse(const char *text, uint64_t *out_ns);
/* The shortest exact form in one unit: "30s", "1.5s", "90s", "1m"; "0". */
int swgi_duration_print(uint64_t ns, char *out, size_t size);

/* Decimal digits only; no sign. */
SWGI_SHARED int swgi_integer_parse(const char *text, uint64_t *out);
int swgi_integer_print(uint64_t value, char *out, size_t size);

/* "0.85", "100": digits, with a point between digits at most once, fifteen of them that matter. Correctly rounded. */
int swgi_decimal_parse(const char *text, double *out);
/* The shortest of at most fifteen digits that reads back to the same double, else the nearest; 0 <= value < 1e15 or -EINVAL. */
int swgi_decimal_print(double value, char *out, size_t size);

/* A decimal of at most `places` (0..9) places times 10^places: ("12.5", 3) is 12500. */
int swgi_fixed_parse(const char *text, unsigned places, uint64_t *out);
int swgi_fixed_print(uint64_t value, unsigned places, char *out, size_t size);

/* "50", "12.5", "12.5%": 0..100, at most four places, in parts per million of 1. Printed without the sign. */
int swgi_percent_parse(const char *text, uint32_t *out_ppm);
int swgi_percent_print(uint32_t ppm, char *out, size_t size);

#define SWGI_TEXT_NAME_MAX 127u
/* [A-Za-z0-9._:@/-]{1,127}; NULL is no name. */
SWGI_SHARED bool swgi_name_valid(const char *name);

/*
 * Copies text (NULL: empty) into out[size], always ending it with NUL, and returns the length written. What could disturb a
 * terminal or a log line becomes '?': control characters, bytes that are not UTF-8, line separators and marks that turn the
 * writing direction. A character is copied whole or not at all. out and text must not overlap.
 */
SWGI_SHARED size_t swgi_copy_text(char *out, size_t size, const char *text);
/* The same for bytes without a NUL at their end. */
SWGI_SHARED size_t swgi_copy_bytes(char *out, size_t size, const char *bytes, size_t length);

/* Is there nothing to read in it: only blanks and control characters, or NULL? */
SWGI_SHARED bool swgi_text_is_blank(const char *text);

/* Insertions, deletions, replacements and swaps of neighbours between two texts of at most 127 bytes; longer: UINT_MAX. */
unsigned swgi_edit_distance(const char *a, const char *b);
/*
 * For "did you mean": keep the nearest of many candidates. Start with SWGI_NEAREST(wanted), offer each, and read name: NULL
 * when none was near enough to be what was meant.
 */
struct swgi_nearest {
    const char *wanted, *name;
    unsigned distance;
};
#define SWGI_NEAREST(text) \
    { .wanted = (text), .name = NULL, .distance = 0 }
void swgi_nearest_offer(struct swgi_nearest *nearest, const char *candidate);

#endif
