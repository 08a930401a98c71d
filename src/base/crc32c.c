/*
 * Bit by bit: it sees under a kilobyte, once an attach, and a table would be longer than what it
 * saves. The file format needs a checksum that any tool can compute, which is why it is not the
 * hash the rest uses.
 */
#include "base/crc32c.h"

#define POLYNOMIAL UINT32_C(0x82f63b78) /* 0x1edc6f41, bits reversed */

uint32_t swgi_crc32c(const void *bytes, size_t size) {
    const unsigned char *byte = bytes;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= byte[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
    }
    return ~crc;
}
