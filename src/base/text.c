/*
 * Our own number parsing, because strtod and friends obey the locale and accept white space, signs, hex, "inf" and "nan", none of
 * which belong in a configuration; and the one place where text from outside is made fit to be shown.
 */
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/divisor.h"

#define PLACES_MAX 9u
/* Any integer of so many digits, and any power of ten up to it, is exact in a double: their quotient is correctly rounded. */
#define EXACT_DIGITS 15u

static const uint64_t power_of_ten[] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
};

static const struct unit {
    char name[4];
    uint64_t ns;
} units[] = {
    { "d", UINT64_C(86400000000000) },
    { "h", UINT64_C(3600000000000) },
    { "m", UINT64_C(60000000000) },
    { "s", UINT64_C(1000000000) },
    { "ms", UINT64_C(1000000) },
    { "us", UINT64_C(1000) },
    { "ns", UINT64_C(1) },
};
#define UNITS (sizeof(units) / sizeof(units[0]))

/* A number as it is written: whole and fraction, the latter `places` digits long. */
struct written {
    uint64_t whole, fraction;
    unsigned places;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Reads digits into *value; returns how many, or -ERANGE. */
static int read_digits(const char *text, uint64_t *value) {
    int count = 0;

    *value = 0;
    for (; is_digit(text[count]); count++) {
        if (count == INT_MAX || __builtin_mul_overflow(*value, UINT64_C(10), value) ||
            __builtin_add_overflow(*value, (uint64_t)(text[count] - '0'), value))
            return -ERANGE;
    }
    return count;
}

/* Zeros at the end of a fraction say nothing, and would count against what fits. */
static void drop_trailing_zeros(struct written *number) {
    while (number->places > 0 && number->fraction % 10 == 0) {
        number->fraction /= 10;
        number->places--;
    }
}

/* Reads "12" or "12.5" at the front of text; *end is what follows. */
static int read_written(const char *text, struct written *out, const char **end) {
    int count = read_digits(text, &out->whole);

    out->fraction = 0;
    out->places = 0;
    if (count <= 0)
        return count < 0 ? count : -EINVAL;
    *end = text + count;
    if (**end != '.')
        return 0;
    count = read_digits(*end + 1, &out->fraction);
    if (count <= 0)
        return count < 0 ? count : -EINVAL;
    *end += 1 + count;
    out->places = (unsigned)count;
    drop_trailing_zeros(out);
    return 0;
}

/* fraction / 10^places of a unit, in whole nanoseconds, without leaving 64 bits on the way. */
static int fraction_of_unit(const struct written *number, uint64_t unit, uint64_t *out) {
    uint64_t scale, common;

    if (number->places > PLACES_MAX)
        return -ERANGE;
    scale = power_of_ten[number->places];
    common = swgi_greatest_common_divisor(unit, scale);
    if (number->fraction % (scale / common) != 0)
        return -ERANGE;
    *out = number->fraction / (scale / common) * (unit / common);
    return 0;
}

static int duration_in_unit(const struct written *number, uint64_t unit, uint64_t *out_ns) {
    uint64_t whole, part;
    int rc = fraction_of_unit(number, unit, &part);

    if (rc < 0)
        return rc;
    if (__builtin_mul_overflow(number->whole, unit, &whole) || whole > INT64_MAX - part)
        return -ERANGE;
    *out_ns = whole + part;
    return 0;
}

int swgi_duration_parse(const char *text, uint64_t *out_ns) {
    struct written number;
    const char *unit;
    int rc = read_written(text, &number, &unit);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < UNITS; i++) {
        if (strcmp(unit, units[i].name) == 0)
            return duration_in_unit(&number, units[i].ns, out_ns);
    }
    if (*unit != '\0' || number.whole != 0 || number.fraction != 0)
        return -EINVAL;
    *out_ns = 0;
    return 0;
}

/* Appends to a text of which `used` bytes stand; SIZE_MAX when it does not fit, and from then on. */
static size_t append(char *out, size_t size, size_t used, const char *text) {
    size_t length = strlen(text);

    if (used == SIZE_MAX || size <= used || size - used <= length)
        return SIZE_MAX;
    memcpy(out + used, text, length + 1);
    return used + length;
}

static size_t append_integer(char *out, size_t size, size_t used, uint64_t value,
                             unsigned digits_min) {
    char digits[24];
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    for (unsigned count = 0; value != 0 || count < digits_min; count++) {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    }
    return append(out, size, used, digits + at);
}

static size_t append_written(char *out, size_t size, struct written number) {
    size_t used = append_integer(out, size, 0, number.whole, 1);

    drop_trailing_zeros(&number);
    if (number.places == 0)
        return used;
    used = append(out, size, used, ".");
    return append_integer(out, size, used, number.fraction, number.places);
}

/* ns as a decimal of a unit, by long division; false when nine places do not hold it. */
static bool written_in_unit(uint64_t ns, uint64_t unit, struct written *out) {
    uint64_t rest;

    assert(unit > 0);
    rest = ns % unit;
    *out = (struct written){ .whole = ns / unit };
    for (; rest != 0 && out->places < PLACES_MAX; out->places++) {
        out->fraction = out->fraction * 10 + rest * 10 / unit;
        rest = rest * 10 % unit;
    }
    return rest == 0;
}

static size_t print_in_unit(uint64_t ns, const struct unit *unit, char *out, size_t size) {
    struct written number;

    if (unit->ns > ns || !written_in_unit(ns, unit->ns, &number))
        return SIZE_MAX;
    return append(out, size, append_written(out, size, number), unit->name);
}

int swgi_duration_print(uint64_t ns, char *out, size_t size) {
    char best[SWGI_NUMBER_TEXT] = "0", tried[SWGI_NUMBER_TEXT];
    size_t best_length = ns == 0 ? 1 : SIZE_MAX;

    for (size_t i = 0; i < UNITS; i++) {
        size_t length = print_in_unit(ns, &units[i], tried, sizeof(tried));

        if (length >= best_length)
            continue;
        memcpy(best, tried, length + 1);
        best_length = length;
    }
    return append(out, size, 0, best) == SIZE_MAX ? -ERANGE : 0;
}

int swgi_integer_parse(const char *text, uint64_t *out) {
    uint64_t value;
    int count = read_digits(text, &value);

    if (count < 0)
        return count;
    if (count == 0 || text[count] != '\0')
        return -EINVAL;
    *out = value;
    return 0;
}

int swgi_integer_print(uint64_t value, char *out, size_t size) {
    return append_integer(out, size, 0, value, 1) == SIZE_MAX ? -ERANGE : 0;
}

/* whole and fraction as one integer of 10^-places; -ERANGE past 64 bits or for places that it has not. */
static int written_scaled(const struct written *number, unsigned places, uint64_t *out) {
    uint64_t whole, fraction;

    if (number->places > places ||
        __builtin_mul_overflow(number->whole, power_of_ten[places], &whole))
        return -ERANGE;
    fraction = number->fraction * power_of_ten[places - number->places];
    return __builtin_add_overflow(whole, fraction, out) ? -ERANGE : 0;
}

static int parse_written(const char *text, struct written *out) {
    const char *end;
    int rc = read_written(text, out, &end);

    return rc < 0 ? rc : *end == '\0' ? 0 : -EINVAL;
}

int swgi_decimal_parse(const char *text, double *out) {
    struct written number;
    uint64_t digits;
    int rc = parse_written(text, &number);

    if (rc < 0)
        return rc;
    if (number.places > EXACT_DIGITS)
        return -ERANGE;
    rc = written_scaled(&number, number.places, &digits);
    if (rc < 0 || digits >= power_of_ten[EXACT_DIGITS])
        return -ERANGE;
    *out = (double)digits / (double)power_of_ten[number.places];
    return 0;
}

/* The value in 10^-places, rounded; 0 places beyond what fifteen digits hold. */
static bool decimal_in_places(double value, unsigned places, struct written *out) {
    double scale = (double)power_of_ten[places];
    double scaled = value * scale + 0.5;
    uint64_t digits;

    if (!(scaled < (double)power_of_ten[EXACT_DIGITS]))
        return false;
    digits = (uint64_t)scaled;
    out->whole = digits / power_of_ten[places];
    out->fraction = digits % power_of_ten[places];
    out->places = places;
    return true;
}

static bool reads_back(const struct written *number, double value) {
    uint64_t digits = number->whole * power_of_ten[number->places] + number->fraction;

    return !((double)digits / (double)power_of_ten[number->places] < value) &&
           !((double)digits / (double)power_of_ten[number->places] > value);
}

int swgi_decimal_print(double value, char *out, size_t size) {
    struct written number = { 0 }, tried;

    if (!(value >= 0 && value < (double)power_of_ten[EXACT_DIGITS]))
        return -EINVAL;
    for (unsigned places = 0; places <= EXACT_DIGITS; places++) {
        if (!decimal_in_places(value, places, &tried))
            break;
        number = tried;
        if (reads_back(&number, value))
            break;
    }
    return append_written(out, size, number) == SIZE_MAX ? -ERANGE : 0;
}

int swgi_fixed_parse(const char *text, unsigned places, uint64_t *out) {
    struct written number;
    int rc = parse_written(text, &number);

    if (rc < 0)
        return rc;
    return places > PLACES_MAX ? -ERANGE : written_scaled(&number, places, out);
}

int swgi_fixed_print(uint64_t value, unsigned places, char *out, size_t size) {
    struct written number;

    if (places > PLACES_MAX)
        return -ERANGE;
    number.whole = value / power_of_ten[places];
    number.fraction = value % power_of_ten[places];
    number.places = places;
    return append_written(out, size, number) == SIZE_MAX ? -ERANGE : 0;
}

int swgi_percent_parse(const char *text, uint32_t *out_ppm) {
    struct written number;
    const char *end;
    uint64_t ppm;
    int rc = read_written(text, &number, &end);

    if (rc < 0)
        return rc;
    if (strcmp(end, "") != 0 && strcmp(end, "%") != 0)
        return -EINVAL;
    rc = written_scaled(&number, 4, &ppm);
    if (rc < 0 || ppm > 1000000)
        return -ERANGE;
    *out_ppm = (uint32_t)ppm;
    return 0;
}

int swgi_percent_print(uint32_t ppm, char *out, size_t size) {
    return swgi_fixed_print(ppm, 4, out, size);
}
