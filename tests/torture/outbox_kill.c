/*
 * Writers and a runner of one outbox are killed at anything, and started again.
 *
 * Each writer numbers what it puts and notes a number once its put was acknowledged. The receiver does what a real one must: it
 * knows a key again. So everything acknowledged must come to it, once, in the order of its writer, and after all that had been
 * acknowledged to anybody before it was put. What comes twice must be the very last that came, and say that it was tried before.
 */
#include "attach_lib.h"

#include <poll.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "switchgear/outbox.h"

#define WRITERS   3u
#define BATCH     8u
#define ROWS_MAX  400u
#define BODY_MOST 6000u /* above a page, so that some entries have pages of their own */

/* Survives whoever is killed. */
static struct ledger {
    _Atomic uint64_t acknowledged[WRITERS], received[WRITERS];
    _Atomic uint64_t last; /* what was received last: writer << 32 | number */
    _Atomic uint64_t received_again, answers_lost, failures, refusals;
    _Atomic int stop;
} * ledger;

struct body {
    uint64_t writer, number;
    uint64_t acknowledged[WRITERS]; /* before it was put */
    char rest[BODY_MOST];
};

static char database[112];

static struct swg_outbox *open_box(void) {
    struct swg_outbox_options options = SWG_OUTBOX_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_outbox *outbox = NULL;
    options.path = database;
    options.rows_max = ROWS_MAX;
    options.attempts_max = 1000000;
    options.remember_max = 20000;
    options.busy_max = INT64_C(60000000000);
    if (swg_outbox_open(&outbox, &options, &error) != 0)
        give_up("%s: %s", error.key, error.text);
    return outbox;
}

/* ---- writers */

static void fill_entry(struct swg_outbox_entry *entry, struct body *body, char key[32],
                       unsigned writer, uint64_t number) {
    body->writer = writer;
    body->number = number;
    for (unsigned i = 0; i < WRITERS; i++)
        body->acknowledged[i] = atomic_load(&ledger->acknowledged[i]);
    snprintf(key, 32, "%u-%llu", writer, (unsigned long long)number);
    *entry = (struct swg_outbox_entry)SWG_OUTBOX_ENTRY_INIT;
    entry->key = key;
    entry->bytes = body;
    entry->length = offsetof(struct body, rest) + (swgi_random_below(&chance, 8) == 0
                                                       ? swgi_random_below(&chance, BODY_MOST)
                                                       : swgi_random_below(&chance, 100));
}

static int put_all(struct swg_outbox *outbox, const struct swg_outbox_entry *entries,
                   unsigned count, size_t *stored, struct swg_error *error) {
    if (count > 1)
        return swg_outbox_put_many(outbox, entries, count, stored, error);
    int rc = swg_outbox_put(outbox, entries->key, entries->bytes, entries->length, error);
    *stored = rc == 0;
    return rc;
}

/* Now and then a writer has not heard the answer, and puts again what may be waiting or delivered already. */
static void put_some(struct swg_outbox *outbox, unsigned writer) {
    static struct body bodies[BATCH];
    struct swg_outbox_entry entries[BATCH];
    struct swg_error error = SWG_ERROR_INIT;
    char keys[BATCH][32];
    uint64_t acknowledged = atomic_load(&ledger->acknowledged[writer]), from = acknowledged + 1;
    unsigned count = 1 + (unsigned)swgi_random_below(&chance, BATCH);
    size_t stored = 0;
    if (swgi_random_below(&chance, 10) == 0)
        from -= swgi_random_below(&chance, from < ROWS_MAX ? from : ROWS_MAX);
    for (unsigned i = 0; i < count; i++)
        fill_entry(&entries[i], &bodies[i], keys[i], writer, from + i);
    uint64_t last = from + count - 1;
    int rc = put_all(outbox, entries, count, &stored, &error);
    if (rc == -ENOSPC && strcmp(error.key, "rows_max") == 0) {
        atomic_fetch_add(&ledger->refusals, 1);
        poll(NULL, 0, 1);
        return;
    }
    if (rc < 0)
        give_up("put: %s: %s", error.key, error.text);
    MUST(stored <= (last > acknowledged ? last - acknowledged : 0));
    if (last > acknowledged)
        atomic_store(&ledger->acknowledged[writer], last);
}

static void reseed(void) {
    swgi_random_init(&chance, swgi_random_seed());
}

static void writes(void *number) {
    unsigned writer = (unsigned)(uintptr_t)number;
    reseed();
    while (!atomic_load(&ledger->stop)) {
        struct swg_outbox *outbox = open_box();
        for (unsigned i = 0; i < 100 && !atomic_load(&ledger->stop); i++)
            put_some(outbox, writer);
        swg_outbox_close(outbox);
    }
}

/* ---- the receiver */

static void receive(const struct swg_outbox_item *item, const struct body *body) {
    char key[32];
    MUST(item->length >= offsetof(struct body, rest) && body->writer < WRITERS);
    snprintf(key, sizeof(key), "%u-%llu", (unsigned)body->writer, (unsigned long long)body->number);
    MUST(strcmp(item->key, key) == 0);
    uint64_t received = atomic_load(&ledger->received[body->writer]);
    uint64_t name = body->writer << 32 | body->number;
    if (body->number <= received) {
        MUST(item->attempt > 1 && atomic_load(&ledger->last) == name);
        atomic_fetch_add(&ledger->received_again, 1);
        return;
    }
    MUST(body->number == received + 1);
    for (unsigned i = 0; i < WRITERS; i++)
        MUST(atomic_load(&ledger->received[i]) >= body->acknowledged[i]);
    atomic_store(&ledger->last, name);
    atomic_store(&ledger->received[body->writer], body->number);
}

/* Sometimes it does not arrive, sometimes the answer is lost. */
static int deliver(struct swg_outbox_item *item, void *sound) {
    struct body body = { 0 };
    uint64_t luck = swgi_random_below(&chance, 100);
    MUST(item->length <= sizeof(body));
    memcpy(&body, item->bytes, item->length);
    if (sound == NULL && luck < 5) {
        atomic_fetch_add(&ledger->failures, 1);
        return SWG_FAILURE;
    }
    if (sound == NULL && luck < 8)
        atomic_fetch_add(&ledger->answers_lost, 1);
    receive(item, &body);
    return sound == NULL && luck < 8 ? SWG_TIMEOUT : SWG_SUCCESS;
}

/* ---- the runner, whose circuit's time passes when there is nothing else to do */

static struct swg_circuit *make_circuit(struct swg_panel **panel) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_config *config = NULL;
    struct swg_circuit *circuit = NULL;
    options.virtual_clock = 1;
    options.circuits_max = 1;
    MUST(swg_panel_open(panel, &options, NULL) == 0 && swg_config_new(&config) == 0);
    MUST(swg_config_preset(config, "default", NULL) == 0);
    MUST(swg_config_set(config, "breaker.trip.0.consecutive", "2", NULL) == 0);
    MUST(swg_circuit_get(*panel, "receiver", config, &circuit, NULL) == 0);
    swg_config_unref(config);
    return circuit;
}

static int run_once(struct swg_outbox *outbox, struct swg_panel *panel, struct swg_circuit *circuit,
                    void *sound) {
    struct swg_outbox_result result = SWG_OUTBOX_RESULT_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    int rc = swg_outbox_run(outbox, circuit, deliver, sound, swgi_random_below(&chance, 50),
                            &result, &error);
    if (rc < 0)
        give_up("run: %s: %s", error.key, error.text);
    MUST(result.dead == 0);
    if (rc != SWG_GO)
        swg_panel_advance(panel, result.retry_in);
    return rc;
}

static void runs(void *unused) {
    struct swg_panel *panel = NULL;
    struct swg_circuit *circuit = make_circuit(&panel);
    struct swg_outbox *outbox = open_box();
    struct swg_outbox_info info = SWG_OUTBOX_INFO_INIT;
    (void)unused;
    reseed();
    for (;;) {
        run_once(outbox, panel, circuit, NULL);
        MUST(swg_outbox_status(outbox, &info) == 0 && info.pending <= ROWS_MAX && info.dead == 0);
        if (info.pending == 0)
            poll(NULL, 0, 1);
    }
}

/* ---- afterwards */

static int64_t ask(sqlite3 *connection, const char *question) {
    sqlite3_stmt *statement = NULL;
    MUST(sqlite3_prepare_v2(connection, question, -1, &statement, NULL) == SQLITE_OK);
    MUST(sqlite3_step(statement) == SQLITE_ROW);
    int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

static void check_database(const struct swg_outbox_info *info) {
    sqlite3 *connection = NULL;
    MUST(sqlite3_open(database, &connection) == SQLITE_OK);
    MUST(ask(connection, "SELECT count(*) FROM pragma_integrity_check"
                         " WHERE integrity_check = 'ok'") == 1);
    MUST(ask(connection, "SELECT count(*) FROM outbox WHERE state = 1") ==
         (int64_t)info->remembered);
    MUST(ask(connection, "SELECT count(*) FROM outbox WHERE state <> 1") == 0);
    sqlite3_close(connection);
}

/* All that is left is delivered; then everything acknowledged has come, and at most one put more, which was not yet. */
static uint64_t check_all(void) {
    struct swg_panel *panel = NULL;
    struct swg_circuit *circuit = make_circuit(&panel);
    struct swg_outbox *outbox = open_box();
    struct swg_outbox_info info = SWG_OUTBOX_INFO_INIT;
    uint64_t received = 0;
    do {
        run_once(outbox, panel, circuit, ledger);
        MUST(swg_outbox_status(outbox, &info) == 0);
    } while (info.pending > 0);
    MUST(info.dead == 0 && info.bytes == 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        uint64_t came = atomic_load(&ledger->received[i]);
        uint64_t acknowledged = atomic_load(&ledger->acknowledged[i]);
        MUST(came >= acknowledged && came <= acknowledged + BATCH);
        received += came;
    }
    MUST(info.delivered == received);
    check_database(&info);
    swg_outbox_close(outbox);
    swg_panel_unref(panel);
    return received;
}

static pid_t start_one(unsigned place) {
    return place < WRITERS ? start(writes, (void *)(uintptr_t)place) : start(runs, NULL);
}

int main(void) {
    pid_t children[WRITERS + 1];
    uint64_t count = rounds(300, 20), runners = 0;
    begin();
    snprintf(database, sizeof(database), "%s/outbox.db", folder);
    ledger = shared_memory(sizeof(*ledger));
    for (unsigned i = 0; i <= WRITERS; i++)
        children[i] = start_one(i);
    for (uint64_t kills = 0; kills < count; kills++) {
        unsigned victim = (unsigned)swgi_random_below(&chance, WRITERS + 2);
        victim = victim > WRITERS ? WRITERS : victim; /* the runner twice as often */
        some_time(60000000);
        kill(children[victim], SIGKILL);
        join(children[victim], true);
        runners += victim == WRITERS;
        children[victim] = start_one(victim);
    }
    atomic_store(&ledger->stop, 1);
    for (unsigned i = 0; i < WRITERS; i++)
        join(children[i], false);
    kill(children[WRITERS], SIGKILL);
    join(children[WRITERS], true);
    uint64_t received = check_all();
    uint64_t again = atomic_load(&ledger->received_again);
    MUST(again <= runners + 1 + atomic_load(&ledger->answers_lost));
    MUST(received > count);
    remove_folder();
    printf("%llu killed, %llu of them the runner: %llu entries came in order, %llu of them again "
           "(%llu answers were lost); %llu puts were refused by a full outbox\n",
           (unsigned long long)count + 1, (unsigned long long)runners + 1,
           (unsigned long long)received, (unsigned long long)again,
           (unsigned long long)atomic_load(&ledger->answers_lost),
           (unsigned long long)atomic_load(&ledger->refusals));
    return 0;
}
