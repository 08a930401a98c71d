/* Data goes to stdout and everything else here, so that `switchgear status | sort` sorts circuits and not complaints. */
#include "cli/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "report/text.h"

/* Longer than any path with a sentence around it. */
#define MESSAGE_MAX 8192

/* Paths, commands and names come from anywhere; what is said goes to a terminal. */
static void say(const char *format, va_list arguments) {
    char message[MESSAGE_MAX], clean[MESSAGE_MAX];

    vsnprintf(message, sizeof(message), format, arguments);
    fflush(stdout);
    fprintf(stderr, "switchgear: %s\n", swgi_clean_text(message, true, clean, sizeof(clean)));
}

void swgi_say(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

void swgi_tell(const struct swgi_options *options, const char *format, ...) {
    va_list arguments;

    if (options->quiet)
        return;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

const char *swgi_fault_text(int rc, const struct swg_error *error) {
    return error->text[0] ? error->text : swg_strerror(rc);
}

int swgi_fault_status(int rc) {
    switch (rc) {
    case -ENOENT:
        return EX_UNAVAILABLE;
    case -EACCES:
    case -EPERM:
    case -ELOOP:
    case -EROFS:
        return EX_NOPERM;
    case -EPROTO:
    case -EBADMSG:
        return EX_DATAERR;
    case -EAGAIN:
    case -ENOSPC:
    case -ENOMEM:
        return EX_TEMPFAIL;
    case -ERANGE:
        return EX_CONFIG;
    default:
        return 1;
    }
}
