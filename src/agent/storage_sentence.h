/* Apart, because screens and panels both have cells and columns. */
#ifndef SWGI_AGENT_STORAGE_SENTENCE_H
#define SWGI_AGENT_STORAGE_SENTENCE_H

#include "switchgear/switchgear.h"

/* "CLOSED -> OPEN, failures in a row (5 of 5)": into out, which is returned. */
const char *swgi_storage_sentence(const struct swg_event *event, char *out, size_t out_size);

#endif
