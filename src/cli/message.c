/* Data goes to stdout and everything else here, so that `switchgear status | sort` sorts circuits and not complaints. */
#include "cli/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

static void say(const char *format, va_list arguments) {
    fflush(stdout);
    flockfile(stderr);
    fputs("switchgear: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
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
