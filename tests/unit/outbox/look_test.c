/* Dead letters, for people: listed in order, read, sent again, dropped. */
#include "outbox_fixture.h"

static void bury(struct fixture *f, const char *keys) {
    char key[2] = "";

    f->outcome = SWG_IGNORED;
    f->why.code = 422;
    f->why.kind = "http_4xx";
    f->why.text = "no such customer";
    for (; *keys != '\0'; keys++) {
        key[0] = *keys;
        assert_int_equal(put(f, key, "body"), 0);
    }
    assert_int_equal(run(f, 0), SWG_GO);
    f->outcome = SWG_SUCCESS;
}

static void dead_letters_are_listed_with_their_last_error(void **state) {
    struct fixture *f = *state;
    struct swg_outbox_dead dead = SWG_OUTBOX_DEAD_INIT;
    uint64_t cursor = 0;

    bury(f, "zay");
    assert_int_equal(swg_outbox_dead_next(f->outbox, &cursor, &dead), 0);
    assert_string_equal(dead.key, "z");
    assert_int_equal(dead.length, 4);
    assert_int_equal(dead.attempts, 1);
    assert_int_equal(dead.outcome, SWG_IGNORED);
    assert_int_equal(dead.code, 422);
    assert_string_equal(dead.kind, "http_4xx");
    assert_string_equal(dead.text, "no such customer");
    assert_true(dead.put_wall_ms > 0 && dead.died_wall_ms >= dead.put_wall_ms);
    assert_int_equal(swg_outbox_dead_next(f->outbox, &cursor, &dead), 0);
    assert_string_equal(dead.key, "a");
    assert_int_equal(swg_outbox_dead_next(f->outbox, &cursor, &dead), 0);
    assert_string_equal(dead.key, "y");
    assert_int_equal(swg_outbox_dead_next(f->outbox, &cursor, &dead), -ENOENT);
}

static void a_requeued_one_takes_its_old_place(void **state) {
    struct fixture *f = *state;

    bury(f, "ab");
    assert_int_equal(put(f, "c", "later"), 0);
    assert_int_equal(put(f, "a", "again"), 1);
    assert_int_equal(swg_outbox_dead_requeue(f->outbox, "b", NULL), 1);
    assert_int_equal(look(f).pending, 2);
    assert_int_equal(look(f).dead, 1);
    check_counters(f);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "b=body#1 c=later#1 ");
    check_counters(f);
}

static void all_are_requeued_at_once(void **state) {
    struct fixture *f = *state;

    bury(f, "abc");
    assert_int_equal(swg_outbox_dead_requeue(f->outbox, NULL, NULL), 3);
    assert_int_equal(swg_outbox_dead_requeue(f->outbox, NULL, NULL), 0);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=body#1 b=body#1 c=body#1 ");
    check_counters(f);
}

static void a_dropped_one_is_forgotten(void **state) {
    struct fixture *f = *state;

    bury(f, "ab");
    assert_int_equal(swg_outbox_dead_drop(f->outbox, "a", NULL), 1);
    assert_int_equal(look(f).dead, 1);
    assert_int_equal(look(f).bytes, 4);
    assert_int_equal(put(f, "a", "anew"), 0);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=anew#1 ");
    check_counters(f);
}

static void only_the_dead_are_touched(void **state) {
    struct fixture *f = *state;

    assert_int_equal(put(f, "alive", "1"), 0);
    assert_int_equal(swg_outbox_dead_drop(f->outbox, "alive", &f->error), -ENOENT);
    assert_string_equal(f->error.key, "alive");
    assert_int_equal(swg_outbox_dead_requeue(f->outbox, "nobody", NULL), -ENOENT);
    assert_int_equal(swg_outbox_dead_bytes(f->outbox, "alive", NULL, 0), -ENOENT);
    assert_int_equal(swg_outbox_dead_drop(f->outbox, NULL, NULL), 0);
    assert_int_equal(look(f).pending, 1);
}

/* An attempt at b broke off; then a, which was dead, comes before it; b still knows that it was tried. */
static int breaks_off(struct swg_outbox_item *item, void *arg) {
    (void)item, (void)arg;
    return 0;
}

static void a_broken_off_attempt_is_not_forgotten_for_another(void **state) {
    struct fixture *f = *state;

    bury(f, "a");
    assert_int_equal(put(f, "b", "2"), 0);
    assert_int_equal(swg_outbox_run(f->outbox, f->circuit, breaks_off, NULL, 0, NULL, NULL),
                     -EINVAL);
    assert_int_equal(swg_outbox_dead_requeue(f->outbox, "a", NULL), 1);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=body#1 b=2#2 ");
}

static void an_empty_outbox_has_nothing_to_tell(void **state) {
    struct fixture *f = *state;
    struct swg_outbox_info info = look(f);

    assert_int_equal(info.pending, 0);
    assert_int_equal(info.oldest, 0);
    assert_false(info.running);
    assert_string_equal(info.key, "");
    assert_int_equal(put(f, "a", "1"), 0);
    assert_true(look(f).oldest > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(dead_letters_are_listed_with_their_last_error),
        STORY(a_requeued_one_takes_its_old_place),
        STORY(all_are_requeued_at_once),
        STORY(a_dropped_one_is_forgotten),
        STORY(only_the_dead_are_touched),
        STORY(a_broken_off_attempt_is_not_forgotten_for_another),
        STORY(an_empty_outbox_has_nothing_to_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
