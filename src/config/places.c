/* Where a configuration file is looked for. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/file.h"

#define OF_THE_HOST "/etc/switchgear/switchgear.yaml"

void swgi_file_default_path(char *out, size_t out_size) {
    const char *named = getenv("SWITCHGEAR_CONFIG");
    const char *own = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (named != NULL && named[0] != '\0')
        snprintf(out, out_size, "%s", named);
    else if (geteuid() == 0 || access(OF_THE_HOST, F_OK) == 0)
        snprintf(out, out_size, "%s", OF_THE_HOST);
    else if (own != NULL && own[0] == '/')
        snprintf(out, out_size, "%s/switchgear/switchgear.yaml", own);
    else
        snprintf(out, out_size, "%s/.config/switchgear/switchgear.yaml", home != NULL ? home : "");
}
