/* Filling in a struct swg_error that may be NULL, older than this library, or about hostile text. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Copies what the caller's struct has room for, and ends the text that the cut may have left open. */
static void hand_over(struct swg_error *error, const struct swg_error *told) {
    size_t room = error->size < sizeof(*told) ? error->size : sizeof(*told);

    if (room <= offsetof(struct swg_error, code))
        return;
    memcpy(error, told, room);
    if (room > offsetof(struct swg_error, key))
        ((char *)error)[room - 1] = '\0';
}

int swgi_fail(struct swg_error *error, int code, const char *key, const char *format, ...) {
    struct swg_error told = SWG_ERROR_INIT;
    char sentence[2 * sizeof(told.text)];
    va_list arguments;

    if (error == NULL)
        return code;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    told.size = error->size;
    told.code = code;
    swgi_copy_text(told.key, sizeof(told.key), key != NULL ? key : "");
    swgi_copy_text(told.text, sizeof(told.text), sentence);
    hand_over(error, &told);
    return code;
}
