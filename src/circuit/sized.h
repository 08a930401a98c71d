/* Public structs begin with their size, so that programs and libraries of different ages understand each other. */
#ifndef SWGI_CIRCUIT_SIZED_H
#define SWGI_CIRCUIT_SIZED_H

#include <stdint.h>

/*
 * Over *known, which holds what unset means, copy a caller's struct. A shorter one leaves the rest as it is; a longer one must
 * end in zeros: -E2BIG; one without a size is -EINVAL. known begins with its own size, which stays.
 */
int swgi_sized_in(void *known, const void *given);
/* Fill a caller's struct of whatever size; what this library does not know of is zeroed. -EINVAL without a size. */
int swgi_sized_out(void *given, const void *known);

#endif
