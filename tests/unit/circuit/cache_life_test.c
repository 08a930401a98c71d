/* What a fork does to a cache: the child has one of its own, whatever the parent was doing. */
#include "cache_story.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "wiped.h"

static struct swgi_cache_ask leading = { .key = 77 };

static pid_t by_fork(void) {
    return fork();
}

/* Tells no handler of pthread_atfork(). */
static pid_t by_clone(void) {
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

/* The line of what went wrong, or 0. */
static int live_as_child(struct swg_buffer *held) {
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    alarm(60); /* instead of hanging */
    if (is_kept(1, 0) || counted().entries != 0 || counted().hits != 0 || counted().bytes > BYTES)
        return __LINE__;
    if (begin_at(77, 0, &buffer) != SWGI_CACHE_LEAD)
        return __LINE__; /* the parent's call is not ours */
    for (uint64_t key = 1; key < 2000; key++)
        put_at(key, 0, 1000);
    if (counted().entries < 500 || counted().bytes > BYTES || !is_kept(1999, 0))
        return __LINE__;
    if (told_by(held) != 1)
        return __LINE__;
    swg_buffer_release(held);
    swgi_cache_put(cache, &leading, 0, &leading.key, sizeof(leading.key));
    if (!is_kept(77, 0))
        return __LINE__;
    cache = swgi_cache_free(cache);
    return 0;
}

static void assert_ends_well(pid_t child) {
    int status = 0;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void assert_lives(pid_t (*make_child)(void), struct swg_buffer *held) {
    pid_t child = make_child();
    if (child == 0) {
        int line = live_as_child(held);
        if (line != 0)
            fprintf(stderr, "in the child: line %d\n", line);
        _exit(line != 0);
    }
    assert_ends_well(child);
}

static int begin_leading(void **state) {
    struct swg_buffer unused = SWG_BUFFER_INIT;
    if (begin_cache(state) != 0)
        return -1;
    put_at(1, 0, 100);
    leading = ask_for(77);
    return swgi_cache_begin(cache, &leading, 0, &unused) == SWGI_CACHE_LEAD ? 0 : -1;
}

static void take_all(void) {
    pthread_mutex_lock(&cache->order);
    for (uint32_t i = 0; i < SWGI_CACHE_STRIPES; i++)
        pthread_mutex_lock(&cache->stripes[i].mutex);
}

static void give_all(void) {
    for (uint32_t i = 0; i < SWGI_CACHE_STRIPES; i++)
        pthread_mutex_unlock(&cache->stripes[i].mutex);
    pthread_mutex_unlock(&cache->order);
}

/* As another thread would hold them in the instant of the fork. */
static void test_locks_held_at_a_fork(void **state) {
    struct swg_buffer held = SWG_BUFFER_INIT;
    (void)state;
    assert_int_equal(begin_at(1, 0, &held), SWGI_CACHE_HIT);
    take_all();
    pthread_mutex_lock(&swgi_cache_page->mutex);
    assert_lives(by_fork, &held);
    pthread_mutex_unlock(&swgi_cache_page->mutex);
    give_all();
    assert_int_equal(told_by(&held), 1);
    swg_buffer_release(&held);
    assert_true(is_kept(1, 0));
    assert_int_equal(counted().entries, 1);
}

static void test_a_clone_nobody_tells_of(void **state) {
    struct swg_buffer held = SWG_BUFFER_INIT;
    (void)state;
    if (!pages_are_wiped()) {
        print_message(NOT_WIPED);
        skip();
    }
    assert_int_equal(begin_at(1, 0, &held), SWGI_CACHE_HIT);
    take_all();
    assert_lives(by_clone, &held);
    give_all();
    swg_buffer_release(&held);
}

static int grandchild(struct swg_buffer *held) {
    int status = 0;
    put_at(1, 0, 100);
    take_all();
    pid_t child = fork();
    if (child == 0)
        _exit(live_as_child(held));
    give_all();
    return waitpid(child, &status, 0) == child && status == 0 && is_kept(1, 0) ? 0 : __LINE__;
}

static void test_a_child_of_a_child(void **state) {
    struct swg_buffer held = SWG_BUFFER_INIT;
    (void)state;
    assert_int_equal(begin_at(1, 0, &held), SWGI_CACHE_HIT);
    pid_t child = fork();
    if (child == 0)
        _exit(grandchild(&held) != 0);
    assert_ends_well(child);
    swg_buffer_release(&held);
}

/* As a thread of the parent may have left them: neither locks nor lists can be used. */
static pid_t fork_in_the_middle(void) {
    struct swgi_cache_entry *oldest = cache->queues[SWGI_CACHE_SMALL].oldest;
    take_all();
    cache->queues[SWGI_CACHE_SMALL].oldest = (struct swgi_cache_entry *)(uintptr_t)8;
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        return 0;
    }
    cache->queues[SWGI_CACHE_SMALL].oldest = oldest;
    give_all();
    return child;
}

static void test_a_child_that_only_frees(void **state) {
    (void)state;
    pid_t child = fork_in_the_middle();
    if (child == 0)
        _exit(swgi_cache_free(cache) != NULL);
    assert_ends_well(child);
}

static void test_a_child_that_only_resizes(void **state) {
    struct swgi_cache_settings larger = settings_of(4 * BYTES);
    (void)state;
    pid_t child = fork_in_the_middle();
    if (child == 0)
        _exit(swgi_cache_resize(cache, &larger, 0) != 0 || counted().entries != 0);
    assert_ends_well(child);
}

static void test_a_child_that_only_looks(void **state) {
    (void)state;
    pid_t child = fork_in_the_middle();
    if (child == 0)
        _exit(counted().entries != 0);
    assert_ends_well(child);
}

static void test_off_in_the_child_too(void **state) {
    struct swgi_cache_settings off = settings_of(0), on = settings_of(BYTES);
    (void)state;
    assert_int_equal(swgi_cache_resize(cache, &off, 0), 0);
    pid_t child = fork();
    if (child == 0) {
        put_at(1, 0, 100);
        bool good = !is_kept(1, 0) && swgi_cache_resize(cache, &on, 0) == 0;
        put_at(1, 0, 100);
        _exit(!good || !is_kept(1, 0));
    }
    assert_ends_well(child);
}

/* ---- forks in the middle of it all */

static _Atomic bool done;

static void *churn(void *arg) {
    struct swgi_cache_settings small = settings_of(BYTES / 4), large = settings_of(BYTES);
    for (uint64_t i = 1; !swgi_load(&done); i++) {
        put_at(1 + i % 3000, 0, 1000);
        if (i % 200 == 0)
            (void)swgi_cache_resize(cache, i % 400 == 0 ? &small : &large, 0);
    }
    return arg;
}

static int live_shortly(void) {
    alarm(60);
    if (counted().entries != 0)
        return 1;
    for (uint64_t key = 1; key < 300; key++)
        put_at(key, 0, 1000);
    return !is_kept(299, 0);
}

/* There in a program that was built with them. */
extern void __asan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

static void test_forks_of_a_busy_parent(void **state) {
    pthread_t thread;
    int wrong = 0;
    (void)state;
    if (__asan_init != NULL || __tsan_init != NULL) {
        print_message("a sanitizer's malloc() can hang in children of parents that allocate\n");
        skip();
    }
    swgi_store(&done, false);
    assert_int_equal(pthread_create(&thread, NULL, churn, NULL), 0);
    for (int i = 0; i < 100; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0)
            _exit(live_shortly());
        wrong += waitpid(child, &status, 0) != child || status != 0;
    }
    swgi_store(&done, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(wrong, 0);
}

#define LEADING(name) cmocka_unit_test_setup_teardown(name, begin_leading, end_cache)

int main(void) {
    const struct CMUnitTest tests[] = {
        LEADING(test_locks_held_at_a_fork),      LEADING(test_a_clone_nobody_tells_of),
        LEADING(test_a_child_of_a_child),        LEADING(test_a_child_that_only_frees),
        LEADING(test_a_child_that_only_resizes), LEADING(test_a_child_that_only_looks),
        LEADING(test_off_in_the_child_too),      LEADING(test_forks_of_a_busy_parent),
    };

    return cmocka_run_group_tests_name("circuit: cache, life", tests, NULL, NULL);
}
