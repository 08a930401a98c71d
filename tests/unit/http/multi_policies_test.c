/* Policies in an event loop: who waits is in nobody's way, goes on when it may, and ends in exactly one way. */
#include <poll.h>

#include "policy_story.h"

static struct swg_http_call call;
static CURLM *multi;
static CURL *easy;

static int begin_loop(void **state) {
    int rc = fixture_start(state);

    call = a_call(*state);
    multi = curl_multi_init();
    easy = new_easy();
    return rc;
}

static int end_loop(void **state) {
    forget_result();
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
    return fixture_stop(state);
}

#define LOOP(name) cmocka_unit_test_setup_teardown(name, begin_loop, end_loop)

static int start(struct fixture *f, CURL *which) {
    int rc;

    forget_result();
    rc = swg_http_start(f->client, multi, which, &call, &result);
    assert_int_equal(rc, result.rc);
    return rc;
}

/* Until libcurl has nothing more to do; the last answer of swg_http_done(), -1: nothing was done. */
static int run(struct fixture *f) {
    int running = 1, left, rc = -1;
    CURLMsg *message;

    while (running > 0) {
        curl_multi_perform(multi, &running);
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            forget_result();
            rc = swg_http_done(f->client, message, &result);
            assert_int_equal(rc, result.rc);
        }
        curl_multi_poll(multi, NULL, 0, running > 0 ? 1000 : 0, NULL);
    }
    return rc;
}

static int poll_once(struct fixture *f, CURL *expected) {
    CURL *ended = NULL;
    int rc;

    forget_result();
    rc = swg_http_poll(f->client, multi, &ended, &result);
    assert_int_equal(rc, result.rc);
    assert_ptr_equal(ended, rc == 0 ? NULL : expected);
    return rc;
}

#define ONE_AT_A_TIME \
    "bulkhead.max_concurrent", "1", "bulkhead.when_busy", "wait", "bulkhead.max_wait", "5s"

static void who_is_queued_goes_on_when_it_may(void **state) {
    struct fixture *f = *state;
    CURL *second = new_easy();

    SHOP(f, ONE_AT_A_TIME);
    assert_int_equal(start(f, easy), SWG_GO);
    assert_int_equal(start(f, second), SWG_QUEUED);
    assert_int_equal(status_of(f).queue_length, 1);
    assert_int_equal(poll_once(f, NULL), 0);
    assert_int_equal(start(f, second), -EBUSY);
    assert_int_equal(run(f), SWG_GO);
    assert_int_equal(fault_server_requests(f->server), 1);
    assert_int_equal(poll_once(f, NULL), 0);
    assert_int_equal(run(f), SWG_GO);
    assert_int_equal(fault_server_requests(f->server), 2);
    assert_int_equal(status_of(f).permits_held, 0);
    assert_int_equal(swg_http_wait_fd(f->client, multi), -1);
    curl_easy_cleanup(second);
}

static void a_descriptor_tells_whose_turn_it_is(void **state) {
    struct fixture *f = *state;
    CURLM *other = curl_multi_init();
    CURL *ended;
    struct swg_permit held;

    assert_int_equal(swg_acquire(SHOP(f, ONE_AT_A_TIME), NULL, &held), SWG_GO);
    assert_int_equal(swg_http_wait_fd(f->client, multi), -1);
    assert_int_equal(start(f, easy), SWG_QUEUED);
    struct pollfd readable = { .fd = swg_http_wait_fd(f->client, multi), .events = POLLIN };
    assert_true(readable.fd >= 0);
    assert_int_equal(swg_http_wait_fd(f->client, other), -1);
    swg_record(&held, SWG_SUCCESS);
    assert_int_equal(poll(&readable, 1, 60000), 1);
    assert_int_equal(swg_http_poll(f->client, other, &ended, NULL), 0);
    assert_int_equal(run(f), -1);
    assert_int_equal(poll_once(f, NULL), 0);
    assert_int_equal(run(f), SWG_GO);
    curl_multi_cleanup(other);
}

static void who_waited_too_long_is_told(void **state) {
    struct fixture *f = *state;
    struct swg_permit held;

    assert_int_equal(swg_acquire(SHOP(f, ONE_AT_A_TIME), NULL, &held), SWG_GO);
    assert_int_equal(start(f, easy), SWG_QUEUED);
    swg_panel_advance(f->panel, 6 * SECOND);
    assert_int_equal(poll_once(f, easy), SWG_FULL);
    assert_string_equal(result.kind, "full");
    assert_int_equal(result.called, 0);
    assert_int_equal(poll_once(f, NULL), 0);
    swg_record(&held, SWG_SUCCESS);
    assert_int_equal(start(f, easy), SWG_GO);
    assert_int_equal(run(f), SWG_GO);
}

static void a_trip_tells_who_waits(void **state) {
    struct fixture *f = *state;
    struct swg_permit held;

    assert_int_equal(swg_acquire(SHOP(f, ONE_AT_A_TIME), NULL, &held), SWG_GO);
    assert_int_equal(start(f, easy), SWG_QUEUED);
    swg_record(&held, SWG_FAILURE);
    assert_int_equal(poll_once(f, easy), SWG_OPEN);
    assert_int_equal(result.state, SWG_STATE_OPEN);
}

static void who_gives_up_leaves_the_queue(void **state) {
    struct fixture *f = *state;
    struct swg_permit held;

    assert_int_equal(swg_acquire(SHOP(f, ONE_AT_A_TIME), NULL, &held), SWG_GO);
    assert_int_equal(start(f, easy), SWG_QUEUED);
    assert_int_equal(swg_http_cancel(f->client, easy), 0);
    assert_int_equal(swg_http_cancel(f->client, easy), -ENOENT);
    assert_int_equal(status_of(f).queue_length, 0);
    swg_record(&held, SWG_SUCCESS);
    assert_int_equal(start(f, easy), SWG_GO);
    assert_int_equal(run(f), SWG_GO);
}

static void who_is_over_the_rate_waits_for_its_time(void **state) {
    struct fixture *f = *state;
    CURL *second = new_easy();

    SHOP(f, "limiter.rate", "1", "limiter.per", "10s", "limiter.when_limited", "wait",
         "limiter.max_wait", "1m");
    assert_int_equal(start(f, easy), SWG_GO);
    assert_int_equal(run(f), SWG_GO);
    assert_int_equal(swg_http_wait_ms(f->client, multi), 60000);
    assert_int_equal(start(f, second), SWG_QUEUED);
    assert_in_range(swg_http_wait_ms(f->client, multi), 9900, 10001);
    swg_panel_advance(f->panel, 9 * SECOND);
    assert_int_equal(poll_once(f, NULL), 0);
    assert_int_equal(run(f), -1);
    swg_panel_advance(f->panel, 2 * SECOND);
    assert_int_equal(swg_http_wait_ms(f->client, multi), 0);
    assert_int_equal(poll_once(f, NULL), 0);
    assert_int_equal(run(f), SWG_GO);
    curl_easy_cleanup(second);
}

/* ---- other attempts */

static void another_attempt_waits_as_long_as_the_server_said(void **state) {
    struct fixture *f = *state;

    SHOP(f, RETRIES);
    fault_server_answer(f->server, BUSY_ANSWER, FAULT_KEEP);
    assert_int_equal(start(f, easy), SWG_GO);
    assert_int_equal(run(f), SWG_RETRY);
    assert_int_equal(result.status, 429);
    assert_in_range(result.retry_in, 7 * SECOND, 8 * SECOND);
    assert_in_range(swg_http_wait_ms(f->client, multi), 6990, 7001);
    assert_int_equal(start(f, easy), -EBUSY);
    swg_panel_advance(f->panel, 69 * SECOND / 10);
    assert_int_equal(poll_once(f, NULL), 0);
    assert_int_equal(run(f), -1);
    assert_int_equal(fault_server_requests(f->server), 1);
    swg_panel_advance(f->panel, SECOND / 5);
    assert_int_equal(poll_once(f, NULL), 0);
    assert_int_equal(run(f), SWG_GO);
    assert_int_equal(result.attempts, 2);
    assert_int_equal(fault_server_requests(f->server), 2);
    assert_int_equal(status_of(f).retries, 1);
}

static void a_post_is_made_once(void **state) {
    struct fixture *f = *state;

    SHOP(f, RETRIES);
    fault_server_answer(f->server, FAILED_ANSWER, FAULT_KEEP);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "amount=1");
    assert_int_equal(start(f, easy), SWG_GO);
    assert_int_equal(run(f), SWG_FAILED);
    assert_int_equal(poll_once(f, NULL), 0);
}

static void attempts_inside_wait_too(void **state) {
    struct fixture *f = *state;

    SHOP(f, RETRIES, "retry.inside", "yes", "retry.jitter", "none");
    fault_server_answer(f->server, FAILED_ANSWER, FAULT_KEEP);
    assert_int_equal(start(f, easy), SWG_GO);
    assert_int_equal(run(f), SWG_RETRY);
    assert_int_equal(poll_once(f, NULL), 0);
    assert_int_equal(run(f), -1);
    swg_panel_advance(f->panel, SECOND);
    assert_int_equal(poll_once(f, NULL), 0);
    assert_int_equal(run(f), SWG_GO);
    assert_int_equal(status_of(f).calls, 1);
    assert_int_equal(status_of(f).in_flight, 0);
}

static void who_is_not_let_in_again_has_failed(void **state) {
    struct fixture *f = *state;
    struct swg_act act = SWG_ACT_INIT;

    struct swg_circuit *shop = SHOP(f, RETRIES);
    fault_server_answer(f->server, FAILED_ANSWER, FAULT_KEEP);
    assert_int_equal(start(f, easy), SWG_GO);
    assert_int_equal(run(f), SWG_RETRY);
    act.reason = "a story";
    assert_int_equal(swg_circuit_trip(shop, &act, NULL), 0);
    swg_panel_advance(f->panel, SECOND);
    assert_int_equal(poll_once(f, easy), SWG_FAILED);
    assert_int_equal(result.status, 500);
    assert_int_equal(result.attempts, 1);
    assert_int_equal(result.called, 1);
    assert_int_equal(fault_server_requests(f->server), 1);
    assert_int_equal(swg_http_cancel(f->client, easy), -ENOENT);
}

static void another_attempt_may_be_cancelled(void **state) {
    struct fixture *f = *state;

    SHOP(f, RETRIES);
    fault_server_answer(f->server, FAILED_ANSWER, FAULT_KEEP);
    assert_int_equal(start(f, easy), SWG_GO);
    assert_int_equal(run(f), SWG_RETRY);
    assert_int_equal(swg_http_cancel(f->client, easy), 0);
    swg_panel_advance(f->panel, SECOND);
    assert_int_equal(poll_once(f, NULL), 0);
    assert_int_equal(status_of(f).in_flight, 0);
}

static void a_body_is_collected_anew(void **state) {
    struct fixture *f = *state;

    SHOP(f, RETRIES);
    call.body_max = 100;
    fault_server_answer(f->server, FAILED_PAGE, FAULT_KEEP);
    assert_int_equal(start(f, easy), SWG_GO);
    assert_int_equal(run(f), SWG_RETRY);
    assert_null(result.body);
    swg_panel_advance(f->panel, SECOND);
    assert_int_equal(poll_once(f, NULL), 0);
    assert_int_equal(run(f), SWG_GO);
    assert_string_equal(result.body, "ok\n");
}

static void the_circuit_bounds_an_attempt(void **state) {
    struct fixture *f = *state;

    SHOP(f, "timeout.attempt", "50ms");
    call.timeout = 3600 * SECOND;
    fault_server_answer(f->server, "", FAULT_HANG);
    assert_int_equal(start(f, easy), SWG_GO);
    assert_int_equal(run(f), SWG_FAILED);
    assert_int_equal(result.outcome, SWG_TIMEOUT);
}

/* ---- the loop of the man page, in a panel whose clock runs: more transfers than permits, some of which fail at first */

#define TRANSFERS 40

struct tally {
    int good, bad, most;
};

static void take_done(struct fixture *f, struct tally *tally) {
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        int rc = swg_http_done(f->client, message, NULL);

        tally->good += rc == SWG_GO;
        tally->bad += rc == SWG_FAILED;
    }
}

static void turn(struct fixture *f, struct tally *tally) {
    struct curl_waitfd turns = { .fd = swg_http_wait_fd(f->client, multi),
                                 .events = CURL_WAIT_POLLIN };
    CURL *ended;
    int running;

    curl_multi_poll(multi, &turns, turns.fd >= 0, swg_http_wait_ms(f->client, multi), NULL);
    curl_multi_perform(multi, &running);
    tally->most = running > tally->most ? running : tally->most;
    take_done(f, tally);
    while (swg_http_poll(f->client, multi, &ended, NULL) != 0)
        tally->bad++;
}

static void a_loop_serves_them_all(void **state) {
    struct fixture *f = *state;
    struct fixture real = { .server = f->server };
    struct swg_http_options options = SWG_HTTP_OPTIONS_INIT;
    struct tally tally = { 0 };
    CURL *many[TRANSFERS];

    options.circuit = "shop";
    assert_int_equal(swg_panel_open(&real.panel, NULL, NULL), 0);
    SHOP(&real, RETRIES, "retry.delay", "1ms", "bulkhead.max_concurrent", "2", "bulkhead.when_busy",
         "wait", "bulkhead.max_queue", "100", "bulkhead.max_wait", "1m");
    assert_int_equal(swg_http_client_new(&real.client, real.panel, &options, NULL), 0);
    fault_server_answer(f->server, FAILED_ANSWER, FAULT_KEEP);
    for (int i = 0; i < TRANSFERS; i++) {
        many[i] = new_easy();
        assert_int_equal(start(&real, many[i]), i < 2 ? SWG_GO : SWG_QUEUED);
    }
    while (tally.good + tally.bad < TRANSFERS)
        turn(&real, &tally);
    assert_int_equal(tally.good, TRANSFERS);
    assert_in_range(tally.most, 1, 2);
    assert_int_equal(status_of(&real).permits_held, 0);
    assert_int_equal(status_of(&real).queue_length, 0);
    for (int i = 0; i < TRANSFERS; i++)
        curl_easy_cleanup(many[i]);
    swg_http_client_unref(real.client);
    swg_panel_unref(real.panel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LOOP(who_is_queued_goes_on_when_it_may),
        LOOP(a_descriptor_tells_whose_turn_it_is),
        LOOP(who_waited_too_long_is_told),
        LOOP(a_trip_tells_who_waits),
        LOOP(who_gives_up_leaves_the_queue),
        LOOP(who_is_over_the_rate_waits_for_its_time),
        LOOP(another_attempt_waits_as_long_as_the_server_said),
        LOOP(a_post_is_made_once),
        LOOP(attempts_inside_wait_too),
        LOOP(who_is_not_let_in_again_has_failed),
        LOOP(another_attempt_may_be_cancelled),
        LOOP(a_body_is_collected_anew),
        LOOP(the_circuit_bounds_an_attempt),
        LOOP(a_loop_serves_them_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
