/*
 * Event rings: bounded, written by anyone at any time, never waited for.
 *
 * Event n lives in slot n modulo the ring. A slot's sequence is 2n+1 while n is written and 2n+2
 * once it is there, so it only grows, tells whose event lies there, and a writer that was lapped
 * while it slept finds that it came too late.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "panel/record.h"

#define SLOT_WORDS 62u
static_assert(sizeof(struct swgi_event_slot) == (SLOT_WORDS + 2) * sizeof(swgi_word),
              "a slot is its words");
#define WRITING(id) (2 * (id) + 1)
#define WRITTEN(id) (2 * (id) + 2)
/* An event whose writer has not finished that long after a later one was there: it was killed. */
#define WRITER_PATIENCE_MS 100u

static swgi_word *next_of(const struct swgi_map *map, unsigned ring) {
    return ring == SWGI_RING_ACTS ? &map->header->acts_next : &map->header->notices_next;
}

static struct swgi_event_slot *slot_of(const struct swgi_map *map, unsigned ring, uint64_t id) {
    return &map->rings[ring][id & (map->geometry.events - 1)];
}

/* false: a later event has the slot already. */
static bool slot_claim(struct swgi_event_slot *slot, uint64_t id) {
    uint64_t seen = swgi_load(&slot->sequence);
    while (seen < WRITING(id)) {
        if (swgi_cas(&slot->sequence, seen, WRITING(id)))
            return true;
        seen = swgi_load(&slot->sequence);
    }
    return false;
}

void swgi_event_publish(struct swgi_map *map, unsigned ring, const struct swgi_event_data *event) {
    uint64_t copy[SLOT_WORDS] = { 0 };
    memcpy(copy, event, sizeof(*event));
    uint64_t id = swgi_add(next_of(map, ring), 1);
    struct swgi_event_slot *slot = slot_of(map, ring, id);
    bool ours = slot_claim(slot, id);
    if (ours) {
        swgi_record_fill(&slot->check, slot->words, copy, SLOT_WORDS, WRITTEN(id));
        ours = swgi_cas(&slot->sequence, WRITING(id), WRITTEN(id));
    }
    if (!ours)
        swgi_add_relaxed(&map->header->events_lost, 1, COUNTER);
}

int swgi_event_read(struct swgi_map *map, unsigned ring, uint64_t id, struct swgi_event_data *out) {
    uint64_t copy[SLOT_WORDS];
    struct swgi_event_slot *slot = slot_of(map, ring, id);
    if (id >= swgi_event_next(map, ring))
        return 0;
    uint64_t seen = swgi_load(&slot->sequence);
    if (seen > WRITTEN(id))
        return -EOVERFLOW;
    if (seen != WRITTEN(id))
        return -EAGAIN;
    bool whole = swgi_record_copy(&slot->check, slot->words, copy, SLOT_WORDS, WRITTEN(id));
    if (swgi_load(&slot->sequence) != WRITTEN(id))
        return -EOVERFLOW;
    if (!whole)
        return -EAGAIN;
    memcpy(out, copy, sizeof(*out));
    return 1;
}

uint64_t swgi_event_next(struct swgi_map *map, unsigned ring) {
    return swgi_load(next_of(map, ring));
}

uint64_t swgi_event_oldest(struct swgi_map *map, unsigned ring) {
    uint64_t next = swgi_event_next(map, ring);
    return next < map->geometry.events ? 0 : next - map->geometry.events;
}

/*
 * Either way from now: the calendar may have been set back. As unsigned, because it may say
 * anything.
 */
static bool long_since(const struct swgi_map *map, const struct swgi_event_data *event) {
    uint64_t age_ms = (uint64_t)swgi_clock_wall_ms() - (uint64_t)event->wall_ms;
    return map->virtual_on || age_ms + WRITER_PATIENCE_MS > 2 * WRITER_PATIENCE_MS;
}

/*
 * An unpublished slot may be published within a microsecond, or never because its writer was
 * killed. It is waited for until a later event has been there for a while; as long as none is,
 * nothing is held up by it. Virtual time does not pass by itself. 1: *id and *out are that later
 * event; 0: wait.
 */
static int skip_killed(struct swgi_map *map, unsigned ring, uint64_t *id,
                       struct swgi_event_data *out) {
    uint64_t next = swgi_event_next(map, ring);
    for (uint64_t later = *id + 1; later < next && later <= *id + map->geometry.events; later++) {
        if (swgi_event_read(map, ring, later, out) != 1)
            continue;
        if (!long_since(map, out))
            return 0;
        *id = later;
        return 1;
    }
    return 0;
}

/* As swgi_event_read(), past what will never be there, and 0 for what must be waited for. */
static int head(struct swgi_map *map, unsigned ring, uint64_t *id, struct swgi_event_data *out) {
    int rc = swgi_event_read(map, ring, *id, out);
    if (rc == -EAGAIN)
        rc = skip_killed(map, ring, id, out);
    if (rc == -EOVERFLOW)
        *id = swgi_event_oldest(map, ring);
    return rc;
}

/*
 * A cursor: two positions of 31 bits, which is longer than any ring, and a mark, so that it is
 * neither 0 (start) nor all ones (end). The full position is the one at most 2^31 before the
 * ring's next.
 */
#define POSITION_BITS 31
#define POSITION_MASK ((UINT64_C(1) << POSITION_BITS) - 1)
#define CURSOR_MARK   (UINT64_C(1) << 63)

static uint64_t cursor_pack(const uint64_t *positions) {
    return CURSOR_MARK | (positions[0] & POSITION_MASK) |
           (positions[1] & POSITION_MASK) << POSITION_BITS;
}

static uint64_t cursor_position(struct swgi_map *map, unsigned ring, uint64_t cursor) {
    uint64_t next = swgi_event_next(map, ring);
    if (cursor == 0)
        return swgi_event_oldest(map, ring);
    if (cursor == SWG_CURSOR_END)
        return next;
    uint64_t behind = (next - (cursor >> (ring * POSITION_BITS))) & POSITION_MASK;
    return behind <= next ? next - behind
                          : UINT64_MAX; /* a position this ring never had: it is another panel's */
}

/*
 * Positions that the ring has left behind go on with the oldest kept, with room for what is
 * written meanwhile.
 */
static bool overrun(struct swgi_map *map, unsigned ring, uint64_t *position) {
    uint64_t oldest = swgi_event_oldest(map, ring);
    if (*position != UINT64_MAX && *position >= oldest)
        return false;
    *position = oldest;
    return true;
}

/* Of two events the earlier one; their rings do not order them, their times do. */
static unsigned earlier(const int *found, const struct swgi_event_data *events) {
    if (found[SWGI_RING_ACTS] != 1)
        return SWGI_RING_NOTICES;
    if (found[SWGI_RING_NOTICES] != 1)
        return SWGI_RING_ACTS;
    return events[SWGI_RING_NOTICES].at < events[SWGI_RING_ACTS].at ? SWGI_RING_NOTICES
                                                                    : SWGI_RING_ACTS;
}

/* Both rings' next events at a cursor. false: some were overwritten; positions are good again. */
static bool look(struct swgi_map *map, uint64_t cursor, uint64_t *positions, int *found,
                 struct swgi_event_data *events) {
    bool lost = false;
    for (unsigned ring = 0; ring < 2; ring++) {
        positions[ring] = cursor_position(map, ring, cursor);
        lost |= overrun(map, ring, &positions[ring]);
    }
    for (unsigned ring = 0; ring < 2 && !lost; ring++) {
        found[ring] = head(map, ring, &positions[ring], &events[ring]);
        lost |= found[ring] == -EOVERFLOW;
    }
    return !lost;
}

int swgi_event_following(struct swgi_map *map, uint64_t *cursor, uint64_t *id,
                         struct swgi_event_data *out) {
    struct swgi_event_data events[2];
    uint64_t positions[2];
    int found[2] = { 0, 0 }, rc = -EOVERFLOW;
    if (look(map, *cursor, positions, found, events)) {
        unsigned ring = earlier(found, events);
        rc = found[ring];
        if (rc == 1) {
            *out = events[ring];
            *id = positions[ring]++ << 1 | ring;
        }
    }
    *cursor = cursor_pack(positions);
    return rc;
}

uint64_t swgi_event_cursor_end(struct swgi_map *map) {
    uint64_t positions[2] = { swgi_event_next(map, 0), swgi_event_next(map, 1) };
    return cursor_pack(positions);
}

bool swgi_event_cursor_is_at(uint64_t cursor, uint64_t act) {
    return cursor != SWG_CURSOR_END && ((cursor ^ act) & POSITION_MASK) == 0;
}
