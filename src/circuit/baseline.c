/*
 * The cheapest pair there can be: what a call into this shared library costs when nothing is
 * decided.
 *
 * `make bench` tells the price of a breaker as a multiple of these two, measured in the same
 * process, so that the figure is the breaker's own and neither the loop's nor the dynamic linker's.
 * They have the very signatures of swg_acquire_at() and swg_record_at(), touch nothing, and are in
 * no header: no program should call them.
 */
#include "switchgear/switchgear.h"

SWG_API int swg_bench_acquire(struct swg_circuit *circuit, const struct swg_request *request,
                              swg_ns now, struct swg_permit *out);
SWG_API int swg_bench_record(struct swg_permit *permit, int outcome, const struct swg_failure *why,
                             swg_ns now, swg_ns duration);

int swg_bench_acquire(struct swg_circuit *circuit, const struct swg_request *request, swg_ns now,
                      struct swg_permit *out) {
    (void)circuit;
    (void)request;
    (void)now;
    (void)out;
    return 0;
}

int swg_bench_record(struct swg_permit *permit, int outcome, const struct swg_failure *why,
                     swg_ns now, swg_ns duration) {
    (void)permit;
    (void)outcome;
    (void)why;
    (void)now;
    (void)duration;
    return 0;
}
