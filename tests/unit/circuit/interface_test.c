/* The promises of the header to every caller: structs of other ages, nothing where something was due, keys and their ranges. */
#include "bad_input.h"

#include <stdbool.h>

static struct swg_panel *panel;
static struct swg_circuit *circuit;
static struct swg_error error;

static int begin(void **state) {
    struct swg_panel_options options = small_options(NULL);
    (void)state;
    options.virtual_clock = 1;
    error = (struct swg_error)SWG_ERROR_INIT;
    panel = open_with(&options);
    circuit = get(panel, "dependency");
    return 0;
}

static int end(void **state) {
    (void)state;
    panel = swg_panel_unref(panel);
    return 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* ---- structs of other ages. In memory of exactly their size, so that a sanitizer sees any step beyond. */

static void *struct_of(uint32_t size, const void *known, uint32_t known_size, int tail) {
    unsigned char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, 0, size);
    memcpy(bytes, known, size < known_size ? size : known_size);
    memcpy(bytes, &size, sizeof(size) < size ? sizeof(size) : size);
    if (size > known_size)
        bytes[size - 1] = (unsigned char)tail;
    return bytes;
}

/* What the library reads: takes the struct and says what became of it. */
typedef int reader(const void *given);

static void assert_reads(reader *read, const void *known, uint32_t size, int good) {
    uint32_t sizes[] = { sizeof(uint32_t), size - 8, size, size + 8, size + 4096 };
    for (unsigned i = 0; i < 5; i++) {
        void *given = struct_of(sizes[i], known, size, 0);
        assert_int_equal(read(given), good);
        free(given);
    }
    for (uint32_t longer = size + 8; longer < size + 100; longer += 41) {
        void *given = struct_of(longer, known, size, 1);
        assert_int_equal(read(given), -E2BIG);
        free(given);
    }
    for (uint32_t none = 0; none < sizeof(uint32_t); none++) {
        void *given = struct_of(sizeof(uint32_t), &none, sizeof(none), 0);
        memcpy(given, &none, sizeof(none));
        assert_int_equal(read(given), -EINVAL);
        free(given);
    }
}

static int read_options(const void *given) {
    struct swg_panel *opened = NULL;
    int rc = swg_panel_open(&opened, given, &error);
    assert_true(rc == 0 || (error.code == rc && error.text[0] != '\0'));
    swg_panel_unref(opened);
    return rc;
}

static int read_request(const void *given) {
    struct swg_permit permit;
    int rc = swg_acquire(circuit, given, &permit);
    int again = swg_acquire_at(circuit, given, swg_panel_now(panel), &permit);
    swg_cancel(&permit);
    return rc == again ? rc : -1;
}

static int read_failure(const void *given) {
    struct swg_permit permit = admitted(circuit);
    int rc = swg_record_error(&permit, SWG_FAILURE, given);
    assert_int_equal(swg_circuit_reset(circuit, NULL, NULL), 0);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    return rc;
}

static int read_act(const void *given) {
    int rc = swg_circuit_mode(circuit, SWG_MODE_SHADOW, given, &error);
    int again = swg_circuit_mode(circuit, SWG_MODE_NORMAL, given, NULL);
    return rc == again ? rc : -1;
}

static void test_structs_we_read(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_failure failure = SWG_FAILURE_INIT;
    struct swg_act act = SWG_ACT_INIT;
    (void)state;
    assert_reads(read_options, &options, sizeof(options), 0);
    assert_reads(read_request, &request, sizeof(request), SWG_GO);
    assert_reads(read_failure, &failure, sizeof(failure), 0);
    assert_reads(read_act, &act, sizeof(act), 0);
}

/* The failure's words may be of another age; that the call failed is not in doubt. */
static void test_an_outcome_counts_whatever_its_words(void **state) {
    struct swg_failure why = { .size = 1 };
    struct swg_permit permit = admitted(circuit);
    (void)state;
    assert_int_equal(swg_record_error(&permit, SWG_FAILURE, &why), -EINVAL);
    assert_int_equal(status_of(circuit).failures, 1);
    assert_int_equal(status_of(circuit).in_flight, 0);
    assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    assert_int_equal(status_of(circuit).failures, 1);
}

/* What the library fills in. */
typedef int writer(void *out);

static void assert_writes(writer *write, uint32_t size, int good) {
    unsigned char *whole = struct_of(size, &size, sizeof(size), 0);
    uint32_t sizes[] = { sizeof(uint32_t), 12, size - 8, size + 8, size + 500 };
    assert_int_equal(write(whole), good);
    for (unsigned i = 0; i < 5; i++) {
        unsigned char *out = struct_of(sizes[i], &size, sizeof(size), 0x5a);
        uint32_t same = sizes[i] < size ? sizes[i] : size;
        assert_int_equal(write(out), good);
        assert_memory_equal(out, &sizes[i], sizeof(uint32_t));
        assert_memory_equal(out + 4, whole + 4, same - 4);
        for (uint32_t k = size; k < sizes[i]; k++)
            assert_int_equal(out[k], 0);
        free(out);
    }
    free(whole);
}

static int write_status(void *out) {
    return swg_circuit_status(circuit, out);
}

static int write_why(void *out) {
    return swg_circuit_why(circuit, out);
}

static int write_panel_status(void *out) {
    return swg_panel_status(panel, out);
}

static int write_event(void *out) {
    uint64_t cursor = 0;
    return swg_panel_next_event(panel, &cursor, out);
}

static int refused(struct swg_attempt *attempt, void *arg) {
    struct swg_failure why = SWG_FAILURE_INIT;
    (void)arg;
    why.kind = "refused";
    why.text = "by a test";
    swg_attempt_failure(attempt, &why);
    return SWG_IGNORED;
}

/* The error inside has a size of its own, which stays the caller's where it is all there. */
static int write_result(void *out) {
    struct swg_result *result = out;
    int rc = swg_call(circuit, NULL, refused, NULL, out);
    if (result->size >= offsetof(struct swg_result, error) + sizeof(uint32_t))
        result->error.size = 0;
    return rc;
}

static void test_structs_we_fill_in(void **state) {
    (void)state;
    assert_writes(write_status, sizeof(struct swg_status), 0);
    assert_writes(write_why, sizeof(struct swg_why), 0);
    assert_writes(write_panel_status, sizeof(struct swg_panel_info), 0);
    assert_writes(write_event, sizeof(struct swg_event), 1);
    assert_writes(write_result, sizeof(struct swg_result), SWG_GO);
}

static void test_structs_without_a_size(void **state) {
    union {
        struct swg_status status;
        struct swg_why why;
        struct swg_panel_info panel_status;
        struct swg_event event;
    } none = { 0 };
    uint64_t cursor = 0;
    (void)state;
    assert_int_equal(swg_circuit_status(circuit, &none.status), -EINVAL);
    assert_int_equal(swg_circuit_why(circuit, &none.why), -EINVAL);
    assert_int_equal(swg_panel_status(panel, &none.panel_status), -EINVAL);
    assert_int_equal(swg_panel_next_event(panel, &cursor, &none.event), -EINVAL);
    assert_int_equal(cursor, 0);
}

/* An older caller's error ends earlier, and its text still ends. */
static void test_errors_of_every_size(void **state) {
    (void)state;
    for (uint32_t size = 4; size < sizeof(struct swg_error) + 64; size += 3) {
        struct swg_error *out = struct_of(size, &size, sizeof(size), 0);
        struct swg_circuit *none = NULL;
        assert_int_equal(swg_circuit_get(panel, "two words", NULL, &none, out), -EINVAL);
        assert_int_equal(out->size, size);
        if (size > offsetof(struct swg_error, key))
            assert_non_null(memchr(out->key, '\0', size - offsetof(struct swg_error, key)));
        free(out);
    }
}

/* ---- nothing where something was due */

static void test_no_panel(void **state) {
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    struct swg_event event = SWG_EVENT_INIT;
    struct swg_circuit *none = NULL;
    uint64_t position = 0;
    uint32_t cursor = 0;
    (void)state;
    assert_int_equal(swg_panel_open(NULL, NULL, &error), -EINVAL);
    assert_int_equal(swg_panel_open(NULL, NULL, NULL), -EINVAL);
    assert_null(swg_panel_ref(NULL));
    assert_null(swg_panel_unref(NULL));
    assert_int_equal(swg_panel_poll(NULL), -EINVAL);
    assert_int_equal(swg_panel_advance(NULL, 1), -EINVAL);
    assert_int_equal(swg_panel_log(NULL, NULL, NULL), -EINVAL);
    assert_int_equal(swg_panel_status(NULL, &status), -EINVAL);
    assert_int_equal(swg_panel_next_event(NULL, &position, &event), -EINVAL);
    assert_int_equal(swg_panel_next_circuit(NULL, &cursor, &none), -EINVAL);
    assert_int_equal(swg_circuit_get(NULL, "dependency", NULL, &none, &error), -EINVAL);
    assert_int_equal(swg_circuit_find(NULL, "dependency", &none), -EINVAL);
    assert_null(none);
}

static void test_nowhere_to_put_it(void **state) {
    struct swg_circuit *none = NULL;
    struct swg_event event = SWG_EVENT_INIT;
    uint64_t position = 0;
    uint32_t cursor = 0;
    (void)state;
    assert_int_equal(swg_circuit_get(panel, "dependency", NULL, NULL, NULL), -EINVAL);
    assert_int_equal(swg_circuit_find(panel, "dependency", NULL), -EINVAL);
    assert_int_equal(swg_panel_status(panel, NULL), -EINVAL);
    assert_int_equal(swg_panel_next_circuit(panel, NULL, &none), -EINVAL);
    assert_int_equal(swg_panel_next_circuit(panel, &cursor, NULL), -EINVAL);
    assert_int_equal(swg_panel_next_event(panel, NULL, &event), -EINVAL);
    assert_int_equal(swg_panel_next_event(panel, &position, NULL), -EINVAL);
    assert_int_equal(swg_circuit_status(circuit, NULL), -EINVAL);
    assert_int_equal(swg_circuit_why(circuit, NULL), -EINVAL);
    assert_int_equal(swg_circuit_setting(circuit, "breaker.open.for", NULL, 0), -EINVAL);
    assert_int_equal(swg_config_new(NULL), -EINVAL);
    assert_int_equal(swg_config_next_key(NULL, NULL, NULL, NULL), -EINVAL);
}

static void test_no_circuit(void **state) {
    struct swg_status status = SWG_STATUS_INIT;
    struct swg_why why = SWG_WHY_INIT;
    struct swg_config *config = NULL;
    struct swg_permit permit;
    char value[16];
    (void)state;
    memset(&permit, 0x5a, sizeof(permit));
    assert_int_equal(swg_acquire(NULL, NULL, &permit), -EINVAL);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    memset(&permit, 0x5a, sizeof(permit));
    assert_int_equal(swg_acquire_at(NULL, NULL, 0, &permit), -EINVAL);
    assert_int_equal(swg_retry_in(&permit), 0);
    assert_int_equal(swg_circuit_status(NULL, &status), -EINVAL);
    assert_int_equal(swg_circuit_why(NULL, &why), -EINVAL);
    assert_int_equal(swg_circuit_state(NULL), -EINVAL);
    assert_string_equal(swg_circuit_name(NULL), "");
    assert_int_equal(swg_circuit_trip(NULL, NULL, &error), -EINVAL);
    assert_int_equal(swg_circuit_reset(NULL, NULL, &error), -EINVAL);
    assert_int_equal(swg_circuit_probe(NULL, NULL, &error), -EINVAL);
    assert_int_equal(swg_circuit_mode(NULL, SWG_MODE_SHADOW, NULL, &error), -EINVAL);
    assert_true(swg_circuit_setting(NULL, "breaker.open.for", value, sizeof(value)) < 0);
    assert_int_equal(swg_config_new(&config), 0);
    assert_int_equal(swg_circuit_configure(NULL, config, &error), -EINVAL);
    assert_true(swg_circuit_differs(NULL, config, &error) < 0);
    swg_config_unref(config);
}

static void test_no_configuration(void **state) {
    struct swg_config *config = NULL;
    (void)state;
    assert_null(swg_config_unref(NULL));
    assert_int_equal(swg_config_set(NULL, "breaker.open.for", "1s", &error), -EINVAL);
    assert_int_equal(swg_config_preset(NULL, "read", &error), -EINVAL);
    assert_int_equal(swg_circuit_configure(circuit, NULL, &error), -EINVAL);
    assert_int_equal(swg_circuit_differs(circuit, NULL, &error), 0);
    assert_int_equal(swg_config_new(&config), 0);
    assert_int_equal(swg_config_set(config, NULL, "1s", &error), -EINVAL);
    assert_int_equal(swg_config_set(config, "breaker.open.for", NULL, &error), -EINVAL);
    assert_int_equal(swg_config_set(config, NULL, NULL, NULL), -EINVAL);
    assert_int_equal(swg_config_preset(config, NULL, &error), -EINVAL);
    swg_config_unref(config);
}

/* ---- keys */

/* Every refusal names the key and its range, the words of the key's own list. */
static void assert_refusal_names_range(struct swg_config *config, const char *key,
                                       const char *range, const char *value) {
    error = (struct swg_error)SWG_ERROR_INIT;
    if (swg_config_set(config, key, value, &error) != -EINVAL)
        fail_msg("%s=%s was taken", key, value);
    assert_int_equal(error.code, -EINVAL);
    if (strcmp(key, "preset") == 0) /* names what was meant, or all there are */
        return;
    assert_string_equal(error.key, key);
    if (strstr(error.text, range) == NULL)
        fail_msg("%s: \"%s\" does not name %s", key, error.text, range);
}

/* Texts take much that no other key does: what is too long or would steer a terminal is left. */
static void assert_texts_have_bounds(struct swg_config *config, const char *key,
                                     const char *range) {
    char longest[200] = "";
    memset(longest, 'a', sizeof(longest) - 1);
    assert_refusal_names_range(config, key, range, longest);
    assert_refusal_names_range(config, key, range, "\033[2J");
    assert_refusal_names_range(config, key, range, "one\ntwo");
    assert_int_equal(swg_config_set(config, key, "sideways", &error), 0);
    assert_int_equal(swg_config_set(config, key, "", &error), 0);
}

static bool is_text(const char *key) {
    return strcmp(key, "fallback.alternative") == 0 || strcmp(key, "fallback.static") == 0;
}

static void assert_every_value_is_refused(struct swg_config *config, const char *key,
                                          const char *range) {
    /* -1 comes last: it is a priority. */
    static const char *const bad[] = {
        "", "sideways", "99999999999999999999", "1s2s", "1e9", "-1"
    };
    bool negative = strcmp(key, "bulkhead.reserve.priority_at_most") == 0;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]) - negative; i++)
        assert_refusal_names_range(config, key, range, bad[i]);
    if (negative)
        assert_refusal_names_range(config, key, range, "-33");
}

static void test_every_key_names_its_range(void **state) {
    const char *general, *range, *what;
    struct swg_config *config = NULL;
    uint32_t cursor = 0, count = 0, texts = 0;
    (void)state;
    assert_int_equal(swg_config_new(&config), 0);
    for (; swg_config_next_key(&cursor, &general, &range, &what) == 0; count++) {
        char key[96];
        snprintf(key, sizeof(key), "%s", general);
        if (strncmp(key, "breaker.trip.N", 14) == 0)
            key[13] = '2';
        texts += is_text(key);
        if (is_text(key))
            assert_texts_have_bounds(config, key, range);
        else
            assert_every_value_is_refused(config, key, range);
    }
    assert_true(count > 95);
    assert_int_equal(texts, 2);
    assert_int_equal(swg_circuit_differs(circuit, config, NULL), 0);
    swg_config_unref(config);
}

static void assert_reads_back(struct swg_config *config, const char *key) {
    char value[640], exact[640];
    int rc = swg_circuit_setting(circuit, key, value, sizeof(value));
    bool optional = strncmp(key, "breaker.trip", 12) == 0;
    size_t length = strlen(value);
    if (rc == -ENOENT && optional)
        return;
    assert_int_equal(rc, 0);
    assert_int_equal(swg_config_set(config, key, value, NULL), 0);
    assert_int_equal(swg_circuit_setting(circuit, key, exact, length + 1), 0);
    assert_string_equal(exact, value);
    if (length > 0)
        assert_int_equal(swg_circuit_setting(circuit, key, exact, length), -ERANGE);
}

static void read_all_back(void) {
    struct swg_config *config = NULL;
    const char *key;
    uint32_t cursor = 0;
    assert_int_equal(swg_config_new(&config), 0);
    while (swg_config_next_key(&cursor, &key, NULL, NULL) == 0)
        assert_reads_back(config, key);
    assert_int_equal(swg_circuit_setting(circuit, "breaker.open.fro", (char[9]){ 0 }, 9), -ENOENT);
    assert_int_equal(swg_circuit_differs(circuit, config, NULL), 0);
    swg_config_unref(config);
}

/* Every key of the list can be asked for, and what is answered can be set; of a circuit with
 * nothing but its defaults, and of one with long lists. */
static void test_every_key_reads_back(void **state) {
    static const char *const rows[][2] = {
        { "bulkhead.max_concurrent", "20" },
        { "bulkhead.partitions", "-1:100, 10:80, 20:70, 31:50" },
        { "limiter.rate", "10" },
        { "limiter.algorithm", "leaky_bucket" },
        { "adaptive.algorithm", "vegas" },
        { "cache.bytes", "65536" },
        { "fallback.chain", "function, queue, static, alternative, cache" },
        { "fallback.alternative", "region-b" },
        { "fallback.static", "{\"why\": \"closed\", \"until\": 12}, and = or so" },
        { "features.list", "checkout-and-all-of-it:100, search:50, reviews:10, avatars:1" },
    };
    struct swg_config *config = NULL;
    (void)state;
    read_all_back();
    assert_int_equal(swg_config_new(&config), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(swg_config_set(config, rows[i][0], rows[i][1], &error), 0);
    assert_int_equal(swg_circuit_configure(circuit, config, &error), 0);
    swg_config_unref(config);
    read_all_back();
}

/* ---- what is out of range elsewhere */

static void test_options_out_of_range(void **state) {
    static const struct {
        size_t at;
        uint32_t value;
        const char *key;
    } bad[] = {
        { offsetof(struct swg_panel_options, circuits_max), 65536, "circuits_max" },
        { offsetof(struct swg_panel_options, columns_max), 257, "columns_max" },
        { offsetof(struct swg_panel_options, histograms_max), 9, "histograms_max" },
        { offsetof(struct swg_panel_options, slots_max), 4194305, "slots_max" },
        { offsetof(struct swg_panel_options, policies_max), 9, "policies_max" },
        { offsetof(struct swg_panel_options, events_max), 63, "events_max" },
        { offsetof(struct swg_panel_options, events_max), 65, "events_max" },
        { offsetof(struct swg_panel_options, events_max), 131072, "events_max" },
        { offsetof(struct swg_panel_options, beyond), 3, "beyond" },
        { offsetof(struct swg_panel_options, access), 3, "access" },
        { offsetof(struct swg_panel_options, file_mode), 0666, "file_mode" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct swg_panel_options options = small_options(NULL);
        struct swg_panel *none = NULL;
        memcpy((char *)&options + bad[i].at, &bad[i].value, sizeof(bad[i].value));
        assert_int_equal(swg_panel_open(&none, &options, &error), -EINVAL);
        assert_null(none);
        assert_string_equal(error.key, bad[i].key);
        assert_non_null(strstr(error.text, "must be"));
    }
}

static void assert_act_refused(const struct swg_act *act, const char *key) {
    error = (struct swg_error)SWG_ERROR_INIT;
    assert_int_equal(swg_circuit_trip(circuit, act, &error), -EINVAL);
    assert_string_equal(error.key, key);
    assert_int_equal(status_of(circuit).state, SWG_STATE_CLOSED);
}

static void test_acts_out_of_range(void **state) {
    static const char *const no_sources[] = { "",          "rule",     "a word",          "Cli",
                                              "c\x1b[31m", "\xc3\xa9", "sixteen-letters-" };
    struct swg_act act = SWG_ACT_INIT;
    char long_text[200];
    (void)state;
    memset(long_text, 'a', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    act.user = long_text;
    assert_act_refused(&act, "user");
    act.user = "ann";
    act.reason = long_text;
    assert_act_refused(&act, "reason");
    act.reason = NULL;
    act.for_ns = -1;
    assert_act_refused(&act, "for");
    act.for_ns = 0;
    for (size_t i = 0; i < sizeof(no_sources) / sizeof(no_sources[0]); i++) {
        act.source = no_sources[i];
        assert_act_refused(&act, "source");
    }
    assert_int_equal(swg_circuit_mode(circuit, -1, NULL, &error), -EINVAL);
    assert_int_equal(swg_circuit_mode(circuit, SWG_MODE_SHADOW + 1, NULL, &error), -EINVAL);
    assert_string_equal(error.key, "mode");
}

static void test_a_clock_only_goes_forward(void **state) {
    struct swg_panel *real = open_small(NULL);
    (void)state;
    assert_int_equal(swg_panel_advance(panel, -1), -EINVAL);
    assert_int_equal(swg_panel_advance(panel, 0), 0);
    assert_int_equal(swg_panel_advance(real, 1), -EPERM);
    swg_panel_unref(real);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_structs_we_read),      STORY(test_an_outcome_counts_whatever_its_words),
        STORY(test_structs_we_fill_in),   STORY(test_structs_without_a_size),
        STORY(test_errors_of_every_size), STORY(test_no_panel),
        STORY(test_nowhere_to_put_it),    STORY(test_no_circuit),
        STORY(test_no_configuration),     STORY(test_every_key_names_its_range),
        STORY(test_every_key_reads_back), STORY(test_options_out_of_range),
        STORY(test_acts_out_of_range),    STORY(test_a_clock_only_goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
