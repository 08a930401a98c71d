/*
 * Shared by the fuzzers: reading decisions out of an input, and writing the seeds a run begins with.
 *
 * What is found wrong ends the process at once, so that libFuzzer keeps the input; assertions are on in every build.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                          \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* An input read from front to back; past its end come zeros. */
struct input {
    const uint8_t *at, *end;
};

static inline size_t left(const struct input *input) {
    return (size_t)(input->end - input->at);
}

static inline uint64_t take(struct input *input, unsigned count) {
    uint64_t value = 0;
    for (unsigned i = 0; i < count && input->at < input->end; i++)
        value |= (uint64_t)*input->at++ << 8 * i;
    return value;
}

/* Text up to the byte or the end, in memory of its own, so that a sanitizer sees reads past it. */
static inline char *take_text(struct input *input, uint8_t until) {
    const uint8_t *end = left(input) > 0 ? memchr(input->at, until, left(input)) : NULL;
    size_t length = end != NULL ? (size_t)(end - input->at) : left(input);
    char *text = malloc(length + 1);
    REQUIRE(text != NULL);
    if (length > 0)
        memcpy(text, input->at, length);
    text[length] = '\0';
    input->at += length + (end != NULL);
    return text;
}

/* A fixed array that must hold a text. */
#define REQUIRE_TEXT(array) REQUIRE(memchr((array), '\0', sizeof(array)) != NULL)

/* ---- seeds: `fuzz-NAME --seeds=FOLDER` writes them and ends */

static inline void write_seed(const char *folder, unsigned number, const void *bytes, size_t size) {
    char name[4096];
    snprintf(name, sizeof(name), "%s/seed-%03u", folder, number);
    FILE *file = fopen(name, "we");
    REQUIRE(file != NULL);
    REQUIRE(fwrite(bytes, 1, size, file) == size);
    REQUIRE(fclose(file) == 0);
}

/* The folder that was asked for, or NULL: this is a run. */
static inline const char *seeds_folder(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--seeds=", 8) == 0)
            return argv[i] + 8;
    return NULL;
}

#endif
