/*
 * A worker: a call every 50 ms, one at a time, as a process of a web service would make them. The two kinds differ in who performs
 * the call, and in nothing else.
 */
#include "outage.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <switchgear/http.h>

struct worker {
    const struct outage *outage;
    struct counts *counts;
    int number;
    CURL *easy;
    struct swg_http_client *client; /* protected: how; unprotected: NULL */
    struct swg_http_session *session;
};

enum result { ANSWERED, FAILED, REJECTED };

swg_ns now_ns(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (swg_ns)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

void sleep_until(swg_ns at) {
    struct timespec until = { .tv_sec = at / (1000 * NS_PER_MS),
                              .tv_nsec = at % (1000 * NS_PER_MS) };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
        continue;
}

_Noreturn void give_up(const char *what, const char *why) {
    fprintf(stderr, "outage: a worker could not %s: %s\n", what, why);
    _exit(1);
}

static size_t discard(const void *bytes, size_t size, size_t count, void *unused) {
    (void)bytes, (void)unused;
    return size * count;
}

struct swg_config *configure(const char *const settings[][2], size_t count) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *config;

    if (swg_config_new(&config) != 0)
        give_up("configure", "no memory");
    for (size_t i = 0; i < count; i++)
        if (swg_config_set(config, settings[i][0], settings[i][1], &error) != 0)
            give_up(error.key, error.text);
    return config;
}

struct swg_panel *open_panel(const struct outage *outage) {
    struct swg_panel_options place = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *panel;

    place.path = outage->panel_path;
    place.circuits_max = PANEL_CIRCUITS;
    place.columns_max = PANEL_COLUMNS;
    if (swg_panel_open(&panel, &place, &error) != 0)
        give_up("open the panel", error.text);
    return panel;
}

/* Three failures in a row, or half of the last ten calls slow: open for two seconds. */
static const char *const settings[][2] = {
    { "breaker.trip.0.consecutive", "3" },
    { "breaker.trip.1.slow_rate.percent", "50" },
    { "breaker.trip.1.slow_rate.calls", "10" },
    { "breaker.slow_call_duration", "250ms" },
    { "breaker.open.for", "2s" },
};

static void protect(struct worker *worker) {
    struct swg_http_options options = SWG_HTTP_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;

    options.circuit = CIRCUIT;
    options.timeout = CALL_TIMEOUT_MS * NS_PER_MS;
    options.config = configure(settings, sizeof(settings) / sizeof(*settings));
    if (swg_http_client_new(&worker->client, open_panel(worker->outage), &options, &error) != 0 ||
        swg_http_session_begin(worker->client, &worker->session) != 0)
        give_up("begin", error.text);
}

static enum result call_protected(struct worker *worker) {
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    int rc;

    call.session = worker->session;
    rc = swg_http_perform(worker->client, worker->easy, &call, NULL);
    if (rc < 0)
        give_up("call", swg_strerror(rc));
    return rc == SWG_GO ? ANSWERED : rc == SWG_FAILED ? FAILED : REJECTED;
}

static enum result call_unprotected(struct worker *worker) {
    return curl_easy_perform(worker->easy) == CURLE_OK ? ANSWERED : FAILED;
}

CURL *new_transfer(const struct outage *outage, int side) {
    CURL *easy = curl_easy_init();
    char url[64];

    if (easy == NULL)
        give_up("start libcurl", "no memory");
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", outage->ports[side]);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    return easy;
}

static void set_up(struct worker *worker, int side) {
    worker->easy = new_transfer(worker->outage, side);
    curl_easy_setopt(worker->easy, CURLOPT_TIMEOUT_MS, (long)CALL_TIMEOUT_MS);
    if (side == PROTECTED)
        protect(worker);
}

static bool is_down(int phase) {
    return phase == HUNG || phase == DEAD;
}

static void count(struct worker *worker, enum result result, int began_in, swg_ns took) {
    struct counts *counts = worker->counts;
    int phase = worker->outage->shared->phase;
    long long none = 0;

    atomic_fetch_add(result == ANSWERED ? &counts->answered
                     : result == FAILED ? &counts->failed
                                        : &counts->rejected,
                     1);
    if (result == FAILED && (is_down(began_in) || is_down(phase)))
        atomic_fetch_add(&counts->waited_ns, (unsigned long long)took);
    if (result == ANSWERED && began_in == RECOVERED)
        atomic_compare_exchange_strong(&counts->served_at[worker->number], &none, now_ns());
}

static void call(struct worker *worker) {
    int phase = worker->outage->shared->phase;
    swg_ns start = now_ns();
    enum result result = worker->client != NULL ? call_protected(worker) : call_unprotected(worker);

    count(worker, result, phase, now_ns() - start);
}

_Noreturn void run_worker(const struct outage *outage, int side, int number) {
    struct worker worker = { .outage = outage,
                             .counts = &outage->shared->sides[side],
                             .number = number };
    swg_ns due;

    set_up(&worker, side);
    atomic_fetch_add(&outage->shared->ready, 1);
    for (due = now_ns() + number * INTERVAL_MS * NS_PER_MS / WORKERS;;
         due += INTERVAL_MS * NS_PER_MS) {
        for (; due + INTERVAL_MS * NS_PER_MS < now_ns(); due += INTERVAL_MS * NS_PER_MS)
            atomic_fetch_add(&worker.counts->skipped, 1);
        sleep_until(due);
        call(&worker);
    }
}
