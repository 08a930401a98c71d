/* The files of the dashboard, embedded when the program is built. */
#ifndef SWGI_AGENT_PAGES_H
#define SWGI_AGENT_PAGES_H

#include <stddef.h>

struct swgi_page {
    const char *path, *type, *etag; /* "/index.html", its media type, a word that changes with it */
    const unsigned char *bytes;
    size_t size;
};

extern const struct swgi_page swgi_pages[];
extern const unsigned swgi_pages_count;

#endif
