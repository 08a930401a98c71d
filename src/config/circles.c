/*
 * Circles of depends_on: round in one nobody would be told of anything, each silences the next.
 *
 * A search in depth that keeps its path by itself, because a path may be as long as the file. An entry that leads back onto the
 * path closes a circle, and there is no circle without such an entry; where several circles share it, the first one found is told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"

#define NAMED 3u /* of a long circle; and the last */

enum colour { UNSEEN, ON_PATH, DONE };

struct node {
    uint32_t next;    /* of its depends_on */
    uint32_t told_by; /* whose entry closed a circle here, + 1: two entries may mean one circuit */
    uint32_t place;   /* on the path */
    uint8_t colour;
};

struct search {
    struct swgi_reader *reader;
    const struct swgi_file *file;
    struct node *nodes;
    uint32_t *path, length;
};

static size_t add_name(const struct search *search, uint32_t place, const char *before, char *out,
                       size_t size) {
    const struct swgi_file_circuit *circuit = &search->file->circuits[search->path[place]];
    int added = snprintf(out, size, "%s%.32s", before, circuit->name);

    return added > 0 && (size_t)added < size ? (size_t)added : 0;
}

static void tell(const struct search *search, uint32_t first) {
    const struct swgi_file_circuit *circuit = &search->file->circuits[search->path[first]];
    uint32_t count = search->length - first;
    /* Where it leads on: by the latest entry that was taken. */
    struct swgi_place place =
        circuit->depends_on.places[search->nodes[search->path[first]].next - 1];
    char names[6 * 40] = "", key[SWGI_FILE_WORD_MAX + 32];
    size_t used = 0;

    snprintf(key, sizeof(key), "%s.depends_on.%u", circuit->name, (unsigned)place.number);
    for (uint32_t i = 0; i < count && i < NAMED; i++)
        used += add_name(search, first + i, i > 0 ? ", " : "", names + used, sizeof(names) - used);
    if (count > NAMED)
        used += add_name(search, search->length - 1, count > NAMED + 1 ? ", ..., " : ", ",
                         names + used, sizeof(names) - used);
    add_name(search, first, ", ", names + used, sizeof(names) - used);
    swgi_complain_at(search->reader, place, key, "depends_on goes round in a circle of %u: %s",
                     count, names);
}

/* NULL: nobody, or itself. */
static struct node *node_of(const struct search *search, const struct swgi_file_circuit *circuit,
                            uint32_t entry) {
    const struct swgi_file_circuit *on =
        swgi_file_circuit(search->file, circuit->depends_on.at[entry]);

    return on != NULL && on != circuit ? &search->nodes[on - search->file->circuits] : NULL;
}

/* What is told of it, at once: the path up to it stays as long as it is on it. */
static void enter(struct search *search, uint32_t number) {
    const struct swgi_file_circuit *circuit = &search->file->circuits[number];

    search->nodes[number].colour = ON_PATH;
    search->nodes[number].place = search->length;
    search->path[search->length++] = number;
    for (uint32_t i = 0; i < circuit->depends_on.count; i++) {
        struct node *there = node_of(search, circuit, i);

        if (there == NULL || there->colour != ON_PATH || there->told_by == number + 1)
            continue;
        there->told_by = number + 1;
        tell(search, there->place);
    }
}

/* One entry of the last on the path; when it has none left, the path is shorter. */
static void step(struct search *search) {
    uint32_t number = search->path[search->length - 1];
    const struct swgi_file_circuit *circuit = &search->file->circuits[number];
    struct node *node = &search->nodes[number];

    if (node->next == circuit->depends_on.count) {
        node->colour = DONE;
        search->length--;
        return;
    }
    struct node *there = node_of(search, circuit, node->next++);
    if (there != NULL && there->colour == UNSEEN)
        enter(search, (uint32_t)(there - search->nodes));
}

void swgi_circles_check(struct swgi_reader *reader, const struct swgi_file *file) {
    struct search search = { .reader = reader,
                             .file = file,
                             .nodes = calloc(file->circuits_count + 1u, sizeof(struct node)),
                             .path = calloc(file->circuits_count + 1u, sizeof(uint32_t)) };

    if (search.nodes == NULL || search.path == NULL)
        reader->no_memory = true;
    for (uint32_t i = 0; i < file->circuits_count && !reader->no_memory; i++) {
        if (search.nodes[i].colour == UNSEEN)
            enter(&search, i);
        while (search.length > 0)
            step(&search);
    }
    free(search.nodes);
    free(search.path);
}
