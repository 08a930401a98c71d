/* A limit that follows what the dependency can take, through the public interface: up, down, and switched on and off. */
#include "policy_story.h"

#define AT_MOST 120

struct on_the_way {
    struct swg_permit permit;
    swg_ns began, ends;
};

static struct on_the_way out[AT_MOST];
static unsigned count, capacity;

/* So many are served at once, each in 20 ms; more share what there is. What takes over 200 ms is a timeout. */
static void arrive(unsigned asked) {
    while (asked-- > 0 && count < AT_MOST) {
        struct on_the_way *one = &out[count];
        if (ask(&one->permit) != SWG_GO)
            return;
        count++;
        swg_ns takes = MS(20) * (count > capacity ? count : capacity) / capacity;
        one->began = now();
        one->ends = now() + takes;
    }
}

static void depart(void) {
    for (unsigned i = count; i-- > 0;) {
        if (out[i].ends > now())
            continue;
        swg_ns took = now() - out[i].began;
        record_permit(&out[i].permit, took < MS(200) ? SWG_SUCCESS : SWG_TIMEOUT, took);
        out[i] = out[--count];
    }
}

/* The mean limit of the last second. */
static unsigned live(unsigned seconds, unsigned asked) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < seconds * 500; i++) {
        arrive(asked);
        advance(MS(2));
        depart();
        assert_true(status().permits_held == count);
        sum += i >= (seconds - 1) * 500 ? status().permits_limit : 0;
    }
    return (unsigned)(sum / 500);
}

static void make_adaptive(const char *algorithm) {
    count = 0;
    set("breaker.trip", "none");
    set("adaptive.algorithm", algorithm);
    set("adaptive.min", "2");
    set("adaptive.max", "100");
    set("adaptive.window", "100ms");
    if (strcmp(algorithm, "aimd") == 0)
        set("adaptive.timeout", "30ms");
    make();
}

static void go_home(void) {
    while (count > 0) {
        advance(MS(50));
        depart();
    }
    assert_out(0);
}

static void test_it_follows_a_step_down_and_up(void **state) {
    static const char *const algorithms[] = { "aimd", "vegas", "gradient2", "switchgear" };
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(end_story(NULL), 0);
        assert_int_equal(begin_story(NULL), 0);
        make_adaptive(algorithms[i]);
        assert_true(status().adaptive);
        capacity = 40;
        unsigned wide = live(20, 100);
        capacity = 10;
        unsigned narrow = live(20, 100);
        capacity = 40;
        unsigned again = live(40, 100);
        if (wide < 30 || wide > 100 || narrow * 3 > wide * 2 || again < narrow * 3 / 2)
            fail_msg("%s: limits of %u, %u and %u", algorithms[i], wide, narrow, again);
        go_home();
    }
}

/* Few calls teach nothing: the limit does not grow because nobody uses it. */
static void test_it_does_not_grow_unused(void **state) {
    (void)state;
    make_adaptive("switchgear");
    capacity = 40;
    live(30, 1); /* some ten at once */
    assert_true(status().permits_limit <= 60);
    assert_int_equal(status().rejected_full, 0);
    go_home();
}

static void test_switched_off_and_on(void **state) {
    struct swg_permit one;
    (void)state;
    make_adaptive("aimd");
    capacity = 1;
    live(30, 10);
    assert_true(status().permits_limit < 7);
    change("adaptive.max", "0");
    change("bulkhead.max_concurrent", "7");
    change("adaptive.algorithm", "off");
    assert_int_equal(status().permits_limit, 7);
    assert_false(status().adaptive);
    while (count < 7)
        arrive(1);
    assert_int_equal(ask(&one), SWG_FULL);
    go_home();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_it_follows_a_step_down_and_up),
        STORY(test_it_does_not_grow_unused),
        STORY(test_switched_off_and_on),
    };
    return cmocka_run_group_tests_name("limits that follow", tests, NULL, NULL);
}
