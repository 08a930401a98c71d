/* The outbox is measured where it is built. Stands in for outbox.c. */
#include "measurements.h"
#include "report.h"

void bench_measure_outbox(struct bench *bench) {
    if (bench_wants(bench, "outbox"))
        bench_report_note("outbox: this build has none (SQLite)");
}

void bench_outbox_remove(void) {
}
