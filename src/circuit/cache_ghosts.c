/* Ghosts of evicted keys: a second request for one tells it from what a scan leaves behind. */
#include "circuit/cache_ghosts.h"

#include <stddef.h>

void swgi_ghosts_init(struct swgi_cache_ghosts *ghosts, void *memory, uint32_t places) {
    uint32_t *words = memory;
    *ghosts = (struct swgi_cache_ghosts){
        .mask = places - 1,
        .heads = words,
        .tags = words + places,
        .nexts = words + 2 * (size_t)places,
    };
}

/* The high bits, which do not choose the bucket; 0 is nobody's. */
static uint32_t tag_of(uint64_t hash) {
    uint32_t tag = (uint32_t)(hash >> 32);
    return tag != 0 ? tag : 1;
}

/* The link that points to the place: that of a chain's head, or of another place. */
static void unlink_place(struct swgi_cache_ghosts *ghosts, uint32_t place) {
    uint32_t *link = &ghosts->heads[ghosts->tags[place] & ghosts->mask];
    while (*link != place + 1)
        link = &ghosts->nexts[*link - 1];
    *link = ghosts->nexts[place];
    ghosts->tags[place] = 0;
}

void swgi_ghosts_add(struct swgi_cache_ghosts *ghosts, uint64_t hash) {
    uint32_t place = ghosts->newest++ & ghosts->mask;
    if (ghosts->tags[place] != 0)
        unlink_place(ghosts, place);
    uint32_t tag = tag_of(hash), *head = &ghosts->heads[tag & ghosts->mask];
    ghosts->tags[place] = tag;
    ghosts->nexts[place] = *head;
    *head = place + 1;
}

bool swgi_ghosts_take(struct swgi_cache_ghosts *ghosts, uint64_t hash) {
    uint32_t tag = tag_of(hash), link = ghosts->heads[tag & ghosts->mask];
    while (link != 0 && ghosts->tags[link - 1] != tag)
        link = ghosts->nexts[link - 1];
    if (link == 0)
        return false;
    unlink_place(ghosts, link - 1);
    return true;
}
