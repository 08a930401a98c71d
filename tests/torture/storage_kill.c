/*
 * The one who writes the audit is killed at anything, and started again, while circuits are tripped and
 * reset.
 *
 * Each act bears a number, and is acknowledged when the panel has it. Afterwards the audit must have
 * every number once, in order. With a ring so small that it overruns, some may lack, but then a row says
 * how many, where they would stand. The last state of every circuit is the panel's.
 */
#include "attach_lib.h"

#include <poll.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "agent/log.h"
#include "agent/storage_inside.h"

#define CIRCUITS 8u

/* Survives whoever is killed. */
static struct ledger {
    _Atomic uint64_t acts, agents, notes;
    _Atomic int stop;
} * ledger;

static char database[112];
static uint32_t events_max;

void swgi_log(int level, const struct swgi_log_fields *fields, const char *format, ...) {
    va_list arguments;
    (void)fields;
    if (level < SWGI_LOG_ERROR)
        return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static struct swg_panel *join_panel(void) {
    struct swg_panel_options options = options_for(CIRCUITS);
    options.events_max = events_max;
    return open_panel(&options);
}

static struct swg_circuit *circuit_of(struct swg_panel *panel, unsigned number) {
    struct swg_circuit *circuit = NULL;
    char name[16];
    snprintf(name, sizeof(name), "c-%u", number);
    MUST(swg_circuit_get(panel, name, NULL, &circuit, NULL) == 0);
    return circuit;
}

/* ---- who acts, faster than the disk now and then */

static void act_once(struct swg_panel *panel, uint64_t number) {
    struct swg_act act = SWG_ACT_INIT;
    struct swg_circuit *circuit = circuit_of(panel, (unsigned)(number % CIRCUITS));
    char reason[32];
    snprintf(reason, sizeof(reason), "%llu", (unsigned long long)number);
    act.user = "ann";
    act.source = "cli";
    act.reason = reason;
    act.force = 1;
    int rc = swgi_random_below(&chance, 2) == 0 ? swg_circuit_trip(circuit, &act, NULL)
                                                : swg_circuit_reset(circuit, &act, NULL);
    MUST(rc == 0);
    atomic_store(&ledger->acts, number);
}

static void acts(void *unused) {
    struct swg_panel *panel = join_panel();
    unsigned burst = 0;
    (void)unused;
    swgi_random_init(&chance, swgi_random_seed());
    for (uint64_t number = 1; !atomic_load(&ledger->stop); number++) {
        act_once(panel, number);
        /* More at once than are written at once, so that some are killed between the parts. */
        if (burst == 0 && swgi_random_below(&chance, 1500) == 0)
            burst = 3 * SWGI_STORAGE_BATCH_ROWS;
        burst -= burst != 0;
        if (burst == 0 && swgi_random_below(&chance, 8) == 0)
            poll(NULL, 0, (int)swgi_random_below(&chance, 4));
    }
    swg_panel_unref(panel);
}

/* ---- the agent, as far as it stores */

struct swgi_measures {
    struct swgi_measure at[CIRCUITS];
};

size_t swgi_measures_count(const struct swgi_measures *measures) {
    (void)measures;
    return CIRCUITS;
}

const struct swgi_measure *swgi_measures_at(const struct swgi_measures *measures, size_t index) {
    return &measures->at[index];
}

static void measure(struct swg_panel *panel, struct swgi_measures *measures) {
    for (unsigned i = 0; i < CIRCUITS; i++) {
        measures->at[i].circuit = circuit_of(panel, i);
        measures->at[i].status = (struct swg_status)SWG_STATUS_INIT;
        MUST(swg_circuit_status(measures->at[i].circuit, &measures->at[i].status) == 0);
    }
}

static struct swgi_storage *open_storage(struct swg_panel *panel) {
    static struct swgi_file file;
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_storage *storage = NULL;
    strcpy(file.agent.database, database);
    if (swgi_storage_open(&storage, &file, panel, &error) != 0)
        give_up("%s: %s", error.key, error.text);
    MUST(swgi_storage_restore(storage, &error) == 0);
    return storage;
}

static bool follow(struct swg_panel *panel, struct swgi_storage *storage, uint64_t *cursor) {
    struct swg_event event = SWG_EVENT_INIT;
    int rc = swg_panel_next_event(panel, cursor, &event);
    if (rc == -EOVERFLOW)
        swgi_storage_gap(storage);
    else if (rc == 1)
        swgi_storage_event(storage, &event, *cursor);
    return rc != 0;
}

static void stores(void *unused) {
    static struct swgi_measures measures;
    struct swg_panel *panel = join_panel();
    struct swgi_storage *storage = open_storage(panel);
    uint64_t cursor = swgi_storage_cursor(storage);
    (void)unused;
    atomic_fetch_add(&ledger->agents, 1);
    for (unsigned turn = 0;; turn++) {
        while (follow(panel, storage, &cursor))
            continue;
        if (turn % 8 == 0) {
            measure(panel, &measures);
            swgi_storage_tick(storage, &measures);
        }
        poll(NULL, 0, 1);
    }
}

/* ---- afterwards */

static sqlite3_stmt *prepare(sqlite3 *connection, const char *sql) {
    sqlite3_stmt *statement = NULL;
    MUST(sqlite3_prepare_v2(connection, sql, -1, &statement, NULL) == SQLITE_OK);
    return statement;
}

static void check_integrity(sqlite3 *connection) {
    sqlite3_stmt *statement = prepare(connection, "PRAGMA integrity_check");
    MUST(sqlite3_step(statement) == SQLITE_ROW);
    MUST(strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0);
    sqlite3_finalize(statement);
}

/* Numbers grow by one from row to row, and by what a gap says more after it. */
static uint64_t check_rows(sqlite3 *connection, uint64_t *lost) {
    sqlite3_stmt *statement =
        prepare(connection, "SELECT action, CAST(reason AS INTEGER), evidence ->> 'lost'"
                            " FROM circuit_breaker_audit ORDER BY id");
    uint64_t expected = 1, rows = 0;
    *lost = 0;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *action = (const char *)sqlite3_column_text(statement, 0);
        uint64_t number = (uint64_t)sqlite3_column_int64(statement, 1);
        if (strcmp(action, "GAP") == 0) {
            uint64_t more = (uint64_t)sqlite3_column_int64(statement, 2);
            *lost += more;
            expected += more;
            continue;
        }
        if (number != expected)
            give_up("%llu: row %llu where %llu should be, %llu told as lost before",
                    (unsigned long long)rows, (unsigned long long)number,
                    (unsigned long long)expected, (unsigned long long)*lost);
        expected = number + 1;
        rows++;
    }
    sqlite3_finalize(statement);
    MUST(expected == atomic_load(&ledger->acts) + 1);
    return rows;
}

static void check_states(sqlite3 *connection, struct swg_panel *panel) {
    for (unsigned i = 0; i < CIRCUITS; i++) {
        struct swg_status status = SWG_STATUS_INIT;
        char sql[128];
        MUST(swg_circuit_status(circuit_of(panel, i), &status) == 0);
        snprintf(sql, sizeof(sql),
                 "SELECT state, trips FROM circuit_breaker_state WHERE circuit = 'c-%u'", i);
        sqlite3_stmt *statement = prepare(connection, sql);
        MUST(sqlite3_step(statement) == SQLITE_ROW);
        MUST(strcmp((const char *)sqlite3_column_text(statement, 0),
                    swg_state_name(status.state)) == 0);
        MUST((uint64_t)sqlite3_column_int64(statement, 1) == status.trips);
        sqlite3_finalize(statement);
    }
}

/* The last agent reads what is left, and ends as one should. */
static uint64_t check_all(struct swg_panel *panel, uint64_t *lost) {
    static struct swgi_measures measures;
    struct swgi_storage *storage = open_storage(panel);
    uint64_t cursor = swgi_storage_cursor(storage);
    sqlite3 *connection = NULL;
    while (follow(panel, storage, &cursor))
        continue;
    measure(panel, &measures);
    swgi_storage_tick(storage, &measures);
    MUST(swgi_storage_flush(storage, 60000));
    swgi_storage_close(storage);
    MUST(sqlite3_open(database, &connection) == SQLITE_OK);
    check_integrity(connection);
    uint64_t rows = check_rows(connection, lost);
    check_states(connection, panel);
    sqlite3_close(connection);
    return rows;
}

/* ---- */

/* No act of ours may be missing before the first, so what came before was seen. */
static void see_what_was_made(struct swg_panel *panel) {
    struct swgi_storage *storage = open_storage(panel);
    uint64_t cursor = swgi_storage_cursor(storage);
    while (follow(panel, storage, &cursor))
        continue;
    swgi_storage_close(storage);
}

static void torture(uint32_t events, uint64_t kills, const char *name) {
    uint64_t lost = 0, most_ns = 45000000;
    events_max = events;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(database, sizeof(database), "%s/%s.db", folder, name);
    *ledger = (struct ledger){ 0 };
    struct swg_panel *panel = join_panel();
    for (unsigned i = 0; i < CIRCUITS; i++)
        circuit_of(panel, i);
    see_what_was_made(panel);
    pid_t actor = start(acts, NULL);
    for (uint64_t i = 0; i < kills; i++) {
        pid_t agent = start(stores, NULL);
        some_time(most_ns);
        kill(agent, SIGKILL);
        join(agent, true);
    }
    atomic_store(&ledger->stop, 1);
    join(actor, false);
    uint64_t rows = check_all(panel, &lost);
    MUST(rows + lost == atomic_load(&ledger->acts));
    MUST(lost == 0 || atomic_load(&ledger->acts) > events);
    printf("ring of %u: %llu agents killed, %llu of them at work: %llu acts, %llu rows, each once "
           "and in order; %llu were overwritten, and that was told\n",
           events, (unsigned long long)kills, (unsigned long long)atomic_load(&ledger->agents),
           (unsigned long long)atomic_load(&ledger->acts), (unsigned long long)rows,
           (unsigned long long)lost);
    fflush(stdout);
    swg_panel_unref(panel);
}

/* Killed while it makes its database: the next one makes it, or finds it whole. */
static void killed_young(uint64_t kills) {
    events_max = SWGI_EVENTS_MIN;
    snprintf(path, sizeof(path), "%s/young", folder);
    struct swg_panel *panel = join_panel();
    for (uint64_t i = 0; i < kills; i++) {
        sqlite3 *connection = NULL;
        snprintf(database, sizeof(database), "%s/young-%llu.db", folder, (unsigned long long)i);
        pid_t agent = start(stores, NULL);
        some_time(15000000);
        kill(agent, SIGKILL);
        join(agent, true);
        see_what_was_made(panel);
        MUST(sqlite3_open(database, &connection) == SQLITE_OK);
        check_integrity(connection);
        sqlite3_close(connection);
    }
    swg_panel_unref(panel);
}

int main(void) {
    begin();
    ledger = shared_memory(sizeof(*ledger));
    killed_young(rounds(40, 5));
    torture(16384, rounds(200, 20), "wide");
    torture(SWGI_EVENTS_MIN, rounds(60, 10), "narrow");
    remove_folder();
    return 0;
}
