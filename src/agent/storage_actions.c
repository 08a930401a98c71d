/* What a row of the audit can tell of, in words. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/storage.h"

static const char *const names[] = {
#define SWGI_AUDIT_ACTION(name, what) #name,
#include "tables/actions.h"
#undef SWGI_AUDIT_ACTION
};

const char *swgi_action_name(enum swgi_audit_action action) {
    return names[action];
}

enum swgi_audit_action swgi_action_parse(const char *text) {
    unsigned action = 0;
    while (action < SWGI_ACTIONS && strcasecmp(names[action], text) != 0)
        action++;
    return (enum swgi_audit_action)action;
}

const char *swgi_action_words(char out[SWGI_ACTION_WORDS_MAX]) {
    out[0] = '\0';
    for (unsigned i = 0; i < SWGI_ACTIONS; i++)
        snprintf(out + strlen(out), SWGI_ACTION_WORDS_MAX - strlen(out), "%s%s",
                 i == 0                  ? ""
                 : i + 1 == SWGI_ACTIONS ? " or "
                                         : ", ",
                 names[i]);
    return out;
}
