/* An outbox behind a circuit's fallback: calls that could not be made are kept, each once, and made when it closes. */
#include "outbox_fixture.h"

static int refuse(struct swg_attempt *attempt, void *arg) {
    (void)attempt;
    (void)arg;
    return SWG_FAILURE;
}

static void queue_behind(struct fixture *f) {
    struct swg_config *config;

    assert_int_equal(swg_config_new(&config), 0);
    assert_int_equal(swg_config_set(config, "fallback.chain", "queue", NULL), 0);
    assert_int_equal(swg_circuit_configure(f->circuit, config, NULL), 0);
    swg_config_unref(config);
    assert_int_equal(swg_circuit_queue(f->circuit, swg_outbox_enqueue, f->outbox), 0);
}

/* A payment of a user: all of one user have one key, each has a number of its own. */
static int pay(struct fixture *f, uint64_t number, const char *text) {
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_result result = SWG_RESULT_INIT;

    request.key = 7;
    request.payload = text;
    request.payload_length = strlen(text);
    request.payload_key = number;
    int rc = swg_call(f->circuit, &request, refuse, NULL, &result);
    assert_int_equal(rc == SWG_GO, result.source == SWG_SOURCE_QUEUE);
    assert_int_equal(result.degraded, rc == SWG_GO);
    return rc;
}

static void test_kept_and_made_later(void **state) {
    struct fixture *f = *state;

    queue_behind(f);
    assert_int_equal(pay(f, 1, "one"), SWG_GO);
    assert_int_equal(pay(f, 2, "two"), SWG_GO);
    assert_int_equal(pay(f, 2, "two"), SWG_GO); /* the same again: kept already */
    assert_int_equal(pay(f, 3, "three"), SWG_GO);
    assert_int_equal(swg_circuit_state(f->circuit), SWG_STATE_OPEN);
    assert_int_equal(pay(f, 4, "four"), SWG_GO); /* not called, and kept all the same */
    assert_int_equal(swg_circuit_reset(f->circuit, NULL, NULL), 0);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "1=one#1 2=two#1 3=three#1 4=four#1 ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept_and_made_later, fixture_start, fixture_stop),
    };

    return cmocka_run_group_tests_name("outbox: fallback", tests, NULL, NULL);
}
