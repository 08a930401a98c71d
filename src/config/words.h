/* Lists of words that a file owns, and words of a choice, "first|second". */
#ifndef SWGI_CONFIG_WORDS_H
#define SWGI_CONFIG_WORDS_H

#include "config/file.h"

/* Appends a copy; -ENOMEM. */
int swgi_words_add(struct swgi_file_words *words, const char *text, struct swgi_place place);
void swgi_words_free(struct swgi_file_words *words);
int swgi_words_copy(struct swgi_file_words *to, const struct swgi_file_words *from);

/* The position of a word in "first|second"; -1: none of them. */
int swgi_word_find(const char *words, const char *text);
/* The word at that position, copied; "" behind the last. */
void swgi_word_at(const char *words, int at, char *out, size_t size);
/* A word nearest to text in "first|second", copied: "" when none is near. */
void swgi_word_like(const char *words, const char *text, char *out, size_t size);
/* ", did you mean X?" or "". */
#define SWGI_HINT_MAX 160u
void swgi_hint(const char *like, char out[SWGI_HINT_MAX]);

#endif
