/*
 * Keys and values as a person or a file would write them, a line each: "key=value", or "preset" alone. A line that begins with
 * a byte of 0x80 or above names its key by number, so that mutations meet values more often than spelling mistakes.
 *
 * Whatever is taken must be a circuit's settings that the engine would believe, must print, and what is printed must bring a
 * second circuit to the same settings.
 */
#include "fuzz.h"

#include <errno.h>

#include "base/text.h"
#include "circuit/config.h"
#include "circuit/trip_rules.h"
#include "engine/policies.h"

static struct swg_panel *panel; /* one for all inputs; its circuit is configured again and again */
static struct swg_circuit *circuit;

static void require_told(int rc, const struct swg_error *error) {
    REQUIRE(rc == -EINVAL && error->code == rc);
    REQUIRE_TEXT(error->key);
    REQUIRE_TEXT(error->text);
    REQUIRE(error->text[0] != '\0');
}

static void key_by_number(unsigned number, unsigned entry, char name[SWGI_KEY_NAME_MAX]) {
    number %= swgi_keys_count + swgi_rule_keys_count;
    bool of_rule = number >= swgi_keys_count;
    struct swgi_key_place place = {
        .key = of_rule ? &swgi_rule_keys[number - swgi_keys_count] : &swgi_keys[number],
        .entry = entry % SWGI_TRIP_RULES_MAX,
    };
    swgi_key_name(&place, name);
}

/* "\200\001value" in words. */
static char *spell_out(char *line) {
    char name[SWGI_KEY_NAME_MAX];
    size_t length = strlen(line);
    if ((unsigned char)line[0] < 0x80 || length < 2)
        return line;
    key_by_number((unsigned char)line[0] & 0x7f, (unsigned char)line[1], name);
    char *full = malloc(length + sizeof(name));
    REQUIRE(full != NULL);
    snprintf(full, length + sizeof(name), "%s=%s", name, line + 2);
    free(line);
    return full;
}

static bool is_key(const char *line) {
    char general[SWGI_KEY_NAME_MAX];
    const char *key;
    snprintf(general, sizeof(general), "%.*s", (int)strcspn(line, "="), line);
    if (strncmp(general, SWGI_TRIP_PREFIX, strlen(SWGI_TRIP_PREFIX)) == 0)
        general[strlen(SWGI_TRIP_PREFIX)] = 'N';
    for (uint32_t cursor = 0; swg_config_next_key(&cursor, &key, NULL, NULL) == 0;)
        if (strcmp(key, general) == 0)
            return true;
    return false;
}

/* Refused: told why, and nothing changed. false: no such key or preset. */
static bool read_line(struct swg_config *config, char *line) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config before = *config;
    char *equals = strchr(line, '=');
    int rc;
    if (equals != NULL) {
        *equals = '\0';
        rc = swg_config_set(config, line, equals + 1, &error);
    } else {
        rc = swg_config_preset(config, line, &error);
    }
    if (rc == 0)
        return true;
    require_told(rc, &error);
    REQUIRE(memcmp(config, &before, sizeof(before)) == 0);
    struct swgi_key_place place;
    return equals != NULL && swgi_key_find(line, &place, NULL) == 0;
}

static void require_ranges(const struct swgi_settings *settings) {
    REQUIRE(swgi_settings_check(settings));
    REQUIRE(settings->probes >= 1 && settings->probes <= SWGI_PROBES_MAX);
    REQUIRE(settings->ramp_steps <= SWGI_RAMP_STEPS_MAX);
    REQUIRE(settings->count.calls <= SWGI_COUNT_CALLS_MAX);
    REQUIRE(settings->open_for_ns >= 1000000);
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++)
        REQUIRE(settings->time[i].slices <= SWGI_SLICES_MAX);
}

static void require_policies(const struct swgi_policy_settings *policies) {
    const struct swgi_bulkhead_settings *bulkhead = &policies->bulkhead;
    uint32_t limit = swgi_policies_permits(policies);
    REQUIRE(limit <= SWGI_PERMITS_MAX);
    REQUIRE(bulkhead->max_queue >= 1 && bulkhead->max_queue <= SWGI_PLACES_MAX);
    REQUIRE(bulkhead->when_busy == SWGI_BUSY_REJECT || limit > 0);
    REQUIRE(bulkhead->reserve_permits == 0 || bulkhead->reserve_permits < limit);
    for (unsigned i = 1; i < bulkhead->partitions_count; i++)
        REQUIRE(bulkhead->partitions[i].priority > bulkhead->partitions[i - 1].priority);
    REQUIRE(policies->limiter.rate == 0 || policies->limiter.burst >= 1);
    REQUIRE(policies->retry.attempts >= 1 && policies->retry.attempts <= SWGI_ATTEMPTS_MAX);
    REQUIRE(policies->retry.delay_ns <= policies->retry.max_delay_ns);
    REQUIRE(policies->timeout.attempt_ns == SWGI_OFF ||
            policies->timeout.attempt_ns <= policies->timeout.total_ns);
    REQUIRE(policies->cache.bytes_max == 0 || policies->cache.bytes_max >= 65536);
    REQUIRE_TEXT(policies->fallback.alternative);
    REQUIRE_TEXT(policies->fallback.answer);
    for (unsigned i = 0; i < policies->features.count; i++)
        REQUIRE_TEXT(policies->features.list[i].name);
}

/* One key's value from one circuit to another's configuration, by text alone. */
static void carry(const struct swgi_settings *settings, struct swg_config *to, const char *key) {
    char value[SWGI_KEY_VALUE_MAX];
    int rc = swgi_setting_print(settings, key, value, sizeof(value));
    REQUIRE(rc == 0 || rc == -ENOENT);
    if (rc == 0)
        REQUIRE(swg_config_set(to, key, value, NULL) == 0);
}

static void carry_all(const struct swgi_settings *settings, struct swg_config *to) {
    const char *key;
    for (uint32_t cursor = 0; swg_config_next_key(&cursor, &key, NULL, NULL) == 0;) {
        const char *number = strncmp(key, "breaker.trip.N.", 15) == 0 ? key + 15 : NULL;
        if (number == NULL && strcmp(key, "preset") != 0)
            carry(settings, to, key);
        for (unsigned i = 0; number != NULL && i < SWGI_TRIP_RULES_MAX; i++) {
            char name[SWGI_KEY_NAME_MAX];
            snprintf(name, sizeof(name), "breaker.trip.%u.%s", i, number);
            carry(settings, to, name);
        }
    }
}

/* What it prints makes a circuit that does the same. */
static void require_round_trip(const struct swgi_settings *settings) {
    struct swg_config *again = NULL;
    struct swgi_settings other;
    struct swg_error error = SWG_ERROR_INIT;
    REQUIRE(swg_config_new(&again) == 0);
    carry_all(settings, again);
    if (swgi_config_apply(again, NULL, &other, &error) != 0) {
        fprintf(stderr, "%s: %s\n", error.key, error.text);
        abort();
    }
    REQUIRE(swgi_settings_same_windows(settings, &other));
    int rc = swgi_config_differs(again, settings, &error);
    if (rc != 0) {
        fprintf(stderr, "%s: %s\n", error.key, error.text);
        abort();
    }
    swg_config_unref(again);
}

static void call_once(int outcome) {
    struct swg_permit permit;
    int rc = swg_acquire(circuit, NULL, &permit);
    if (rc == SWG_QUEUED)
        rc = swg_poll(&permit);
    if (rc == SWG_GO) {
        rc = swg_record_at(&permit, outcome, NULL, swg_panel_now(panel), 1000000);
        REQUIRE(rc == 0 || (rc == SWG_RETRY && outcome != SWG_SUCCESS && outcome != SWG_IGNORED));
        REQUIRE(rc == 0 || swg_retry_in(&permit) >= 0);
    }
    swg_cancel(&permit);
}

/* The circuit that exists takes it, whatever it was before, and a few calls go through it. */
static void configure(const struct swg_config *config) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_status status = SWG_STATUS_INIT;
    struct swg_permit permit;
    int rc = swg_circuit_configure(circuit, config, &error);
    REQUIRE(rc == 0 || rc == -EINVAL || rc == -ENOSPC);
    if (rc == 0)
        REQUIRE(swg_circuit_differs(circuit, config, &error) == 0);
    for (int outcome = SWG_SUCCESS; outcome <= SWG_IGNORED; outcome++)
        call_once(outcome);
    REQUIRE(swg_acquire(circuit, NULL, &permit) >= 0); /* a place or a permit, given back */
    swg_cancel(&permit);
    REQUIRE(swg_panel_advance(panel, 1000000000) == 0);
    REQUIRE(swg_circuit_status(circuit, &status) == 0);
    REQUIRE_TEXT(status.preset);
    REQUIRE(status.permits_held == 0 && status.queue_length == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct input input = { bytes, bytes + size };
    struct swg_config *config = NULL;
    struct swgi_settings settings;
    struct swg_error error = SWG_ERROR_INIT;
    REQUIRE(swg_config_new(&config) == 0);
    bool known = true; /* guessing what was meant takes long: one line of few inputs is enough */
    for (unsigned lines = 0; lines < 16 && left(&input) > 0 && known; lines++) {
        char *line = spell_out(take_text(&input, '\n'));
        if (is_key(line) || size % 16 == 0)
            known = read_line(config, line);
        free(line);
    }
    int rc = swgi_config_apply(config, NULL, &settings, &error);
    if (rc != 0) {
        require_told(rc, &error);
    } else {
        require_ranges(&settings);
        require_policies(&settings.policies);
        require_round_trip(&settings);
    }
    configure(config);
    swg_config_unref(config);
    return 0;
}

/* ---- seeds: each key with an end of its range, each preset, and lists of rules */

static const char *const lists[] = {
    "breaker.trip=none\n",
    "breaker.trip.0.change.healthy=0.01\nbreaker.trip.0.change.unhealthy=0.2\n"
    "breaker.trip.1.failure_rate.percent=50%\nbreaker.trip.1.failure_rate.calls=100\n"
    "breaker.trip.2.slow_rate.percent=80\nbreaker.trip.2.slow_rate.calls=100\n"
    "breaker.slow_call_duration=500ms\n",
    "breaker.trip.0.failures.weight=10.5\nbreaker.trip.0.failures.window=60s\n"
    "breaker.trip.1.failure_rate.percent=off\nbreaker.trip.1.failure_rate.window=20s\n"
    "breaker.trip.2.slow_rate.percent=1\nbreaker.trip.2.slow_rate.window=1m\n"
    "breaker.slow_call_duration=1us\nbreaker.weights.timeout=0.5\n",
    "breaker.half_open.permits=total\nbreaker.half_open.probes=10\n"
    "breaker.half_open.success_threshold=10\nbreaker.half_open.verdict=rate\n"
    "breaker.trip.0.failure_rate.percent=50\nbreaker.trip.0.failure_rate.calls_min=7\n",
    "breaker.half_open.ramp=5, 25, 50\nbreaker.half_open.ramp_step=10s\n",
    "read\nbreaker.open.jitter=0.5\n",
    "bulkhead.max_concurrent=20\nbulkhead.when_busy=wait\nbulkhead.max_queue=9\n"
    "bulkhead.reserve.permits=4\nbulkhead.partitions=-1:100, 10:80, 31:50\n",
    "adaptive.algorithm=gradient2\nadaptive.max=30\nadaptive.min=2\nadaptive.tolerance=2\n"
    "bulkhead.when_busy=wait\nbulkhead.when_queue_full=error\n",
    "limiter.rate=100\nlimiter.algorithm=sliding_log\nlimiter.adaptive=yes\n"
    "limiter.when_limited=wait\n",
    "limiter.rate=10\nlimiter.algorithm=leaky_bucket\nlimiter.per=2s\nbulkhead.track=yes\n",
    "retry.attempts=4\nretry.backoff=decorrelated_jitter\nretry.inside=yes\ntimeout=2s\n"
    "timeout.total=9s\ntimeout.auto=0.1\nretry.budget.percent=off\n",
    "cache.bytes=65536\nfallback=cache, alternative, static\nfallback.alternative=region-b\n"
    "fallback.static=sorry\nfeatures.list=checkout:100, search:50, reviews:10\n",
};

static void seed_numbered(const char *folder, unsigned number, uint32_t key, const char *line,
                          size_t length) {
    char bytes[512] = { (char)(0x80 | key), 1 };
    const char *value = memchr(line, '=', length);
    size_t size = value != NULL ? length - (size_t)(value + 1 - line) : 0;
    if (value != NULL)
        memcpy(bytes + 2, value + 1, size);
    write_seed(folder, number, bytes, size + 2);
}

/* What a range begins with is a value, be it "1ms..30d", "no|yes" or "none, or ...". */
static unsigned seed_keys(const char *folder, unsigned number) {
    const char *key, *range;
    for (uint32_t cursor = 0; swg_config_next_key(&cursor, &key, &range, NULL) == 0; number++) {
        char line[512];
        int length =
            snprintf(line, sizeof(line), "%s=%.*s\n", key, (int)strcspn(range, "|,"), range);
        char *dots = strstr(line, ".."), *place = strstr(line, ".N.");
        if (dots != NULL)
            length = (int)(dots - line);
        if (place != NULL)
            place[1] = '0';
        write_seed(folder, number, line, (size_t)length);
        seed_numbered(folder, number + 200, cursor - 1, line, (size_t)length);
    }
    return number;
}

static void write_seeds(const char *folder) {
    unsigned number = seed_keys(folder, 0) + 200;
    const char *name = swgi_preset_names;
    for (; *name != '\0'; name += strspn(name, "|")) {
        char line[17];
        int length = snprintf(line, sizeof(line), "%.*s", (int)strcspn(name, "|"), name);
        memset(line + length, '\n', sizeof(line) - (size_t)length);
        write_seed(folder, number++, line, 16);
        name += length;
    }
    for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        write_seed(folder, number++, lists[i], strlen(lists[i]));
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *folder = seeds_folder(*argc, *argv);
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    if (folder != NULL) {
        write_seeds(folder);
        exit(0);
    }
    options.circuits_max = 2;
    options.columns_max = 1;
    options.events_max = 64;
    options.slots_max = 4096;
    options.virtual_clock = 1;
    REQUIRE(swg_panel_open(&panel, &options, NULL) == 0);
    REQUIRE(swg_circuit_get(panel, "dependency", NULL, &circuit, NULL) == 0);
    return 0;
}
