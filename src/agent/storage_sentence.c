/* An automatic transition in words, for the audit's column `reason`. */
#include "agent/storage_sentence.h"

#include "report/describe.h"

const char *swgi_storage_sentence(const struct swg_event *event, char *out, size_t out_size) {
    const struct swgi_screen plain = { .utf8 = false, .width = 80 };
    return swgi_event_text(&plain, event, out, out_size);
}
