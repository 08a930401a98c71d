/* What the files of the HTTP adapter share. Nothing here is part of the promise, which is switchgear/http.h. */
#ifndef SWITCHGEAR_HTTP_INTERNAL_H
#define SWITCHGEAR_HTTP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <switchgear/http.h>

#define SWGI_HTTP_NAME_MAX  127 /* of a circuit, as switchgear.h says */
#define SWGI_HTTP_TRACE_MAX 127
#define SWGI_HTTP_POOLS_MAX 64
#define SWGI_NS_PER_MS      INT64_C(1000000)
#define SWGI_NS_PER_S       INT64_C(1000000000)

struct swg_http_client {
    atomic_uint references;
    struct swg_panel *panel;
    const struct swg_config *config;
    struct swg_circuit *fixed; /* when the name has no braces */
    char name_template[256];
    swg_ns timeout, connect_timeout, retry_after_max, idle_close_after;
    pthread_mutex_t
        lock;      /* of running; a client may serve several multi handles on several threads */
    void *running; /* tsearch(3) tree of struct swgi_http_transfer, by easy handle */
};

/* The connections of one circuit within a session: a share of its own, because libcurl closes only whole shares. */
struct swgi_http_pool {
    struct swgi_http_pool *next;
    struct swg_circuit *circuit;
    CURLSH *share;
    uint32_t in_use;
    swg_ns look_at; /* panel time before which its circuit cannot have been open for long */
};

/* A call that was let through, until it is recorded. */
struct swgi_http_transfer {
    struct swg_permit permit;
    struct swg_circuit *circuit;
    struct swg_http_client *client;
    struct swgi_http_pool *pool;
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers; /* the caller's, put back at the end */
    struct curl_slist trace;    /* stands in front of them, without touching them */
    char trace_line[sizeof("traceparent: ") + SWGI_HTTP_TRACE_MAX];
};

/* Structs of callers built against another version: a longer one must end in zeros, a shorter one leaves defaults. */
int swgi_http_take(void *to, size_t to_size, const void *from);
void swgi_http_give(struct swg_http_result *to, const struct swg_http_result *result);
int swgi_http_fault(struct swg_error *error, int code, const char *key, const char *text);

/* scheme://host:port of a URL, the only part of it that may be shown; false if it has none. */
bool swgi_http_origin(const char *url, char *out, size_t out_size);
/* 0, or -EINVAL and what is wrong with it. */
int swgi_http_template_check(const char *name_template, const char **wrong);
bool swgi_http_template_needs_url(const char *name_template);
/* As swg_http_circuit_name(), and which CURLcode a bad URL amounts to. */
int swgi_http_name(const char *name_template, const char *url, uint32_t operation, char *out,
                   CURLcode *code);

/* Ask, and make the handle ready. Anything but SWG_GO has filled in the result and left the handle alone. */
int swgi_http_begin(struct swg_http_client *client, CURL *easy, const struct swg_http_call *call,
                    struct swgi_http_transfer *transfer, struct swg_http_result *result);
/* Judge, record, and give the handle back. */
int swgi_http_finish(struct swgi_http_transfer *transfer, CURLcode code,
                     struct swg_http_result *result);
/* Give the handle back without a word about the call. */
void swgi_http_drop(struct swgi_http_transfer *transfer);

bool swgi_http_trace_is_valid(const char *text);
bool swgi_http_is_running(struct swg_http_client *client, CURL *easy);

/* The pool for a circuit's next call; NULL: none to be had, the handle's own connections will do. */
struct swgi_http_pool *swgi_http_pool_take(struct swg_http_session *session,
                                           struct swg_circuit *circuit);
void swgi_http_pool_release(struct swgi_http_pool *pool);
/* The circuit just rejected a call. */
void swgi_http_pool_rejected(struct swg_http_session *session, const struct swg_circuit *circuit);

#endif
