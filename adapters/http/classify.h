/* What an answer, or the lack of one, says about the dependency. Numbers in, a verdict out: no handle, no clock. */
#ifndef SWITCHGEAR_HTTP_CLASSIFY_H
#define SWITCHGEAR_HTTP_CLASSIFY_H

#include <stdbool.h>

struct swgi_http_facts {
    int curl_code;   /* CURLcode */
    int status;      /* HTTP status, 0: none came */
    int os_errno;    /* CURLINFO_OS_ERRNO, 0: none */
    bool sent;       /* a request went out, so it was no wrong URL */
    bool names_wait; /* the answer carries a Retry-After that can be read */
};

struct swgi_http_class {
    int outcome;      /* SWG_SUCCESS ... SWG_IGNORED */
    const char *kind; /* static, at most 23 bytes */
    bool by_status;   /* the status decided, not the CURLcode */
};

struct swgi_http_class swgi_http_classify(const struct swgi_http_facts *facts);
/* May a server that answers so name the time until it wants to be asked again? */
bool swgi_http_status_names_wait(int status);

#endif
