/*
 * Records of several words: a sequence claims the right to write (odd), a checksum over sequence
 * and words proves the copy whole.
 *
 * Nobody waits. A writer that finds another one at work takes the record over, because that one
 * may have been killed; if it was only slow, both their words may be mixed, the checksum tells,
 * and the record is lost rather than wrong.
 */
#include <string.h>

#include "base/hash.h"
#include "panel/record.h"

#define RECORD_WORDS_MAX 64u

static uint64_t checksum(const uint64_t *copy, unsigned count, uint64_t sequence) {
    return swgi_hash(copy, count * sizeof(*copy), sequence);
}

void swgi_record_fill(swgi_word *check, swgi_word *words, const uint64_t *copy, unsigned count,
                      uint64_t sequence) {
    for (unsigned i = 0; i < count; i++)
        swgi_store_relaxed(&words[i], copy[i], SEQLOCK_DATA);
    swgi_store_relaxed(check, checksum(copy, count, sequence), SEQLOCK_DATA);
}

bool swgi_record_copy(swgi_word *check, swgi_word *words, uint64_t *copy, unsigned count,
                      uint64_t sequence) {
    for (unsigned i = 0; i < count; i++)
        copy[i] = swgi_load_relaxed(&words[i], SEQLOCK_DATA);
    return swgi_load_relaxed(check, SEQLOCK_DATA) == checksum(copy, count, sequence);
}

void swgi_record_write(swgi_word *sequence, swgi_word *check, swgi_word *words, const void *data,
                       unsigned count) {
    uint64_t copy[RECORD_WORDS_MAX];
    assert(count <= RECORD_WORDS_MAX);
    memcpy(copy, data, count * sizeof(*copy));
    uint64_t seen = swgi_load(sequence);
    uint64_t mine = (seen | 1) + (seen & 1) * 2;
    if (!swgi_cas(sequence, seen, mine))
        return; /* somebody else wrote at the same time, and is as right as we are */
    swgi_record_fill(check, words, copy, count, mine + 1);
    swgi_cas(sequence, mine, mine + 1);
}

bool swgi_record_read(swgi_word *sequence, swgi_word *check, swgi_word *words, void *data,
                      unsigned count) {
    uint64_t copy[RECORD_WORDS_MAX];
    assert(count <= RECORD_WORDS_MAX);
    uint64_t seen = swgi_load(sequence);
    if (seen == 0 || (seen & 1) != 0 || !swgi_record_copy(check, words, copy, count, seen))
        return false;
    memcpy(data, copy, count * sizeof(*copy));
    return swgi_load(sequence) == seen;
}
