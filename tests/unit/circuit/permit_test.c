/* Permits that are not what they seem: ended, zeroed, copied, foreign, forked, of circuits and files that are gone. */
#include "bad_input.h"

static struct swg_panel *panel;
static struct swg_circuit *circuit;

static int begin(void **state) {
    if (begin_folder(state) != 0)
        return -1;
    panel = open_small(path);
    circuit = get(panel, "dependency");
    return 0;
}

static int end(void **state) {
    panel = swg_panel_unref(panel);
    return end_folder(state);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)

static uint64_t ended_calls(void) {
    struct swg_status status = status_of(circuit);
    return status.successes + status.failures + status.timeouts + status.ignored +
           status.cancelled + status.late;
}

/* Each end of the interface, with what it answers. */
static void assert_all_ends(const struct swg_permit *permit, int answer) {
    struct swg_permit copy = *permit;
    assert_int_equal(swg_record(&copy, SWG_SUCCESS), answer);
    copy = *permit;
    assert_int_equal(swg_record(&copy, SWG_FAILURE), answer);
    copy = *permit;
    assert_int_equal(swg_record_error(&copy, SWG_TIMEOUT, NULL), answer);
    copy = *permit;
    assert_int_equal(swg_record_at(&copy, SWG_IGNORED, NULL, swg_panel_now(panel), 1), answer);
    copy = *permit;
    swg_cancel(&copy);
}

static void test_a_permit_ends_once(void **state) {
    struct swg_permit permit = admitted(circuit);
    (void)state;
    assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    assert_int_equal(ended_calls(), 1);
    assert_all_ends(&permit, 0);
    assert_int_equal(ended_calls(), 1);
}

static void test_a_cancelled_permit_has_ended(void **state) {
    struct swg_permit permit = admitted(circuit);
    (void)state;
    swg_cancel(&permit);
    swg_cancel(&permit);
    assert_all_ends(&permit, 0);
    struct swg_status status = status_of(circuit);
    assert_int_equal(status.cancelled, 1);
    assert_int_equal(ended_calls(), 1);
    assert_int_equal(status.in_flight, 0);
}

static void test_a_zeroed_permit_ends_as_nothing(void **state) {
    struct swg_permit zero = { { 0 } };
    (void)state;
    assert_all_ends(&zero, 0);
    assert_int_equal(swg_retry_in(&zero), 0);
    assert_int_equal(ended_calls(), 0);
}

static void test_no_permit_at_all(void **state) {
    (void)state;
    assert_int_equal(swg_record(NULL, SWG_SUCCESS), -EINVAL);
    assert_int_equal(swg_record_error(NULL, SWG_FAILURE, NULL), -EINVAL);
    assert_int_equal(swg_record_at(NULL, SWG_SUCCESS, NULL, 0, 0), -EINVAL);
    assert_int_equal(swg_retry_in(NULL), 0);
    swg_cancel(NULL);
    assert_int_equal(swg_acquire(circuit, NULL, NULL), -EINVAL);
    assert_int_equal(swg_acquire_at(circuit, NULL, 0, NULL), -EINVAL);
}

static void test_a_rejection_holds_nothing(void **state) {
    struct swg_permit permit;
    (void)state;
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    memset(&permit, 0x5a, sizeof(permit));
    assert_int_equal(swg_acquire(circuit, NULL, &permit), SWG_OPEN);
    assert_int_equal(swg_retry_in(&permit), SWG_NS_MAX);
    assert_all_ends(&permit, 0);
    assert_int_equal(ended_calls(), 0);
}

/* Moved, not copied: the bytes are the permit. */
static void test_a_permit_may_move(void **state) {
    struct swg_permit *there = malloc(sizeof(*there));
    struct swg_permit here = admitted(circuit);
    (void)state;
    assert_non_null(there);
    memcpy(there, &here, sizeof(here));
    memset(&here, 0, sizeof(here));
    assert_int_equal(swg_record(there, SWG_SUCCESS), 0);
    assert_int_equal(status_of(circuit).successes, 1);
    assert_int_equal(status_of(circuit).in_flight, 0);
    free(there);
}

static void *end_elsewhere(void *arg) {
    return (void *)(intptr_t)swg_record(arg, SWG_SUCCESS);
}

static void test_another_thread_may_end_it(void **state) {
    struct swg_permit permit = admitted(circuit);
    (void)state;
    in_thread(end_elsewhere, &permit);
    assert_int_equal(status_of(circuit).successes, 1);
    assert_int_equal(status_of(circuit).in_flight, 0);
    assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    assert_int_equal(ended_calls(), 1);
}

/* Where a slot is held the copy is caught; nothing is counted twice. */
static void test_a_copied_probe_is_caught(void **state) {
    struct swg_permit probe, copy;
    (void)state;
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    assert_int_equal(swg_circuit_probe(circuit, NULL, NULL), 0);
    assert_int_equal(swg_acquire(circuit, NULL, &probe), SWG_GO);
    copy = probe;
    assert_int_equal(swg_record(&probe, SWG_SUCCESS), 0);
    assert_int_equal(swg_record(&copy, SWG_SUCCESS), -EINVAL);
    assert_int_equal(status_of(circuit).successes, 1);
    assert_int_equal(status_of(circuit).probe_successes, 1);
    assert_int_equal(swg_record(&copy, SWG_FAILURE), 0);
    assert_int_equal(status_of(circuit).state, SWG_STATE_HALF_OPEN);
}

/* splitmix64, so that a failure can be told by its number. */
static uint64_t next_random(uint64_t *seed) {
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void test_random_bytes_are_no_permit(void **state) {
    uint64_t seed = 1;
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct swg_permit permit;
        for (unsigned k = 0; k < 8; k++)
            permit.opaque[k] = next_random(&seed);
        permit.opaque[0] |= 1;
        assert_int_equal(swg_record(&permit, SWG_FAILURE), -EINVAL);
        swg_cancel(&permit);
    }
    assert_int_equal(ended_calls(), 0);
}

static void test_a_flipped_bit_is_noticed(void **state) {
    struct swg_permit permit = admitted(circuit);
    static const unsigned guarded[] = { 0, 1, 7 };
    (void)state;
    for (unsigned k = 0; k < 3; k++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            struct swg_permit spoilt = permit;
            spoilt.opaque[guarded[k]] ^= UINT64_C(1) << bit;
            assert_int_equal(swg_record(&spoilt, SWG_FAILURE), -EINVAL);
            swg_cancel(&spoilt);
        }
    }
    assert_int_equal(ended_calls(), 0);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
}

static void test_an_outcome_that_is_none_cancels(void **state) {
    static const int none[] = {
        SWG_GO,     SWG_OPEN,        SWG_EXPIRED,     SWG_FAILED, SWG_RETRY,
        SWG_QUEUED, SWG_SUCCESS - 1, SWG_IGNORED + 1, -1,         INT32_MAX
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        struct swg_permit permit = admitted(circuit);
        assert_int_equal(swg_record(&permit, none[i]), -EINVAL);
        assert_int_equal(status_of(circuit).cancelled, i + 1);
        assert_int_equal(status_of(circuit).in_flight, 0);
        assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    }
    assert_int_equal(status_of(circuit).successes, 0);
}

/* ---- of another panel */

static void test_a_permit_finds_its_own_panel(void **state) {
    struct swg_panel *other = open_small(NULL);
    struct swg_circuit *theirs = get(other, "dependency");
    struct swg_permit here = admitted(circuit), there = admitted(theirs);
    (void)state;
    assert_int_equal(swg_record(&here, SWG_SUCCESS), 0);
    assert_int_equal(swg_record(&there, SWG_FAILURE), 0);
    assert_int_equal(status_of(circuit).successes, 1);
    assert_int_equal(status_of(circuit).failures, 0);
    assert_int_equal(status_of(theirs).failures, 1);
    swg_panel_unref(other);
}

static void test_a_permit_of_a_closed_panel(void **state) {
    struct swg_panel *other = open_small(NULL);
    struct swg_permit permit = admitted(get(other, "dependency"));
    (void)state;
    swg_panel_unref(other);
    assert_int_equal(swg_record(&permit, SWG_FAILURE), -EINVAL);
    swg_cancel(&permit);
    assert_int_equal(ended_calls(), 0);
}

/* ---- of another process */

struct parcel {
    int pipe[2];
    struct swg_permit permit;
};

static void take_and_send(void *arg) {
    struct parcel *parcel = arg;
    struct swg_permit permit;
    CHILD_ASSERT(swg_acquire(circuit, NULL, &permit) == SWG_GO);
    CHILD_ASSERT(write(parcel->pipe[1], &permit, sizeof(permit)) == sizeof(permit));
}

static void test_a_permit_of_another_process(void **state) {
    struct parcel parcel;
    (void)state;
    assert_int_equal(pipe(parcel.pipe), 0);
    in_child(take_and_send, &parcel);
    assert_int_equal(read(parcel.pipe[0], &parcel.permit, sizeof(parcel.permit)),
                     sizeof(parcel.permit));
    close(parcel.pipe[0]);
    close(parcel.pipe[1]);
    assert_all_ends(&parcel.permit, -EINVAL);
    assert_int_equal(ended_calls(), 0);
}

static void end_the_parents(void *arg) {
    struct swg_permit copy = *(struct swg_permit *)arg, own;
    CHILD_ASSERT(swg_record(&copy, SWG_FAILURE) == 0);
    copy = *(struct swg_permit *)arg;
    CHILD_ASSERT(swg_acquire(circuit, NULL, &own) == SWG_GO);
    CHILD_ASSERT(swg_record(&copy, SWG_FAILURE) == 0);
    copy = *(struct swg_permit *)arg;
    swg_cancel(&copy);
    CHILD_ASSERT(swg_record(&own, SWG_SUCCESS) == 0);
}

static void test_a_permit_of_before_a_fork(void **state) {
    struct swg_permit permit = admitted(circuit);
    (void)state;
    in_child(end_the_parents, &permit);
    assert_int_equal(status_of(circuit).failures, 0);
    assert_int_equal(status_of(circuit).successes, 1);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    assert_int_equal(status_of(circuit).successes, 2);
    assert_int_equal(status_of(circuit).in_flight, 0);
}

/* A probe, too: the child must not free what its parent holds. */
static void test_a_probe_of_before_a_fork(void **state) {
    struct swg_permit probe;
    (void)state;
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    assert_int_equal(swg_circuit_probe(circuit, NULL, NULL), 0);
    assert_int_equal(swg_acquire(circuit, NULL, &probe), SWG_GO);
    struct swg_permit copy = probe;
    pid_t child = fork();
    if (child == 0) {
        int rc = swg_record(&copy, SWG_FAILURE);
        _exit(rc == 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(status_of(circuit).probes_held, 1);
    assert_int_equal(swg_record(&probe, SWG_SUCCESS), 0);
    assert_int_equal(status_of(circuit).probe_successes, 1);
}

/* ---- of what is gone */

static void fill_the_panel(void) {
    for (unsigned i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof(name), "filler-%u", i);
        (void)get(panel, name);
    }
}

/* Nobody touched the first circuits between two sweeps, so newcomers take their places. */
static void test_a_permit_of_an_evicted_circuit(void **state) {
    struct swg_panel_options options = small_options(NULL);
    (void)state;
    swg_panel_unref(panel);
    options.virtual_clock = 1;
    panel = open_with(&options);
    circuit = get(panel, "dependency");
    struct swg_permit permit = admitted(circuit);
    for (unsigned round = 0; round < 3; round++) {
        fill_the_panel();
        (void)get(panel, round == 0 ? "one-more" : "and-another");
        assert_int_equal(swg_panel_advance(panel, S(11)), 0);
    }
    struct swg_status status = SWG_STATUS_INIT;
    assert_int_equal(swg_circuit_status(circuit, &status), -ENOENT);
    assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    assert_int_equal(swg_acquire(circuit, NULL, &permit), SWG_GO);
    assert_int_equal(status_of(circuit).failures, 0);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    assert_int_equal(status_of(circuit).successes, 1);
}

static void test_a_permit_of_a_replaced_file(void **state) {
    struct swg_permit permit = admitted(circuit), next;
    (void)state;
    remove_file(".v1.panel");
    assert_true(swg_panel_poll(panel) >= 0);
    assert_int_equal(status_of(circuit).calls, 0);
    assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    assert_int_equal(status_of(circuit).failures, 0);
    next = admitted(circuit);
    assert_int_equal(swg_record(&next, SWG_SUCCESS), 0);
    assert_int_equal(status_of(circuit).successes, 1);
}

static void test_a_permit_of_a_past_state(void **state) {
    struct swg_permit permit = admitted(circuit);
    (void)state;
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    struct swg_status status = status_of(circuit);
    assert_int_equal(status.late, 1);
    assert_int_equal(status.successes, 0);
    assert_int_equal(status.state, SWG_STATE_OPEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_a_permit_ends_once),
        STORY(test_a_cancelled_permit_has_ended),
        STORY(test_a_zeroed_permit_ends_as_nothing),
        STORY(test_no_permit_at_all),
        STORY(test_a_rejection_holds_nothing),
        STORY(test_a_permit_may_move),
        STORY(test_another_thread_may_end_it),
        STORY(test_a_copied_probe_is_caught),
        STORY(test_random_bytes_are_no_permit),
        STORY(test_a_flipped_bit_is_noticed),
        STORY(test_an_outcome_that_is_none_cancels),
        STORY(test_a_permit_finds_its_own_panel),
        STORY(test_a_permit_of_a_closed_panel),
        STORY(test_a_permit_of_another_process),
        STORY(test_a_permit_of_before_a_fork),
        STORY(test_a_probe_of_before_a_fork),
        STORY(test_a_permit_of_an_evicted_circuit),
        STORY(test_a_permit_of_a_replaced_file),
        STORY(test_a_permit_of_a_past_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
