/* What the files of the HTTP adapter share. Nothing here is part of the promise, which is switchgear/http.h. */
#ifndef SWITCHGEAR_HTTP_INTERNAL_H
#define SWITCHGEAR_HTTP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <switchgear/http.h>

#define SWGI_HTTP_NAME_MAX   127 /* of a circuit, as switchgear.h says */
#define SWGI_HTTP_TRACE_MAX  127
#define SWGI_HTTP_POOLS_MAX  64
#define SWGI_NS_PER_MS       INT64_C(1000000)
#define SWGI_NS_PER_S        INT64_C(1000000000)
#define SWGI_HTTP_TIMEOUT_NS (10 * SWGI_NS_PER_S) /* where nobody says anything */

struct swgi_http_transfer;

struct swg_http_client {
    atomic_uint references;
    struct swg_panel *panel;
    bool is_virtual; /* the panel's clock stands still until it is moved */
    const struct swg_config *config;
    struct swg_circuit *fixed; /* when the name has no braces */
    char name_template[256];
    swg_ns timeout; /* 0: the circuit's */
    swg_ns connect_timeout, retry_after_max, idle_close_after;
    pthread_mutex_t
        lock;      /* of both below; a client may serve several multi handles on several threads */
    void *running; /* tsearch(3) tree of struct swgi_http_transfer, by easy handle */
    struct swgi_http_transfer *waiting; /* those of them that are in no multi handle now */
};

/* The connections of one circuit within a session: a share of its own, because libcurl closes only whole shares. */
struct swgi_http_pool {
    struct swgi_http_pool *next;
    struct swg_circuit *circuit;
    CURLSH *share;
    uint32_t in_use;
    swg_ns look_at; /* panel time before which its circuit cannot have been open for long */
};

/* A body that is collected; most 0: it is not. */
struct swgi_http_body {
    char *bytes; /* with room for a NUL behind them; NULL: none yet */
    size_t length, room, most;
};

/* A call, from its first attempt's preparations to its end. */
struct swgi_http_transfer {
    struct swg_permit permit; /* of swg_http_start() */
    struct swg_circuit *circuit;
    struct swg_http_client *client;
    struct swg_http_session *session;
    struct swgi_http_pool *pool; /* while an attempt runs */
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers; /* the caller's, put back at the end */
    struct curl_slist trace;    /* stands in front of them, without touching them */
    char trace_line[sizeof("traceparent: ") + SWGI_HTTP_TRACE_MAX];
    bool equipped;
    int repeat;
    void (*restart)(void *arg);
    void *restart_arg;
    swg_ns timeout, connect_timeout; /* 0: see the client's */
    swg_ns deadline;                 /* the request's; SWG_NS_MAX: none */
    uint32_t attempts;               /* begun */
    struct swgi_http_body body;

    struct swgi_http_transfer *next; /* of the client's list, while it waits */
    bool queued;                     /* for its turn; else for the time of another attempt */
    swg_ns due;                      /* then, or when to ask again; 0: nobody knows */
    int wait_fd;
    struct swg_http_result last; /* of the attempt before */
};

/* Structs of callers built against another version: a longer one must end in zeros, a shorter one leaves defaults. */
int swgi_http_take(void *to, size_t to_size, const void *from);
/* Hands the result over, with its body; where there is no place for that, it is freed. */
void swgi_http_give(struct swg_http_result *to, struct swg_http_result *result);
int swgi_http_fault(struct swg_error *error, int code, const char *key, const char *text);

/* scheme://host:port of a URL, the only part of it that may be shown; false if it has none. */
bool swgi_http_origin(const char *url, char *out, size_t out_size);
/* 0, or -EINVAL and what is wrong with it. */
int swgi_http_template_check(const char *name_template, const char **wrong);
bool swgi_http_template_needs_url(const char *name_template);
/* As swg_http_circuit_name(), and which CURLcode a bad URL amounts to. */
int swgi_http_name(const char *name_template, const char *url, uint32_t operation, char *out,
                   CURLcode *code);

/* The clock that deadlines are in. */
swg_ns swgi_http_now(const struct swg_http_client *client);
/* rc, after filling in the result with it. */
int swgi_http_refuse(struct swg_http_result *result, int rc, const char *text);
/* The circuit rejected the call: what the result says then. Returns the verdict. */
int swgi_http_rejected(struct swgi_http_transfer *transfer, int verdict, swg_ns retry_in,
                       struct swg_http_result *result);
/* Checks the call, finds its circuit, and fills in the transfer; touches neither circuit nor handle. */
int swgi_http_open(struct swg_http_client *client, CURL *easy, const struct swg_http_call *call,
                   struct swg_http_call *mine, struct swgi_http_transfer *transfer,
                   struct swg_http_result *result);
/* What all attempts share. Anything but CURLE_OK: no memory. */
CURLcode swgi_http_equip(struct swgi_http_transfer *transfer, const struct swg_http_call *call);
/* One attempt that must be over by then: makes the handle ready ... */
CURLcode swgi_http_begin(struct swgi_http_transfer *transfer, swg_ns until);
/* ... and afterwards judges. why points into the result. */
void swgi_http_judge(struct swgi_http_transfer *transfer, CURLcode code,
                     struct swg_http_result *result, struct swg_failure *why);
/* The call is over: the handle is given back, and what was collected goes into the result if it is the answer's, else is freed. */
void swgi_http_close(struct swgi_http_transfer *transfer, struct swg_http_result *result);

/* What this attempt did must not be done again, or would spoil what it delivered. */
bool swgi_http_is_last(const struct swgi_http_transfer *transfer);
/* The key by which the circuit may treat, and its cache know, this call. */
uint64_t swgi_http_key(const struct swg_circuit *circuit, const struct swg_http_call *call);
/* May this answer be served to somebody else later? */
bool swgi_http_may_keep(const struct swgi_http_transfer *transfer,
                        const struct swg_http_result *result);

/* A handle's CURLOPT_WRITEFUNCTION while a body is collected. */
size_t swgi_http_collect(char *bytes, size_t size, size_t count, void *body);
/* Into the result, with a NUL behind; a former one is freed. */
void swgi_http_body_give(struct swgi_http_body *body, struct swg_http_result *result);
/* A copy of these bytes; without memory there is none. */
void swgi_http_body_set(struct swg_http_result *result, const void *bytes, size_t length);

bool swgi_http_trace_is_valid(const char *text);
bool swgi_http_is_running(struct swg_http_client *client, CURL *easy);

/* The client's list of transfers that wait; each belongs to one multi handle, and so to one thread. */
void swgi_http_wait_add(struct swgi_http_transfer *transfer);
void swgi_http_wait_remove(struct swgi_http_transfer *transfer);
/* The next one of this multi handle after that; NULL: the first. */
struct swgi_http_transfer *swgi_http_wait_next(struct swg_http_client *client, const CURLM *multi,
                                               const struct swgi_http_transfer *after);
/* It is queued: how it will be known that its turn has come. */
void swgi_http_wait_turn(struct swgi_http_transfer *transfer);
/* It failed, and may be tried again in a while. */
void swgi_http_wait_pause(struct swgi_http_transfer *transfer);

/* The pool for a circuit's next call; NULL: none to be had, the handle's own connections will do. */
struct swgi_http_pool *swgi_http_pool_take(struct swg_http_session *session,
                                           struct swg_circuit *circuit);
void swgi_http_pool_release(struct swgi_http_pool *pool);
/* The circuit just rejected a call. */
void swgi_http_pool_rejected(struct swg_http_session *session, const struct swg_circuit *circuit);

#endif
