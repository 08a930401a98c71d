/* Finding a file's circuits: by name, by pattern, by alias. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"

/* Numbers of circuits: the plain ones by name, then the patterns, the longest first. */
struct swgi_file_index {
    unsigned plain, patterns;
    uint32_t at[];
};

struct sorting {
    const struct swgi_file_circuit *circuit;
    uint32_t number;
};

static int by_kind_and_name(const void *a, const void *b) {
    const struct swgi_file_circuit *one = ((const struct sorting *)a)->circuit;
    const struct swgi_file_circuit *other = ((const struct sorting *)b)->circuit;
    size_t length = strlen(one->name), other_length = strlen(other->name);

    if (one->is_pattern != other->is_pattern)
        return one->is_pattern ? 1 : -1;
    if (one->is_pattern && length != other_length)
        return length > other_length ? -1 : 1;
    int order = strcmp(one->name, other->name);
    return order != 0 ? order : (one < other ? -1 : 1);
}

int swgi_file_index_make(struct swgi_file *file) {
    unsigned count = file->circuits_count;
    struct sorting *sorting = calloc(count + 1u, sizeof(*sorting));
    struct swgi_file_index *index = calloc(1, sizeof(*index) + (count + 1u) * sizeof(index->at[0]));

    if (sorting == NULL || index == NULL) {
        free(sorting);
        free(index);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++)
        sorting[i] = (struct sorting){ &file->circuits[i], i };
    qsort(sorting, count, sizeof(*sorting), by_kind_and_name);
    for (unsigned i = 0; i < count; i++) {
        index->at[i] = sorting[i].number;
        *(sorting[i].circuit->is_pattern ? &index->patterns : &index->plain) += 1;
    }
    free(sorting);
    file->index = index;
    return 0;
}

void swgi_file_index_free(struct swgi_file *file) {
    free(file->index);
    file->index = NULL;
}

bool swgi_file_glob(const char *glob, const char *name) {
    const char *star = NULL, *again = NULL;

    while (*name != '\0') {
        if (*glob == '*') {
            star = glob++;
            again = name;
        } else if (*glob == '?' || *glob == *name) {
            glob++;
            name++;
        } else if (star != NULL) {
            glob = star + 1;
            name = ++again;
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return *glob == '\0';
}

static const struct swgi_file_circuit *plain(const struct swgi_file *file, const char *name) {
    unsigned low = 0, high = file->index->plain;

    while (low < high) {
        unsigned middle = (low + high) / 2;
        const struct swgi_file_circuit *circuit = &file->circuits[file->index->at[middle]];
        int order = strcmp(circuit->name, name);

        if (order == 0)
            return circuit;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct swgi_file_circuit *swgi_file_circuit(const struct swgi_file *file, const char *name) {
    const struct swgi_file_circuit *circuit = plain(file, name);

    for (unsigned i = 0; i < file->index->patterns && circuit == NULL; i++) {
        const struct swgi_file_circuit *pattern =
            &file->circuits[file->index->at[file->index->plain + i]];

        if (swgi_file_glob(pattern->name, name))
            circuit = pattern;
    }
    return circuit;
}

const struct swgi_file_circuit *swgi_file_alias(const struct swgi_file *file, const char *alias) {
    for (unsigned i = 0; i < file->circuits_count; i++)
        if (strcmp(file->circuits[i].alias, alias) == 0 && alias[0] != '\0')
            return &file->circuits[i];
    return plain(file, alias);
}
