/* CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of a panel's header. */
#ifndef SWGI_BASE_CRC32C_H
#define SWGI_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t swgi_crc32c(const void *bytes, size_t size);

#endif
