/*
 * The dashboard, as it stands in dashboard/: files that the agent serves to browsers. The table is made when the program is built
 * (packaging/embed.py), so that a page never depends on where something was installed.
 */
#ifndef SWGI_AGENT_PAGES_H
#define SWGI_AGENT_PAGES_H

#include <stddef.h>

struct swgi_page {
    const char *path; /* of the URL: "/" or "/assets/..." */
    const char *type; /* for Content-Type */
    const char *etag; /* SHA-256 of the bytes, in hex, without quotes */
    const unsigned char *bytes;
    size_t size;
};

/* By path. */
extern const struct swgi_page swgi_pages[];
extern const unsigned swgi_pages_count;

#endif
