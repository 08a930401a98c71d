/* Lists of words that a file owns, and words of a choice. */
#include "config/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ---- lists of words */

/* Room for one more; what there is keeps either way. */
static int grow(struct swgi_file_words *words) {
    char **at = realloc(words->at, (words->count + 1) * sizeof(*at));

    if (at == NULL)
        return -ENOMEM;
    words->at = at;
    struct swgi_place *places = realloc(words->places, (words->count + 1) * sizeof(*places));
    if (places == NULL)
        return -ENOMEM;
    words->places = places;
    return 0;
}

int swgi_words_add(struct swgi_file_words *words, const char *text, struct swgi_place place) {
    char *copy = grow(words) == 0 ? strdup(text) : NULL;

    if (copy == NULL)
        return -ENOMEM;
    words->at[words->count] = copy;
    words->places[words->count++] = place;
    return 0;
}

void swgi_words_free(struct swgi_file_words *words) {
    for (unsigned i = 0; i < words->count; i++)
        free(words->at[i]);
    free(words->at);
    free(words->places);
    *words = (struct swgi_file_words){ 0 };
}

int swgi_words_copy(struct swgi_file_words *to, const struct swgi_file_words *from) {
    int rc = 0;

    *to = (struct swgi_file_words){ 0 };
    for (unsigned i = 0; i < from->count && rc == 0; i++)
        rc = swgi_words_add(to, from->at[i], from->places[i]);
    return rc;
}

/* ---- words of a choice */

int swgi_word_find(const char *words, const char *text) {
    size_t length = strlen(text);

    for (int at = 0;; at++) {
        size_t word = strcspn(words, "|");

        if (word == length && memcmp(words, text, length) == 0)
            return at;
        if (words[word] == '\0')
            return -1;
        words += word + 1;
    }
}

void swgi_word_at(const char *words, int at, char *out, size_t size) {
    for (; at > 0 && *words != '\0'; at--)
        words += strcspn(words, "|") + (words[strcspn(words, "|")] == '|');
    snprintf(out, size, "%.*s", (int)strcspn(words, "|"), words);
}

void swgi_word_like(const char *words, const char *text, char *out, size_t size) {
    struct swgi_nearest nearest = SWGI_NEAREST(text);
    char list[32][32];

    for (int at = 0; at < 32; at++) {
        swgi_word_at(words, at, list[at], sizeof(list[at]));
        if (list[at][0] == '\0')
            break;
        swgi_nearest_offer(&nearest, list[at]);
    }
    snprintf(out, size, "%s", nearest.name != NULL ? nearest.name : "");
}

void swgi_hint(const char *like, char out[SWGI_HINT_MAX]) {
    snprintf(out, SWGI_HINT_MAX, "%s%s%s", like[0] != '\0' ? ", did you mean " : "", like,
             like[0] != '\0' ? "?" : "");
}
