/*
 * The outbox against SQLite alone: the same rows in the same tables, in batches of the same size, each durable before the next. So
 * the raw side writes into a database that the outbox made, with the statement one would write by hand.
 *
 * On a disk, because waiting for it is most of what durable costs; and in memory, where nobody waits and all overhead shows.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "machine.h"
#include "measurements.h"
#include "report.h"
#include "statistics.h"
#include "switchgear/outbox.h"

#define BATCH_MOST 100u
#define BODY       200u
#define WARM_UP_NS 20000000
#define FILES      8u /* two databases, each with its -wal, -shm and -lock */

struct pen {
    struct swg_outbox *outbox;
    sqlite3 *database;
    sqlite3_stmt *begin, *insert, *commit;
    uint64_t number;
    unsigned batch;
};

/* Where everything lies, for bench_outbox_remove() to find at any time. */
static char folder[64], files[FILES][96];

void bench_outbox_remove(void) {
    if (folder[0] == '\0')
        return;
    for (unsigned i = 0; i < FILES; i++)
        unlink(files[i]);
    rmdir(folder);
    folder[0] = '\0';
}

static bool make_folder(const char *const *parents, bool in_memory) {
    static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
    char name[sizeof folder];
    struct statfs system;
    for (; *parents != NULL; parents++) {
        if (statfs(*parents, &system) != 0 || (system.f_type == TMPFS_MAGIC) != in_memory)
            continue;
        snprintf(name, sizeof name, "%s/switchgear-bench-XXXXXX", *parents);
        if (mkdtemp(name) == NULL)
            continue;
        for (unsigned i = 0; i < FILES; i++)
            snprintf(files[i], sizeof files[i], "%s/%s%s", name, i < 4 ? "ours" : "raw",
                     suffixes[i % 4]);
        memcpy(folder, name, sizeof folder);
        return true;
    }
    return false;
}

static struct swg_outbox *open_outbox(const char *path) {
    struct swg_outbox_options options = SWG_OUTBOX_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_outbox *outbox = NULL;
    options.path = path;
    options.rows_max = 1000000000;
    options.bytes_max = UINT64_C(1) << 40;
    if (swg_outbox_open(&outbox, &options, &error) != 0)
        bench_report_failure("outbox: %s: %s", error.key, error.text);
    return outbox;
}

static bool open_raw(struct pen *pen, const char *path) {
    static const char insert[] =
        "INSERT INTO outbox(queue, key, put_ms, bytes) VALUES(1, ?1, ?2, ?3)";
    swg_outbox_close(open_outbox(path));
    return sqlite3_open(path, &pen->database) == SQLITE_OK &&
           sqlite3_exec(pen->database, "PRAGMA synchronous=FULL", NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(pen->database, "BEGIN IMMEDIATE", -1, &pen->begin, NULL) ==
               SQLITE_OK &&
           sqlite3_prepare_v2(pen->database, insert, -1, &pen->insert, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(pen->database, "COMMIT", -1, &pen->commit, NULL) == SQLITE_OK;
}

static void close_pen(struct pen *pen) {
    swg_outbox_close(pen->outbox);
    sqlite3_finalize(pen->begin);
    sqlite3_finalize(pen->insert);
    sqlite3_finalize(pen->commit);
    sqlite3_close(pen->database);
}

/* Keys as programs have them: in no order. */
static void next_key(struct pen *pen, char key[40]) {
    uint64_t number = pen->number++ * UINT64_C(0x9E3779B97F4A7C15);
    snprintf(key, 40, "%016llx-%llu", (unsigned long long)number, (unsigned long long)pen->number);
}

static bool put_ours(struct pen *pen) {
    static const char body[BODY];
    struct swg_outbox_entry entries[BATCH_MOST];
    char keys[BATCH_MOST][40];
    size_t stored = 0;
    for (unsigned i = 0; i < pen->batch; i++) {
        next_key(pen, keys[i]);
        entries[i] = (struct swg_outbox_entry)SWG_OUTBOX_ENTRY_INIT;
        entries[i].key = keys[i];
        entries[i].bytes = body;
        entries[i].length = sizeof body;
    }
    return swg_outbox_put_many(pen->outbox, entries, pen->batch, &stored, NULL) == 0 &&
           stored == pen->batch;
}

static bool step(sqlite3_stmt *statement) {
    bool is_done = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_reset(statement);
    return is_done;
}

static bool put_raw(struct pen *pen) {
    static const char body[BODY];
    bool is_well = step(pen->begin);
    for (unsigned i = 0; i < pen->batch && is_well; i++) {
        char key[40];
        next_key(pen, key);
        sqlite3_bind_text(pen->insert, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_int64(pen->insert, 2, swg_now());
        sqlite3_bind_blob(pen->insert, 3, body, sizeof body, SQLITE_STATIC);
        is_well = step(pen->insert);
    }
    return step(pen->commit) && is_well;
}

/* Nanoseconds an entry. */
static double run_side(bool (*put)(struct pen *), struct pen *pen, swg_ns duration,
                       unsigned *unexpected) {
    uint64_t entries = 0;
    swg_ns start = bench_clock_read(), now;
    do {
        *unexpected += !put(pen);
        entries += pen->batch;
        now = bench_clock_read();
    } while (now - start < duration);
    return (double)(now - start) / (double)entries;
}

static void contest(struct bench *bench, const char *name, struct pen *ours, struct pen *raw,
                    double target) {
    double times[2][BENCH_REPETITIONS_MAX];
    unsigned unexpected = 0;
    run_side(put_ours, ours, WARM_UP_NS, &unexpected);
    run_side(put_raw, raw, WARM_UP_NS, &unexpected);
    for (unsigned r = 0; r < bench->repetitions; r++)
        for (unsigned i = 0; i < 2; i++) {
            unsigned turn = (r + i) % 2;
            times[turn][r] = run_side(turn == 0 ? put_ours : put_raw, turn == 0 ? ours : raw,
                                      bench->duration_ns, &unexpected);
        }
    struct bench_result result = {
        .name = name, .unit = "ns", .against = "raw SQLite", .target = target
    };
    bench_report_pairs(&result, times[0], times[1], bench->repetitions);
    if (unexpected != 0)
        bench_report_failure("%s: %u batches were not stored", name, unexpected);
}

static void compare(struct bench *bench, unsigned batch, const char *name, double target) {
    struct pen ours = { .batch = batch }, raw = { .batch = batch };
    ours.outbox = open_outbox(files[0]);
    if (ours.outbox != NULL && open_raw(&raw, files[4]))
        contest(bench, name, &ours, &raw, target);
    else
        bench_report_failure("%s: no database", name);
    close_pen(&ours);
    close_pen(&raw);
    for (unsigned i = 0; i < FILES; i++)
        unlink(files[i]);
}

static void compare_in(struct bench *bench, const char *const *parents, bool in_memory,
                       const char *names[2], double target) {
    if (!bench_wants(bench, names[0]) && !bench_wants(bench, names[1]))
        return;
    if (!make_folder(parents, in_memory)) {
        bench_report_note("%s: there is no such file system", names[0]);
        return;
    }
    for (unsigned i = 0; i < 2; i++)
        if (bench_wants(bench, names[i]))
            compare(bench, i == 0 ? BATCH_MOST : 1, names[i], target);
    bench_outbox_remove();
}

void bench_measure_outbox(struct bench *bench) {
    static const char *const disks[] = { "/var/tmp", "/tmp", ".", NULL };
    static const char *const memories[] = { "/dev/shm", "/tmp", NULL };
    bench_report_group("outbox: batches of 100 entries of 200 bytes, and one by one, durable");
    compare_in(bench, disks, false, (const char *[]){ "outbox_batches", "outbox_one_by_one" },
               1 / 0.8);
    compare_in(bench, memories, true,
               (const char *[]){ "outbox_memory_batches", "outbox_memory_one_by_one" }, 0);
}
