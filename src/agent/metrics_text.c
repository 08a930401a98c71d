/* The slower parts of writing an exposition: growing, and numbers with a point. */
#include "agent/metrics_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* clang-format off */
const char swgi_two_digits[200] = {
#define TEN(d) d,'0', d,'1', d,'2', d,'3', d,'4', d,'5', d,'6', d,'7', d,'8', d,'9',
    TEN('0') TEN('1') TEN('2') TEN('3') TEN('4') TEN('5') TEN('6') TEN('7') TEN('8') TEN('9')
#undef TEN
};
/* clang-format on */

bool swgi_exposition_room(struct swgi_exposition *out, size_t bytes) {
    if (swgi_likely((size_t)(out->end - out->at) >= bytes))
        return true;
    size_t used = (size_t)(out->at - out->bytes), size = 2 * used + bytes;
    char *grown = out->failed ? NULL : realloc(out->bytes, size);
    if (grown == NULL) {
        out->failed = true;
        return false;
    }
    out->bytes = grown;
    out->at = grown + used;
    out->end = grown + size;
    return true;
}

/* Whole and billionths, without zeros at the end. */
static void write_fixed(struct swgi_exposition *out, uint64_t whole, uint32_t billionths) {
    char digits[9];
    unsigned length = 9;
    swgi_write_integer(out, whole);
    if (billionths == 0)
        return;
    for (unsigned i = 9; i-- > 0; billionths /= 10)
        digits[i] = (char)('0' + billionths % 10);
    while (digits[length - 1] == '0')
        length--;
    *out->at++ = '.';
    swgi_write_bytes(out, digits, length);
}

void swgi_write_seconds(struct swgi_exposition *out, swg_ns ns) {
    uint64_t magnitude = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns < 0)
        *out->at++ = '-';
    write_fixed(out, magnitude / 1000000000u, (uint32_t)(magnitude % 1000000000u));
}

static void write_odd(struct swgi_exposition *out, double value) {
    if (isnan(value))
        swgi_write_text(out, "NaN");
    else if (isinf(value))
        swgi_write_text(out, value > 0 ? "+Inf" : "-Inf");
    else
        out->at += snprintf(out->at, SWGI_NUMBER_ROOM, "%.9g", value);
}

/* Nine places are enough for shares and seconds; what is so small or so large that they are not is
 * printed as it is. */
void swgi_write_real(struct swgi_exposition *out, double value) {
    double magnitude = fabs(value);
    if (!(magnitude < 1e9) || (magnitude < 1e-3 && magnitude != 0)) {
        write_odd(out, value);
        return;
    }
    uint64_t whole = (uint64_t)magnitude;
    uint64_t billionths = (uint64_t)((magnitude - (double)whole) * 1e9 + 0.5);
    if (billionths >= 1000000000u) {
        whole++;
        billionths = 0;
    }
    if (value < 0)
        *out->at++ = '-';
    write_fixed(out, whole, (uint32_t)billionths);
}

void swgi_write_escaped(struct swgi_exposition *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n')
            *out->at++ = '\\';
        *out->at++ = (char)(*text == '\n' ? 'n' : *text);
    }
}
