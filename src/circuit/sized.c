/* Copying public structs of other ages in and out. */
#include "circuit/sized.h"

#include <errno.h>
#include <string.h>

static uint32_t size_of(const void *sized) {
    uint32_t size;
    memcpy(&size, sized, sizeof(size));
    return size;
}

int swgi_sized_in(void *known, const void *given) {
    uint32_t ours = size_of(known), theirs = size_of(given);
    const unsigned char *bytes = given;
    if (theirs < sizeof(uint32_t))
        return -EINVAL;
    for (uint32_t i = ours; i < theirs; i++)
        if (bytes[i] != 0)
            return -E2BIG;
    memcpy(known, given, theirs < ours ? theirs : ours);
    memcpy(known, &ours, sizeof(ours));
    return 0;
}

int swgi_sized_out(void *given, const void *known) {
    uint32_t ours = size_of(known), theirs = size_of(given);
    if (theirs < sizeof(uint32_t))
        return -EINVAL;
    memcpy(given, known, theirs < ours ? theirs : ours);
    if (theirs > ours)
        memset((unsigned char *)given + ours, 0, theirs - ours);
    memcpy(given, &theirs, sizeof(theirs));
    return 0;
}
