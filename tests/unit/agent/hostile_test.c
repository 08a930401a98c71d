/*
 * Words in the panel that no honest process writes: whatever stands there, measures and expositions stay within their bounds, and
 * an exposition stays one.
 */
#include "../engine/inside.h"
#include "agent/metrics.h"
#include "base/random.h"

static struct swgi_measures *measures;
static struct swgi_random lot;
static unsigned round_number;

static uint64_t any_word(void) {
    static const uint64_t odd[] = { 0, 1, UINT64_MAX, INT64_MAX, UINT64_C(1) << 63, UINT32_MAX };
    uint64_t which = swgi_random_below(&lot, 12);

    return which < 6 ? odd[which] : swgi_random_next(&lot) >> swgi_random_below(&lot, 64);
}

static void scribble(void *from, size_t size) {
    swgi_word *words = from;

    for (size_t i = 0; i < size / sizeof(*words); i++)
        if (swgi_random_below(&lot, 8) == 0)
            swgi_store(&words[i], any_word());
}

/* All but the life and the name, without which nobody finds it. */
static void scribble_over_the_circuit(void) {
    const struct swgi_map *map = binding()->map;
    struct swgi_cell *of = cell();
    swgi_word *first = &of->ctl;

    scribble(first, (size_t)((char *)of->name - (char *)first));
    for (uint32_t c = 0; c < map->geometry.columns; c++)
        scribble(&map->columns[c * map->geometry.circuits + binding()->index],
                 sizeof(struct swgi_column));
    scribble(map->histograms, SWGI_HISTOGRAM_BINS * sizeof(swgi_word));
    if (swgi_policies_of(map, of) != NULL)
        scribble(swgi_policies_of(map, of), sizeof(struct swgi_policies));
}

static void hostile_event(void) {
    struct swg_event event = SWG_EVENT_INIT;

    event.kind = (int)swgi_random_below(&lot, 14);
    event.at = (swg_ns)any_word();
    event.from = (int)swgi_random_below(&lot, 256);
    event.to = (int)swgi_random_below(&lot, 5);
    strcpy(event.circuit, "dependency");
    for (unsigned i = 0; i < sizeof(event.error_kind) - 1; i++)
        event.error_kind[i] = (char)(1 + swgi_random_below(&lot, 126));
    swgi_measures_event(measures, &event);
}

static bool is_number(const char *from, const char *end) {
    char *stop;

    (void)strtod(from, &stop);
    return from < end && stop == end;
}

static void assert_is_exposition(const char *text) {
    for (const char *end, *line = text; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        assert_non_null(end);
        const char *last = end;
        while (last > line && last[-1] != ' ')
            last--;
        if (*line != '#' && !is_number(last, end))
            fail_msg("round %u: %.*s", round_number, (int)(end - line), line);
    }
}

static void expose(int format) {
    struct swgi_agent_health health = { 0 };
    char *text = NULL;
    size_t size = 0;

    assert_int_equal(swgi_metrics_write(panel, measures, NULL, &health, format, &text, &size), 0);
    assert_is_exposition(text);
    free(text);
}

static void test_any_words(void **state) {
    (void)state;
    set("bulkhead.max_concurrent", "4");
    set("limiter.rate", "30");
    make();
    assert_int_equal(swgi_measures_new(&measures, panel), 0);
    swgi_random_init(&lot, 1);
    advance(S(100));
    for (round_number = 0; round_number < 3000; round_number++) {
        scribble_over_the_circuit();
        hostile_event();
        advance((swg_ns)swgi_random_below(&lot, S(100)));
        assert_int_equal(swgi_measures_tick(measures, NULL), 0);
        expose(round_number % 2 == 0 ? SWGI_METRICS_TEXT : SWGI_METRICS_OPENMETRICS);
    }
    measures = swgi_measures_unref(measures);
}

static void test_a_clock_beyond_all_times(void **state) {
    static const uint64_t times[] = { INT64_MAX, UINT64_C(1) << 63, UINT64_MAX, 0, 1 };

    (void)state;
    make();
    assert_int_equal(swgi_measures_new(&measures, panel), 0);
    for (unsigned i = 0; i < 5; i++) {
        swgi_store(&binding()->map->header->virtual_clock, times[i]);
        for (unsigned n = 0; n < 6; n++)
            if (acquire() == SWG_GO)
                record_permit(&latest, SWG_FAILURE, 0);
        assert_int_equal(swgi_measures_tick(measures, NULL), 0);
        expose(SWGI_METRICS_TEXT);
        (void)hand(swg_circuit_reset, 0, 1);
    }
    measures = swgi_measures_unref(measures);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_any_words),
        STORY(test_a_clock_beyond_all_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
