/* What a file answers when a circuit is made by use (circuit/declared.h). */
#ifndef SWGI_CONFIG_ANSWER_H
#define SWGI_CONFIG_ANSWER_H

#include "circuit/declared.h"

int swgi_file_answer(const struct swgi_declared *declared, const char *name,
                     struct swgi_declaration *out, struct swg_error *error);
bool swgi_file_under(const struct swgi_declared *declared, const char *pattern, const char *name);

#endif
