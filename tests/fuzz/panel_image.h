/*
 * A small panel with something of everything in it, and ways to damage it.
 *
 * The image is made once by the library itself: circuits closed, open, half-open with a probe held, ramping, isolated, in
 * shadow; every kind of window; permits, a queue, a log and all other policies; events in both rings. Each input gets a fresh copy in a file, and edits of it.
 */
#ifndef TESTS_FUZZ_PANEL_IMAGE_H
#define TESTS_FUZZ_PANEL_IMAGE_H

#include "fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "panel/map.h"
#include "panel/panel.h"
#include "panel/record.h"
#include "switchgear/switchgear.h"

static char folder[64], path[96], panel_file[128], lock_file[128];
static unsigned char *image; /* the sound panel */
static unsigned char *file;  /* the file of this input, mapped as any process may map it */
static uint64_t image_size, file_size;
static int file_fd = -1;
static struct swgi_section where[SWGI_SECTIONS];

#define BOOT       "the boot of the image"
#define SECONDS(n) ((n)*INT64_C(1000000000))

/* ---- making the image */

static inline struct swg_panel_options image_options(void) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.path = path;
    options.circuits_max = 7;
    options.columns_max = 2;
    options.histograms_max = 4;
    options.slots_max = 512;
    options.policies_max = 3;
    options.events_max = 64;
    options.virtual_clock = 1;
    options.boot_id = BOOT;
    options.process_name = "image";
    return options;
}

static inline void set_all(struct swg_config *config, const char *const *rows) {
    struct swg_error error = SWG_ERROR_INIT;
    for (; rows[0] != NULL; rows += 2) {
        if (swg_config_set(config, rows[0], rows[1], &error) == 0)
            continue;
        fprintf(stderr, "%s=%s: %s\n", rows[0], rows[1], error.text);
        abort();
    }
}

static inline struct swg_circuit *make_circuit(struct swg_panel *panel, const char *name,
                                               const char *const *rows) {
    struct swg_circuit *circuit = NULL;
    struct swg_config *config = NULL;
    struct swg_error error = SWG_ERROR_INIT;
    REQUIRE(swg_config_new(&config) == 0);
    set_all(config, rows);
    if (swg_circuit_get(panel, name, config, &circuit, &error) != 0) {
        fprintf(stderr, "%s: %s\n", error.key, error.text);
        abort();
    }
    swg_config_unref(config);
    return circuit;
}

static inline void call_it(struct swg_panel *panel, struct swg_circuit *circuit, int outcome,
                           unsigned times) {
    struct swg_failure why = SWG_FAILURE_INIT;
    struct swg_permit permit;
    why.kind = "refused";
    why.text = "connection refused";
    for (; times > 0; times--)
        if (swg_acquire(circuit, NULL, &permit) == SWG_GO)
            swg_record_at(&permit, outcome, &why, swg_panel_now(panel),
                          outcome == SWG_SUCCESS ? 900000 : 2000000);
}

static const char *const with_everything[] = { "breaker.slow_call_duration",
                                               "1ms",
                                               "breaker.trip.0.change.healthy",
                                               "0.01",
                                               "breaker.trip.0.change.unhealthy",
                                               "0.3",
                                               "breaker.trip.1.failure_rate.percent",
                                               "90",
                                               "breaker.trip.1.failure_rate.calls",
                                               "40",
                                               "breaker.trip.2.slow_rate.percent",
                                               "99",
                                               "breaker.trip.2.slow_rate.window",
                                               "20s",
                                               "breaker.trip.3.failures.weight",
                                               "900",
                                               "breaker.trip.3.failures.window",
                                               "10s",
                                               "shed.call_load_above",
                                               "100",
                                               NULL };
static const char *const that_opens[] = { "breaker.trip.0.consecutive",
                                          "2",
                                          "breaker.open.for",
                                          "60s",
                                          "breaker.open.multiplier",
                                          "3",
                                          "breaker.open.max",
                                          "10m",
                                          "breaker.histogram",
                                          "no",
                                          NULL };
static const char *const that_probes[] = { "breaker.trip.0.consecutive",
                                           "2",
                                           "breaker.open.for",
                                           "1s",
                                           "breaker.half_open.probes",
                                           "4",
                                           "breaker.half_open.success_threshold",
                                           "3",
                                           NULL };
static const char *const that_ramps[] = { "breaker.trip.0.failure_rate.percent",
                                          "50",
                                          "breaker.trip.0.failure_rate.calls",
                                          "10",
                                          "breaker.trip.0.failure_rate.calls_min",
                                          "2",
                                          "breaker.open.for",
                                          "1s",
                                          "breaker.half_open.success_threshold",
                                          "1",
                                          "breaker.half_open.ramp",
                                          "20, 50, 80",
                                          "breaker.histogram",
                                          "no",
                                          NULL };

/* Each policy, with every kind of run. */
static const char *const that_limits[] = { "bulkhead.max_concurrent",
                                           "3",
                                           "bulkhead.when_busy",
                                           "wait",
                                           "bulkhead.max_queue",
                                           "6",
                                           "bulkhead.partitions",
                                           "-1:100, 31:70",
                                           "bulkhead.dynamic_priority",
                                           "yes",
                                           "adaptive.algorithm",
                                           "gradient2",
                                           "adaptive.window",
                                           "100ms",
                                           "limiter.rate",
                                           "30",
                                           "limiter.algorithm",
                                           "sliding_log",
                                           "limiter.adaptive",
                                           "yes",
                                           "limiter.resource_aware",
                                           "yes",
                                           "retry.attempts",
                                           "3",
                                           "retry.backoff",
                                           "adaptive",
                                           "timeout.attempt",
                                           "5s",
                                           "timeout.auto",
                                           "1",
                                           "cache.bytes",
                                           "65536",
                                           "fallback.chain",
                                           "cache, alternative, static",
                                           "fallback.alternative",
                                           "everything",
                                           "fallback.static",
                                           "sorry",
                                           "features.list",
                                           "checkout:100, search:50, reviews:10",
                                           "breaker.slow_call_duration",
                                           "1ms",
                                           NULL };

/* Each form of a policy that follows what it measures, and each limiter and backoff that the image has not. */
#define FOLLOWERS 4u
static const char *const that_follow[FOLLOWERS][24] = {
    { "adaptive.algorithm", "switchgear", "adaptive.window", "100ms", "adaptive.max", "20",
      "limiter.rate", "1000", "limiter.algorithm", "fixed_window", "retry.attempts", "4",
      "retry.backoff", "fibonacci", "timeout.auto", "10", NULL },
    { "adaptive.algorithm", "aimd", "adaptive.max", "20", "adaptive.window", "100ms",
      "adaptive.timeout", "10ms", "limiter.rate", "1000", "limiter.algorithm", "sliding_window",
      "retry.attempts", "4", NULL },
    { "adaptive.algorithm", "vegas", "adaptive.max", "20", "adaptive.window", "100ms",
      "limiter.rate", "1000", "limiter.algorithm", "leaky_bucket", "retry.attempts", "4",
      "retry.backoff", "linear", NULL },
    { "adaptive.algorithm", "gradient2", "adaptive.max", "20", "adaptive.window", "100ms",
      "limiter.rate", "3", "limiter.algorithm", "token_bucket", "retry.attempts", "4", NULL },
};

/* One holds a permit, one waits, one was let through. */
static inline void crowd(struct swg_panel *panel, struct swg_circuit *limits) {
    struct swg_permit permit;
    call_it(panel, limits, SWG_SUCCESS, 2);
    call_it(panel, limits, SWG_FAILURE, 1);
    for (unsigned i = 0; i < 4; i++)
        REQUIRE(swg_acquire(limits, NULL, &permit) >= SWG_GO);
    REQUIRE(swg_feature_enabled(limits, "search") == 1);
}

static inline void furnish(struct swg_panel *panel) {
    struct swg_act act = SWG_ACT_INIT;
    struct swg_permit held;
    act.user = "ann";
    act.reason = "the image";
    act.for_ns = SECONDS(3600);
    struct swg_circuit *everything = make_circuit(panel, "everything", with_everything);
    struct swg_circuit *open = make_circuit(panel, "open", that_opens);
    struct swg_circuit *half = make_circuit(panel, "half", that_probes);
    struct swg_circuit *ramp = make_circuit(panel, "ramp", that_ramps);
    struct swg_circuit *forced = make_circuit(panel, "forced", that_opens);
    struct swg_circuit *limits = make_circuit(panel, "limits", that_limits);
    call_it(panel, everything, SWG_SUCCESS, 30);
    call_it(panel, everything, SWG_TIMEOUT, 2);
    call_it(panel, half, SWG_FAILURE, 2);
    call_it(panel, ramp, SWG_FAILURE, 2);
    REQUIRE(swg_circuit_mode(forced, SWG_MODE_SHADOW, &act, NULL) == 0);
    REQUIRE(swg_panel_advance(panel, SECONDS(2)) == 0);
    call_it(panel, half, SWG_SUCCESS, 1);
    call_it(panel, ramp, SWG_SUCCESS, 1);
    call_it(panel, open, SWG_FAILURE, 2);
    REQUIRE(swg_acquire(half, NULL, &held) == SWG_GO);
    REQUIRE(swg_acquire(everything, NULL, &held) == SWG_GO);
    crowd(panel, limits);
}

static inline void keep_image(void) {
    struct stat status;
    file_fd = open(panel_file, O_RDWR | O_CLOEXEC);
    REQUIRE(file_fd >= 0 && fstat(file_fd, &status) == 0);
    image_size = (uint64_t)status.st_size;
    image = malloc(image_size);
    REQUIRE(image != NULL && pread(file_fd, image, image_size, 0) == (ssize_t)image_size);
    file = mmap(NULL, image_size, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 0);
    REQUIRE(file != MAP_FAILED);
    const struct swgi_header *header = (const struct swgi_header *)(const void *)image;
    REQUIRE(header->sections_count == SWGI_SECTIONS);
    memcpy(where, header->sections, sizeof(where));
}

static inline void make_image(void) {
    struct swg_panel_options options;
    struct swg_panel *panel = NULL;
    struct swg_error error = SWG_ERROR_INIT;
    snprintf(folder, sizeof(folder), "%s/swg-fuzz.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/main", folder);
    snprintf(panel_file, sizeof(panel_file), "%s.v1.panel", path);
    snprintf(lock_file, sizeof(lock_file), "%s.v1.lock", path);
    options = image_options();
    if (swg_panel_open(&panel, &options, &error) != 0) {
        fprintf(stderr, "%s: %s\n", error.key, error.text);
        abort();
    }
    furnish(panel);
    keep_image(); /* while it is open: as a killed process would leave it */
    swg_panel_unref(panel);
}

static inline void remove_image(void) {
    unlink(panel_file);
    unlink(lock_file);
    rmdir(folder);
}

/* ---- a copy for each input */

static inline void resize_file(uint64_t size) {
    REQUIRE(ftruncate(file_fd, (off_t)size) == 0);
    file_size = size;
}

static inline void restore_file(void) {
    resize_file(image_size);
    memcpy(file, image, image_size);
}

static inline struct swgi_header *file_header(void) {
    return (struct swgi_header *)(void *)file;
}

static inline void fix_checksum(void) {
    if (file_size >= sizeof(struct swgi_header))
        file_header()->crc = swgi_header_crc(file_header());
}

/* ---- edits: where, which one, which word of it, how, with what */

static const uint64_t telling[] = { 0,
                                    1,
                                    2,
                                    63,
                                    UINT8_MAX,
                                    UINT16_MAX,
                                    INT32_MAX,
                                    UINT32_MAX,
                                    UINT64_C(1) << 32,
                                    INT64_MAX,
                                    UINT64_C(1) << 63,
                                    UINT64_MAX - 1,
                                    UINT64_MAX,
                                    UINT64_C(0x7ff8000000000000), /* not a number */
                                    UINT64_C(0x7ff0000000000000), /* infinity */
                                    UINT64_C(0xfff0000000000000) };

static inline uint64_t edited(struct input *input, uint64_t word) {
    unsigned how = (unsigned)take(input, 1), bit = how >> 3;
    switch (how & 7) {
    case 0:
        return take(input, 8);
    case 1:
        return word ^ UINT64_C(1) << (bit * 2 + take(input, 1) % 2);
    case 2:
        return word + (uint64_t)(int64_t)(int8_t)take(input, 1);
    case 3:
        return telling[bit % 16];
    case 4:
        return (word & ~(UINT64_C(0xff) << bit % 8 * 8)) | take(input, 1) << bit % 8 * 8;
    case 5:
        return (word & ~UINT64_C(0xffffffff)) | take(input, 4);
    case 6:
        return (word & UINT64_C(0xffffffff)) | take(input, 4) << 32;
    default:
        return word ^ take(input, 8);
    }
}

static inline void edit_word(struct input *input, uint64_t offset) {
    uint64_t word;
    if (offset + sizeof(word) > file_size || offset + sizeof(word) > image_size)
        return;
    memcpy(&word, file + offset, sizeof(word));
    word = edited(input, word);
    memcpy(file + offset, &word, sizeof(word));
}

#define WORDS_OF(type)       (sizeof(type) / sizeof(uint64_t))
#define WORD_OF(type, field) (offsetof(type, field) / sizeof(uint64_t))

/* What is edited as often as its neighbours, however small it is beside them; section 0 is the header. */
static const struct spot {
    unsigned section;
    uint64_t from, words;
} spots[] = {
    { 0, 0, 12 }, /* magic to geometry */
    { 0, WORD_OF(struct swgi_header, sections), 3 * SWGI_SECTIONS_MAX },
    { 0, WORD_OF(struct swgi_header, virtual_clock), 42 },
    { SWGI_SECTION_PROCESSES, 0, WORDS_OF(struct swgi_process) },
    { SWGI_SECTION_CIRCUITS, 0, 8 }, /* what every call reads */
    { SWGI_SECTION_CIRCUITS, 8, 16 },
    { SWGI_SECTION_CIRCUITS, WORD_OF(struct swgi_cell, since), 8 },
    { SWGI_SECTION_CIRCUITS, WORD_OF(struct swgi_cell, transitions), 16 },
    { SWGI_SECTION_CIRCUITS, WORD_OF(struct swgi_cell, snapshots), 3 * SWGI_SNAPSHOTS },
    { SWGI_SECTION_CIRCUITS, WORD_OF(struct swgi_cell, probes), SWGI_PROBES_MAX },
    { SWGI_SECTION_CIRCUITS, WORD_OF(struct swgi_cell, evidence), 40 },
    { SWGI_SECTION_CIRCUITS, WORD_OF(struct swgi_cell, name), 20 },
    { SWGI_SECTION_INDEX, 0, 1 },
    { SWGI_SECTION_LEASES, 0, 1 },
    { SWGI_SECTION_COLUMNS, 0, WORDS_OF(struct swgi_column) },
    { SWGI_SECTION_HISTOGRAMS, 0, 1 },
    { SWGI_SECTION_HISTOGRAM_OWNERS, 0, 1 },
    { SWGI_SECTION_SLOTS, 0, 1 },
    { SWGI_SECTION_POLICIES, 0, 16 }, /* traits, habits, waits and stamps */
    { SWGI_SECTION_POLICIES, WORD_OF(struct swgi_policies, bulkhead), 16 },
    { SWGI_SECTION_POLICIES, WORD_OF(struct swgi_policies, limiter), 16 },
    { SWGI_SECTION_POLICIES, WORD_OF(struct swgi_policies, budget), 8 },
    { SWGI_SECTION_POLICIES, WORD_OF(struct swgi_policies, adaptive), 16 },
    { SWGI_SECTION_POLICIES, WORD_OF(struct swgi_policies, features), 8 },
    { SWGI_SECTION_POLICIES, WORD_OF(struct swgi_policies, costs), SWGI_COSTS },
    { SWGI_SECTION_POLICIES, WORD_OF(struct swgi_policies, timeout), 16 },
    { SWGI_SECTION_POLICY_OWNERS, 0, 1 },
    { SWGI_SECTION_SLOT_OWNERS, 0, 1 },
    { SWGI_SECTION_ACTS, 0, 8 },
    { SWGI_SECTION_NOTICES, 0, 8 },
};
#define SPOTS (sizeof(spots) / sizeof(spots[0]))
#define EDITS 9u /* of settings and records, besides */

static inline void edit_spot(struct input *input, const struct spot *spot) {
    struct swgi_section all = { .count = 1 };
    const struct swgi_section *section = spot->section == 0 ? &all : &where[spot->section - 1];
    if (section->count == 0)
        return;
    uint64_t element = take(input, 1) % section->count, word = take(input, 1) % spot->words;
    edit_word(input,
              section->offset + element * section->stride + (spot->from + word) * sizeof(uint64_t));
}

static inline uint64_t some_cell(struct input *input) {
    const struct swgi_section *section = &where[SWGI_SECTION_CIRCUITS - 1];
    return section->offset + take(input, 1) % section->count * section->stride;
}

/* The settings in force of a circuit, so that the edit is acted upon. */
static inline void edit_settings(struct input *input) {
    uint64_t cell = some_cell(input);
    uint32_t sequence;
    if (cell + sizeof(struct swgi_cell) > file_size)
        return;
    memcpy(&sequence, file + cell + offsetof(struct swgi_cell, settings_sequence),
           sizeof(sequence));
    uint64_t word = (sequence & 1) * SWGI_SETTINGS_WORDS + take(input, 1) % SWGI_SETTINGS_WORDS;
    edit_word(input, cell + offsetof(struct swgi_cell, settings) + word * sizeof(uint64_t));
}

/* The same of its policies. */
static inline void edit_policy_settings(struct input *input) {
    const struct swgi_section *section = &where[SWGI_SECTION_POLICIES - 1];
    uint64_t extent = section->offset + take(input, 1) % section->count * section->stride;
    uint32_t sequence;
    if (extent + sizeof(struct swgi_policies) > file_size)
        return;
    memcpy(&sequence, file + extent + offsetof(struct swgi_policies, settings_sequence),
           sizeof(sequence));
    uint64_t word =
        (sequence & 1) * SWGI_POLICY_SETTINGS_WORDS + take(input, 1) % SWGI_POLICY_SETTINGS_WORDS;
    edit_word(input, extent + offsetof(struct swgi_policies, settings) + word * sizeof(uint64_t));
}

/* Sequence, checksum and words of a record: words change and the checksum holds. */
static inline void edit_record(struct input *input, uint64_t at, unsigned words) {
    uint64_t copy[64];
    if (at + (words + 2) * sizeof(uint64_t) > file_size)
        return;
    swgi_word *record = (swgi_word *)(void *)(file + at);
    memcpy(copy, file + at + 2 * sizeof(uint64_t), words * sizeof(*copy));
    unsigned first = (unsigned)take(input, 1) % words, count = 1 + (unsigned)take(input, 1) % 8;
    for (unsigned i = first; i < words && i < first + count; i++)
        copy[i] = edited(input, copy[i]);
    swgi_record_fill(&record[1], record + 2, copy, words, swgi_load(&record[0]));
}

static inline void edit_some_record(struct input *input) {
    unsigned which = (unsigned)take(input, 1) % 4;
    const struct swgi_section *ring =
        &where[(which == 0 ? SWGI_SECTION_ACTS : SWGI_SECTION_NOTICES) - 1];
    if (which < 2)
        edit_record(input, ring->offset + take(input, 1) % 16 * ring->stride, 62);
    else if (which == 2)
        edit_record(input, some_cell(input) + offsetof(struct swgi_cell, evidence),
                    SWGI_EVIDENCE_WORDS);
    else
        edit_record(input, some_cell(input) + offsetof(struct swgi_cell, mode_act), 22);
}

static inline void edit_file(struct input *input) {
    unsigned what = (unsigned)take(input, 1) % (SPOTS + EDITS);
    if (what < SPOTS)
        edit_spot(input, &spots[what]);
    else if (what < SPOTS + 4)
        edit_settings(input);
    else if (what < SPOTS + 7)
        edit_policy_settings(input);
    else
        edit_some_record(input);
}

#endif
