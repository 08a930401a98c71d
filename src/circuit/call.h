/* A call in one piece, between the files that make it. */
#ifndef SWGI_CIRCUIT_CALL_H
#define SWGI_CIRCUIT_CALL_H

#include "circuit/extras.h"

#define SWGI_TRACEPARENT_MAX 56u /* what later versions add beyond is not looked at */

struct swg_attempt {
    struct swg_circuit *circuit;
    uint32_t number;
    swg_ns deadline;
    bool has_failure;
    struct swg_failure failure;
    char kind[24], text[SWGI_SAMPLE_MAX + 1];
    char traceparent[SWGI_TRACEPARENT_MAX + 1]; /* of failure */
    struct swg_buffer kept;
};

struct swgi_call {
    struct swg_circuit *circuit; /* that was asked for */
    struct swg_request request;  /* of this library's size */
    swg_fn *fn;
    void *arg;
    struct swg_attempt attempt;
    struct swg_result result;
    const struct swgi_policies *policies; /* of the circuit's binding; NULL: none */
    int64_t time_shift;
    struct swgi_cache *cache; /* NULL: none, or the request has no key */
    struct swgi_cache_ask ask;
    bool leads; /* others may wait for our answer */
};

/* A verdict on a call that did not come as far as to be told one: counted, and returned. */
int swgi_call_reject(struct swg_circuit *circuit, int verdict);
/* As swg_wait(), where time may stand still, too: then nobody can wait, and what it would have waited
 * for is the verdict. */
int swgi_call_wait(struct swg_circuit *circuit, struct swg_permit *permit);
/* Asks, calls, records and tries again, for one circuit: the answer for result.rc. */
int swgi_call_run(struct swgi_call *call, struct swg_circuit *circuit);
/* true: a fresh answer was served. */
bool swgi_call_cached(struct swgi_call *call);
/* The call ended by itself: who waits for the same answer is told. */
void swgi_call_tell(struct swgi_call *call);
/* Something may stand in for an answer that could not be had. */
void swgi_call_fallback(struct swgi_call *call);

#endif
