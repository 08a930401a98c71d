/*
 * How a fault is told: one call that fills the caller's struct swg_error and hands back the code, so that a check
 * reads `return swgi_fail(error, -EINVAL, key, "...")`.
 */
#ifndef SWGI_BASE_ERROR_H
#define SWGI_BASE_ERROR_H

#include "base/shared.h"
#include "switchgear/switchgear.h"

/*
 * Fills error (NULL: nobody wants to know) with code, key (NULL: none) and the formatted sentence, line and column 0; returns
 * code. Writes no more than error->size bytes: an older caller's struct is shorter. Key and sentence are made printable,
 * because they quote what others wrote, and may overlap nothing of *error.
 */
SWGI_SHARED int swgi_fail(struct swg_error *error, int code, const char *key, const char *format,
                          ...) __attribute__((format(printf, 4, 5)));

#endif
