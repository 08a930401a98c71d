/*
 * A hostile panel: whatever stands in the file, and whatever is written to it while it is in use, every function answers. Wrong
 * numbers may make bad decisions; they must not crash, hang, leak, or hand out what is not fit to be shown.
 *
 * An input is a list of edits of a sound panel (panel_image.h), then of calls and further edits; or the file's bytes themselves.
 */
#include "panel_image.h"

#include <errno.h>

#include "circuit/keys.h"

#define PERMITS    4u
#define STEPS_MAX  48u
#define PRESETS    6u
#define CONFIGS    (PRESETS + FOLLOWERS)
#define RAW_FILE   1u
#define CHECKSUM   2u
#define INSPECT    4u
#define NEXT_BOOT  8u
#define REAL_CLOCK 16u
#define CUT        32u

static const char *const names[] = { "everything", "open",   "half",    "ramp",
                                     "forced",     "limits", "_beyond", "another" };
static struct swg_config *configs[CONFIGS];

struct world {
    struct swg_panel *panel;
    struct swg_circuit *circuits[8];
    struct swg_permit permits[PERMITS];
    uint64_t cursor;
    unsigned flags;
};

/* ---- what is handed out must be fit for it */

static void require_event(const struct swg_event *event) {
    REQUIRE_TEXT(event->circuit);
    REQUIRE_TEXT(event->user);
    REQUIRE_TEXT(event->text);
    REQUIRE_TEXT(event->error_kind);
}

static void require_status(const struct swg_status *status) {
    REQUIRE_TEXT(status->name);
    REQUIRE_TEXT(status->preset);
    REQUIRE(status->state >= SWG_STATE_CLOSED && status->state <= SWG_STATE_HALF_OPEN);
    REQUIRE(status->mode >= SWG_MODE_NORMAL && status->mode <= SWG_MODE_SHADOW);
    REQUIRE(status->ramp_percent >= 0 && status->ramp_percent <= 100);
    REQUIRE(status->in_flight >= 0);
    REQUIRE(status->limiter_share >= 0 && status->limiter_share <= 1);
    REQUIRE(status->features_on <= status->features_all);
    REQUIRE(status->held_longest >= 0 && status->attempt_timeout >= 0);
}

static void require_why(const struct swg_why *why) {
    require_status(&why->status);
    REQUIRE(why->rules_count <= 8 && why->transitions_count <= 5 && why->samples_count <= 5);
    REQUIRE(why->holders_count <= 16);
    for (uint32_t i = 0; i < why->rules_count; i++)
        REQUIRE_TEXT(why->rules[i].text);
    for (uint32_t i = 0; i < why->transitions_count; i++)
        require_event(&why->transitions[i]);
    for (uint32_t i = 0; i < why->samples_count; i++)
        require_event(&why->samples[i]);
    for (uint32_t i = 0; i < why->holders_count; i++)
        REQUIRE_TEXT(why->holders[i].process);
    REQUIRE(why->permits_count <= sizeof(why->permits) / sizeof(why->permits[0]));
    for (uint32_t i = 0; i < why->permits_count; i++)
        REQUIRE_TEXT(why->permits[i].process);
    REQUIRE_TEXT(why->mode_user);
    REQUIRE_TEXT(why->mode_reason);
    REQUIRE_TEXT(why->origin);
}

static void require_answer(int rc) {
    REQUIRE(rc == SWG_GO || rc == SWG_QUEUED || swg_is_rejection(rc) || rc < 0);
}

static void require_error(int rc, const struct swg_error *error) {
    REQUIRE(rc <= 0);
    REQUIRE_TEXT(error->key);
    REQUIRE_TEXT(error->text);
    REQUIRE(rc == 0 || swg_strerror(rc)[0] != '\0');
}

/* ---- steps */

static void get(struct world *world, struct input *input) {
    struct swg_error error = SWG_ERROR_INIT;
    unsigned which = (unsigned)take(input, 1), name = which % 8;
    const struct swg_config *config = configs[which / 8 % CONFIGS];
    require_error(
        swg_circuit_get(world->panel, names[name], config, &world->circuits[name], &error), &error);
}

static void find(struct world *world, struct input *input) {
    unsigned name = (unsigned)take(input, 1) % 8;
    int rc = swg_circuit_find(world->panel, names[name], &world->circuits[name]);
    REQUIRE(rc == 0 || rc == -ENOENT);
}

static struct swg_circuit *some_circuit(struct world *world, struct input *input) {
    unsigned name = (unsigned)take(input, 1) % 8;
    if (world->circuits[name] == NULL)
        swg_circuit_find(world->panel, names[name], &world->circuits[name]);
    return world->circuits[name];
}

static struct swg_permit *some_permit(struct world *world, struct input *input) {
    return &world->permits[take(input, 1) % PERMITS];
}

static void acquire(struct world *world, struct input *input) {
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_circuit *circuit = some_circuit(world, input);
    struct swg_permit *permit = some_permit(world, input);
    swg_ns off = (swg_ns)(int16_t)take(input, 2) * 1000000;
    request.key = take(input, 1);
    request.load = (uint32_t)take(input, 1);
    request.priority = (int32_t)(request.load % 70) - 33;
    request.deadline = swg_panel_now(world->panel) + 1 + (swg_ns)(int8_t)take(input, 1) * 1000000;
    swg_cancel(permit);
    if (request.key & 1)
        require_answer(swg_acquire(circuit, &request, permit));
    else
        require_answer(swg_acquire_at(
            circuit, NULL, (swg_ns)((uint64_t)swg_panel_now(world->panel) + (uint64_t)off),
            permit));
}

static void record(struct world *world, struct input *input) {
    struct swg_failure why = SWG_FAILURE_INIT;
    struct swg_permit *permit = some_permit(world, input);
    int outcome = SWG_SUCCESS - 1 + (int)(take(input, 1) % 6);
    swg_ns duration = (swg_ns)(int16_t)take(input, 2) * 100000;
    why.kind = "timeout";
    why.text = "no answer in 10 s";
    why.retry_after = (swg_ns)(int16_t)take(input, 2) * 1000000;
    int rc = duration % 3 == 0
                 ? swg_record_error(permit, outcome, &why)
                 : swg_record_at(permit, outcome, &why, swg_panel_now(world->panel), duration);
    REQUIRE(rc <= 0 || rc == SWG_RETRY);
    REQUIRE(swg_retry_in(permit) >= 0 || permit->opaque[0] == 0);
}

/* Whoever queued looks, or goes on with another attempt. */
static void go_on(struct world *world, struct input *input) {
    struct swg_permit *permit = some_permit(world, input);
    unsigned how = (unsigned)take(input, 1) % 5;
    if (how == 0)
        require_answer(swg_wait(permit, swg_panel_now(world->panel) + 1000));
    else if (how == 1)
        require_answer(swg_poll(permit));
    else if (how == 2)
        require_answer(swg_acquire_again(permit));
    else if (how == 3)
        swg_wait_fd(permit);
    else
        REQUIRE(swg_deadline(permit) <= SWG_NS_MAX);
}

static void feature(struct world *world, struct input *input) {
    struct swg_circuit *circuit = some_circuit(world, input);
    int on = swg_feature_enabled(circuit, take(input, 1) & 1 ? "search" : "checkout");
    REQUIRE(on <= 1);
}

static void cancel(struct world *world, struct input *input) {
    swg_cancel(some_permit(world, input));
}

/* A word that its checksum covers, or one that only the panel can prove. */
static void spoil_permit(struct world *world, struct input *input) {
    struct swg_permit *permit = some_permit(world, input);
    unsigned word = (unsigned)take(input, 1) % 8;
    if (word != 0)
        permit->opaque[word] ^= take(input, 8);
}

static int fn(struct swg_attempt *attempt, void *arg) {
    struct swg_failure why = SWG_FAILURE_INIT;
    why.kind = "refused";
    swg_attempt_failure(attempt, &why);
    return *(int *)arg;
}

static void call(struct world *world, struct input *input) {
    struct swg_result result = SWG_RESULT_INIT;
    struct swg_circuit *circuit = some_circuit(world, input);
    unsigned times = (unsigned)take(input, 1) % 16;
    int outcome = SWG_SUCCESS - 1 + (int)(take(input, 1) % 6);
    struct swg_request request = SWG_REQUEST_INIT;
    request.deadline = swg_panel_now(world->panel) + 1000000; /* what is retried ends */
    request.key = times % 3;
    for (; times > 0; times--) {
        result = (struct swg_result)SWG_RESULT_INIT;
        swg_call(circuit, &request, fn, &outcome, &result);
        REQUIRE_TEXT(result.error.text);
        swg_buffer_release(&result.value);
    }
}

static void configure(struct world *world, struct input *input) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_circuit *circuit = some_circuit(world, input);
    const struct swg_config *config = configs[take(input, 1) % CONFIGS];
    if (circuit == NULL)
        return;
    require_error(swg_circuit_configure(circuit, config, &error), &error);
}

static void act(struct world *world, struct input *input) {
    struct swg_act by = SWG_ACT_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_circuit *circuit = some_circuit(world, input);
    unsigned which = (unsigned)take(input, 1);
    by.user = "ann";
    by.reason = "an input";
    by.for_ns = (swg_ns)take(input, 2) * 10000000;
    by.force = which & 1;
    if (which / 8 % 4 == 0)
        require_error(swg_circuit_trip(circuit, &by, &error), &error);
    else if (which / 8 % 4 == 1)
        require_error(swg_circuit_reset(circuit, &by, &error), &error);
    else if (which / 8 % 4 == 2)
        require_error(swg_circuit_probe(circuit, &by, &error), &error);
    else
        require_error(swg_circuit_mode(circuit, (int)(which % 4), &by, &error), &error);
}

static void look(struct world *world, struct input *input) {
    struct swg_status status = SWG_STATUS_INIT;
    struct swg_why why = SWG_WHY_INIT;
    struct swg_circuit *circuit = some_circuit(world, input);
    if (swg_circuit_status(circuit, &status) == 0)
        require_status(&status);
    if (swg_circuit_why(circuit, &why) == 0)
        require_why(&why);
    int state = swg_circuit_state(circuit);
    REQUIRE(state < 0 || strcmp(swg_state_name(state), "?") != 0);
}

static void settings(struct world *world, struct input *input) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_circuit *circuit = some_circuit(world, input);
    char value[SWGI_KEY_VALUE_MAX], key[SWGI_KEY_NAME_MAX];
    unsigned which = (unsigned)take(input, 1) % (swgi_keys_count + swgi_rule_keys_count);
    struct swgi_key_place place = { .key = which < swgi_keys_count
                                               ? &swgi_keys[which]
                                               : &swgi_rule_keys[which - swgi_keys_count],
                                    .entry = which % SWGI_TRIP_RULES_MAX };
    swgi_key_name(&place, key);
    if (swg_circuit_setting(circuit, key, value, sizeof(value)) == 0)
        REQUIRE_TEXT(value);
    swg_circuit_differs(circuit, configs[take(input, 1) % CONFIGS], &error);
    REQUIRE_TEXT(error.text);
}

static void events(struct world *world, struct input *input) {
    struct swg_event event = SWG_EVENT_INIT;
    unsigned more = 130;
    if (take(input, 1) & 1)
        world->cursor = 0;
    while (more-- > 0 && swg_panel_next_event(world->panel, &world->cursor, &event) != 0)
        require_event(&event);
}

static void on_event(void *arg, const struct swg_event *event) {
    (void)arg;
    require_event(event);
}

static void poll(struct world *world, struct input *input) {
    if (take(input, 1) & 1)
        swg_panel_log(world->panel, on_event, world);
    swg_panel_poll(world->panel);
}

static void advance(struct world *world, struct input *input) {
    swg_ns by = (swg_ns)(take(input, 2) * 10000000);
    int rc = swg_panel_advance(world->panel, by);
    REQUIRE(rc == 0 || rc == -EPERM || rc == -EROFS);
}

static void edit(struct world *world, struct input *input) {
    (void)world;
    edit_file(input);
}

static void walk(struct world *world, struct input *input) {
    struct swg_circuit *circuit = NULL;
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    uint32_t cursor = (uint32_t)take(input, 1) & 8;
    while (swg_panel_next_circuit(world->panel, &cursor, &circuit) == 0)
        REQUIRE(swg_circuit_name(circuit)[0] != '\0');
    REQUIRE(swg_panel_status(world->panel, &status) == 0);
    REQUIRE_TEXT(status.path);
    REQUIRE(status.circuits <= status.circuits_max && status.columns <= status.columns_max);
    REQUIRE(status.histograms <= status.histograms_max);
    REQUIRE(status.policies <= status.policies_max && status.slots <= status.slots_max);
}

typedef void step(struct world *, struct input *);
static step *const steps[] = { get,    find,      acquire, record, cancel,   spoil_permit,
                               call,   configure, act,     look,   settings, events,
                               poll,   advance,   edit,    walk,   call,     acquire,
                               record, edit,      go_on,   feature };

/* ---- an input */

static void set_up_file(struct world *world, struct input *input) {
    unsigned edits = (unsigned)take(input, 1) % 24;
    restore_file();
    if (world->flags & RAW_FILE) {
        resize_file(left(input) < image_size ? left(input) : image_size);
        memcpy(file, input->at, file_size);
        input->at = input->end;
    } else if (world->flags & REAL_CLOCK) {
        file_header()->virtual_clock_on = 0;
        fix_checksum();
    }
    for (; edits > 0 && !(world->flags & RAW_FILE); edits--)
        edit_file(input);
    if (world->flags & CUT) {
        uint64_t size = take(input, 3);
        resize_file(size % 2 ? size : size & ~UINT64_C(4095));
    }
    if (world->flags & CHECKSUM)
        fix_checksum();
}

static bool open_panel(struct world *world) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    options.path = path;
    options.access = world->flags & INSPECT ? SWG_PANEL_INSPECT : SWG_PANEL_ATTACH;
    options.boot_id = world->flags & NEXT_BOOT ? "another boot" : BOOT;
    options.beyond = (int)(world->flags >> 6) % 3;
    options.process_name = "fuzz";
    int rc = swg_panel_open(&world->panel, &options, &error);
    require_error(rc, &error);
    REQUIRE((rc == 0) == (world->panel != NULL));
    REQUIRE(rc == 0 || (error.code == rc && error.text[0] != '\0'));
    return rc == 0;
}

static int lowest_free_fd(void) {
    int fd = dup(file_fd);
    close(fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct input input = { bytes, bytes + size };
    struct world world = { 0 };
    int fd_before = lowest_free_fd();
    world.flags = (unsigned)take(&input, 1);
    set_up_file(&world, &input);
    if (open_panel(&world)) {
        for (unsigned i = 0; i < STEPS_MAX && left(&input) > 0; i++)
            steps[take(&input, 1) % (sizeof(steps) / sizeof(steps[0]))](&world, &input);
        swg_panel_unref(world.panel);
    }
    REQUIRE(lowest_free_fd() == fd_before);
    return 0;
}

/* ---- seeds: each step and each place once, then everything in order */

enum {
    ACQUIRE = 2,
    RECORD = 3,
    CALL = 6,
    CONFIGURE = 7,
    LOOK = 9,
    ADVANCE = 13,
    GO_ON = 20,
    LIMITS = 5
};

/* A circuit gets other policies, and calls enough for limits, timeouts and windows to move. */
static size_t steps_with(uint8_t *out, uint8_t config) {
    uint8_t *at = out;
    REQUIRE(steps[CONFIGURE] == configure && steps[ADVANCE] == advance && steps[LOOK] == look &&
            steps[CALL] == call);
    memcpy(at, (uint8_t[]){ CONFIGURE, LIMITS, config }, 3);
    at += 3;
    for (uint8_t i = 0; i < 10; i++) {
        uint8_t took = i < 6 ? 10 : 200; /* tenths of a millisecond */
        memcpy(at, (uint8_t[]){ ACQUIRE, LIMITS, i % PERMITS, 0, 0, 1, 33, 100 }, 8);
        memcpy(at + 8, (uint8_t[]){ RECORD, i % PERMITS, i % 7 == 6 ? 2 : 1, took, 0, 0, 0 }, 7);
        memcpy(at + 15, (uint8_t[]){ ADVANCE, i % 4 == 3 ? 15 : 2, 0 }, 3);
        at += 18;
    }
    for (uint8_t i = 0; i < 6; i++) {
        memcpy(at, (uint8_t[]){ CALL, LIMITS, 15, i == 5 ? 2 : 1, ADVANCE, 15, 0 }, 7);
        at += 7;
    }
    memcpy(at, (uint8_t[]){ LOOK, LIMITS }, 2);
    return (size_t)(at + 2 - out);
}

/* More than may be let in at once: the last waits, with a descriptor and without. */
static size_t steps_waiting(uint8_t *out) {
    uint8_t *at = out;
    REQUIRE(steps[GO_ON] == go_on);
    memcpy(at, (uint8_t[]){ ADVANCE, 0, 1 }, 3);
    at += 3;
    for (uint8_t i = 0; i < PERMITS; i++, at += 8)
        memcpy(at, (uint8_t[]){ ACQUIRE, LIMITS, i, 0, 0, 1, 33, 100 }, 8);
    for (uint8_t how = 5; how-- > 0; at += 3)
        memcpy(at, (uint8_t[]){ GO_ON, PERMITS - 1, how }, 3);
    memcpy(at, (uint8_t[]){ RECORD, 0, 1, 10, 0, 0, 0, GO_ON, PERMITS - 1, 1 }, 10);
    return (size_t)(at + 10 - out);
}

static size_t all_steps(uint8_t *out, uint8_t circuit) {
    size_t size = 0;
    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        out[size++] = (uint8_t)i;
        out[size++] = circuit;
        size += 4;
    }
    return size;
}

static void write_seeds(const char *into) {
    unsigned number = 0;
    for (unsigned what = 0; what < SPOTS + EDITS; what++) {
        for (uint8_t which = 0; which < 6; which++) {
            uint8_t bytes[256] = { CHECKSUM, 1, (uint8_t)what, which };
            bytes[4] = (uint8_t)(number * 7);
            bytes[5] = 3 | (uint8_t)(number << 3);
            if (which % 3 == 2)
                bytes[0] |= INSPECT;
            if (which % 3 == 1)
                bytes[0] |= NEXT_BOOT | REAL_CLOCK;
            write_seed(into, number++, bytes, 6 + all_steps(bytes + 6, which % 5));
        }
    }
    for (uint8_t config = 0; config < CONFIGS; config++) {
        uint8_t bytes[512] = { 0, 0 };
        write_seed(into, number++, bytes, 2 + steps_with(bytes + 2, config));
    }
    uint8_t waiting[128] = { 0, 0 };
    write_seed(into, number++, waiting, 2 + steps_waiting(waiting + 2));
    uint8_t raw[2 + sizeof(struct swgi_header)] = { RAW_FILE | CHECKSUM };
    memcpy(raw + 2, image, sizeof(struct swgi_header));
    write_seed(into, number++, raw, sizeof(raw));
    write_seed(into, number, (uint8_t[]){ CUT | CHECKSUM, 0, 0, 16, 0 }, 5);
}

static void make_configs(void) {
    static const char *const presets[PRESETS] = { "default",      "read",    "api",
                                                  "resilience4j", "opossum", "alternator" };
    for (unsigned i = 0; i < CONFIGS; i++) {
        REQUIRE(swg_config_new(&configs[i]) == 0);
        REQUIRE(swg_config_preset(configs[i], presets[i < PRESETS ? i : 0], NULL) == 0);
        if (i >= PRESETS)
            set_all(configs[i], that_follow[i - PRESETS]);
    }
    REQUIRE(swg_config_set(configs[1], "breaker.half_open.ramp", "10, 60", NULL) == 0);
    set_all(configs[2], that_limits);
    REQUIRE(swg_config_set(configs[3], "bulkhead.max_concurrent", "9", NULL) == 0);
}

static void forget(void) {
    for (unsigned i = 0; i < CONFIGS; i++)
        configs[i] = swg_config_unref(configs[i]);
    free(image);
    remove_image();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *seeds = seeds_folder(*argc, *argv);
    make_image();
    make_configs();
    atexit(forget);
    if (seeds != NULL) {
        write_seeds(seeds);
        exit(0);
    }
    return 0;
}
