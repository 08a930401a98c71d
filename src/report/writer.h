/*
 * JSON written as it is told, without an object in between: for what is said of a thousand circuits at once. The text is what
 * jansson makes of the same values with JSON_REAL_PRECISION(15).
 */
#ifndef SWGI_REPORT_WRITER_H
#define SWGI_REPORT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "switchgear/switchgear.h"

/* Bytes that grow; a failure to is remembered and told by swgi_bytes_end(). */
struct swgi_bytes {
    char *at;
    size_t used, room;
    bool failed;
};
void swgi_bytes_add(struct swgi_bytes *bytes, const char *text, size_t size);
/* All of it, the caller's now, or NULL. */
char *swgi_bytes_end(struct swgi_bytes *bytes, size_t *size);

/* Begins as zeros: one line of UTF-8. */
struct swgi_writer {
    struct swgi_bytes bytes;
    bool in_lines; /* a line for each member, indented by two */
    bool is_ascii; /* other characters escaped */
    bool has_members;
    unsigned depth;
};

/* As the program prints for programs: ASCII, and a line for each member unless it is to be one line. */
static inline struct swgi_writer swgi_writer_ascii(bool compact) {
    return (struct swgi_writer){ .in_lines = !compact, .is_ascii = true };
}

/*
 * Each says one value; `key` is what it is called in the object that is open (plain ASCII, nothing to escape), NULL in an array
 * and for the first of all.
 */
void swgi_put_object(struct swgi_writer *to, const char *key);
void swgi_put_object_end(struct swgi_writer *to);
void swgi_put_array(struct swgi_writer *to, const char *key);
void swgi_put_array_end(struct swgi_writer *to);
void swgi_put_null(struct swgi_writer *to, const char *key);
void swgi_put_boolean(struct swgi_writer *to, const char *key, bool value);
void swgi_put_integer(struct swgi_writer *to, const char *key, int64_t value);
void swgi_put_number(struct swgi_writer *to, const char *key, uint64_t value);
/* JSON knows no infinity; a damaged panel might: null. */
void swgi_put_real(struct swgi_writer *to, const char *key, double value);
/* A share or a time that is not known is negative: null. */
void swgi_put_known(struct swgi_writer *to, const char *key, double value);
/* A duration in seconds; null if negative or unbounded. */
void swgi_put_seconds(struct swgi_writer *to, const char *key, swg_ns duration);
/* At most 511 bytes; what is no UTF-8 or could disturb a terminal becomes '?'. NULL: null. */
void swgi_put_text(struct swgi_writer *to, const char *key, const char *text);
/* The same; empty: null, too. */
void swgi_put_filled(struct swgi_writer *to, const char *key, const char *text);

/* All of it and the end of the line; what was written is freed. Out of memory ends the program. */
void swgi_writer_print(struct swgi_writer *writer, FILE *out);

#endif
