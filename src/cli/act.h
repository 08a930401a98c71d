/* Acts by hand, for those who ask for them in their own way: the command line, top. */
#ifndef SWGI_CLI_ACT_H
#define SWGI_CLI_ACT_H

#include <stdbool.h>

#include "panel/limits.h" /* SWGI_REASON_MAX, SWGI_USER_MAX */
#include "switchgear/switchgear.h"

/* name: trip, reset, probe, isolate, disable, shadow, normal. As the function of the library that does it. */
int swgi_act_perform(const char *name, struct swg_circuit *circuit, const struct swg_act *act,
                     struct swg_error *error);
/* Can it end by itself (for_ns)? */
bool swgi_act_is_bounded(const char *name);
/* Who sits there, even behind sudo; NULL leaves it to the library to name the account. */
const char *swgi_login_name(char *out, size_t size);

#endif
