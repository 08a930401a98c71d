/* Where the database is when nobody says. Apart from the rest, for those who only read it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/storage.h"
#include "base/error.h"

int swgi_storage_path(const struct swgi_file *file, char *out, size_t out_size,
                      struct swg_error *error) {
    const char *told = file != NULL ? file->agent.database : "", *base = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int length;
    if (told[0] != '\0')
        length = snprintf(out, out_size, "%s%s", strchr("/.", told[0]) != NULL ? "" : "./", told);
    else if (geteuid() == 0)
        length = snprintf(out, out_size, "/var/lib/switchgear/switchgear.db");
    else if (base != NULL && base[0] == '/')
        length = snprintf(out, out_size, "%s/switchgear/switchgear.db", base);
    else
        length = snprintf(out, out_size, "%s/.local/state/switchgear/switchgear.db",
                          home != NULL ? home : ".");
    return length >= 0 && (size_t)length < out_size
               ? 0
               : swgi_fail(error, -ENAMETOOLONG, "agent.database",
                           "the database's path is too long");
}
