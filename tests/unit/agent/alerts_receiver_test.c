/* What a receiver needs, and what waits for it. */
#include "alerts_story.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/alerts_receiver.h"

static struct swgi_file_receiver says;
static struct swgi_receiver *receiver;
static struct swg_error error;
static char folder[] = "/tmp/alerts-receiver-XXXXXX", path[64];

static int begin_receiver(void **state) {
    static const struct swgi_file_receiver empty = { .resolved = true };

    (void)state;
    says = empty;
    receiver = NULL;
    error = (struct swg_error)SWG_ERROR_INIT;
    snprintf(says.name, sizeof(says.name), "on-call");
    snprintf(folder, sizeof(folder), "/tmp/alerts-receiver-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/secret", folder);
    return 0;
}

static int end_receiver(void **state) {
    (void)state;
    receiver = swgi_receiver_free(receiver);
    unlink(path);
    return rmdir(folder);
}

static void write_secret(const char *text, mode_t mode) {
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(chmod(path, mode), 0);
}

static int make(int kind) {
    says.kind = kind;
    return swgi_receiver_new(&receiver, &says, "127.0.0.1:9190", &error);
}

/* ---- secrets */

static void secrets_come_from_files(void **state) {
    (void)state;
    write_secret("https://hooks.example/T0/B0/x \r\nnext line\n", 0640);
    snprintf(says.url_file, sizeof(says.url_file), "%s", path);
    assert_int_equal(make(SWGI_RECEIVER_SLACK), 0);
    assert_string_equal(receiver->url, "https://hooks.example/T0/B0/x");
    assert_string_equal(receiver->console, "http://127.0.0.1:9190/");
    assert_int_not_equal(strlen(receiver->source), 0);
}

static void a_secret_open_to_everybody_is_refused(void **state) {
    (void)state;
    write_secret("https://hooks.example/T0/B0/x\n", 0644);
    snprintf(says.url_file, sizeof(says.url_file), "%s", path);
    assert_int_equal(make(SWGI_RECEIVER_SLACK), -EINVAL);
    assert_string_equal(error.key, "receivers.on-call.url_file");
    assert_non_null(strstr(error.text, "is open to everybody: chmod o= it"));
}

static void what_is_no_secret_is_refused_and_not_told(void **state) {
    (void)state;
    snprintf(says.token_file, sizeof(says.token_file), "%s", path);
    write_secret("two words\n", 0600);
    assert_int_equal(make(SWGI_RECEIVER_PAGERDUTY), -EINVAL);
    assert_string_equal(error.key, "receivers.on-call.token_file");
    assert_null(strstr(error.text, "two"));
    write_secret("", 0600);
    assert_int_equal(make(SWGI_RECEIVER_PAGERDUTY), -EINVAL);
    unlink(path);
    assert_int_equal(make(SWGI_RECEIVER_PAGERDUTY), -ENOENT);
    snprintf(says.token_file, sizeof(says.token_file), "%s", folder);
    assert_int_equal(make(SWGI_RECEIVER_PAGERDUTY), -EINVAL);
}

static void secrets_come_from_the_environment(void **state) {
    (void)state;
    setenv("SWITCHGEAR_ON_CALL_TOKEN", "R0UT1NG", 1);
    assert_int_equal(make(SWGI_RECEIVER_PAGERDUTY), 0);
    unsetenv("SWITCHGEAR_ON_CALL_TOKEN");
    assert_string_equal(receiver->secret, "R0UT1NG");
    assert_string_equal(receiver->url, "https://events.pagerduty.com/v2/enqueue");
}

static void what_is_missing_is_told(void **state) {
    (void)state;
    assert_int_equal(make(SWGI_RECEIVER_SLACK), -EINVAL);
    assert_string_equal(error.key, "receivers.on-call.url");
    assert_int_equal(make(SWGI_RECEIVER_PAGERDUTY), -EINVAL);
    assert_string_equal(error.key, "receivers.on-call.token_file");
    snprintf(says.url, sizeof(says.url), "file:///etc/passwd");
    assert_int_equal(make(SWGI_RECEIVER_WEBHOOK), -EINVAL);
    assert_string_equal(error.text, "is no URL of http or https");
    says.url[0] = '\0';
    assert_int_equal(make(SWGI_RECEIVER_LOG), 0);
}

static void an_alertmanager_is_named_by_its_address(void **state) {
    (void)state;
    snprintf(says.url, sizeof(says.url), "http://alertmanager:9093/");
    assert_int_equal(make(SWGI_RECEIVER_ALERTMANAGER), 0);
    assert_string_equal(receiver->url, "http://alertmanager:9093/api/v2/alerts");
    swgi_receiver_free(receiver);
    snprintf(says.url, sizeof(says.url), "http://alertmanager:9093/api/v2/alerts");
    assert_int_equal(make(SWGI_RECEIVER_ALERTMANAGER), 0);
    assert_string_equal(receiver->url, "http://alertmanager:9093/api/v2/alerts");
}

static void templates_are_read_at_once(void **state) {
    (void)state;
    snprintf(says.url, sizeof(says.url), "http://hook.example/");
    snprintf(says.template_file, sizeof(says.template_file), "%s", path);
    write_secret("{\"a\": \"{{nobody}}\"}", 0644);
    assert_int_equal(make(SWGI_RECEIVER_WEBHOOK), -EINVAL);
    assert_int_equal(error.column, 8);
    write_secret("{\"a\": \"{{circuit}}\"}", 0644);
    assert_int_equal(make(SWGI_RECEIVER_WEBHOOK), 0);
    assert_non_null(receiver->form);
}

/* ---- the queue */

static struct swgi_notice *notice_of(int severity, const char *name, bool firing) {
    struct swgi_notice *notice = calloc(1, sizeof(*notice));

    assert_non_null(notice);
    notice->references = 1;
    notice->severity = severity;
    notice->firing = firing;
    snprintf(notice->key, sizeof(notice->key), "%s", name);
    return notice;
}

static unsigned put(int severity, const char *name, bool firing) {
    struct swgi_notice *notice = notice_of(severity, name, firing);
    unsigned gone = swgi_receiver_put(receiver, notice, 1);

    swgi_receiver_follow(receiver, notice, 1);
    swgi_notice_unref(notice);
    return gone;
}

static void make_at(int kind) {
    snprintf(says.url, sizeof(says.url), "http://receiver.example");
    assert_int_equal(make(kind), 0);
}

static void receivers_choose(void **state) {
    struct swgi_file_alert alert = { .name = "a" };
    struct swgi_notice *ended = notice_of(SWGI_SEVERITY_WARNING, "k", false);
    char *names[] = { (char *)"other", (char *)"on-call" };

    (void)state;
    says.severity_min = SWGI_SEVERITY_WARNING;
    make_at(SWGI_RECEIVER_WEBHOOK);
    assert_true(swgi_receiver_wants(receiver, &alert, ended));
    alert.to = (struct swgi_file_words){ .count = 1, .at = names };
    assert_false(swgi_receiver_wants(receiver, &alert, ended));
    alert.to.count = 2;
    assert_true(swgi_receiver_wants(receiver, &alert, ended));
    receiver->says.resolved = false;
    assert_false(swgi_receiver_wants(receiver, &alert, ended));
    ended->firing = true;
    assert_true(swgi_receiver_wants(receiver, &alert, ended));
    ended->severity = SWGI_SEVERITY_INFO;
    assert_false(swgi_receiver_wants(receiver, &alert, ended));
    receiver->says.severity_min = SWGI_SEVERITY_INFO;
    receiver->says.kind = SWGI_RECEIVER_PAGERDUTY;
    ended->is_moment = true;
    assert_true(swgi_receiver_wants(receiver, &alert, ended));
    alert.to.count = 0;
    assert_false(swgi_receiver_wants(receiver, &alert, ended));
    swgi_notice_unref(ended);
}

static void the_least_severe_makes_room(void **state) {
    (void)state;
    make_at(SWGI_RECEIVER_WEBHOOK);
    for (unsigned i = 0; i < SWGI_QUEUE_MAX; i++)
        assert_int_equal(put(i == 3 ? SWGI_SEVERITY_INFO : SWGI_SEVERITY_WARNING,
                             i == 0 ? "oldest" : "some", true),
                         0);
    assert_int_equal(put(SWGI_SEVERITY_CRITICAL, "page", true), 1); /* for the one of info */
    assert_string_equal(receiver->waiting[0].notice->key, "oldest");
    assert_int_equal(put(SWGI_SEVERITY_CRITICAL, "page", true), 1); /* for the oldest warning */
    assert_string_equal(receiver->waiting[0].notice->key, "some");
    assert_int_equal(put(SWGI_SEVERITY_INFO, "late", true), 1); /* itself */
    assert_int_equal(receiver->waiting_count, SWGI_QUEUE_MAX);
    assert_string_equal(receiver->waiting[SWGI_QUEUE_MAX - 1].notice->key, "page");
}

static void what_piles_up_for_slack_is_one_message(void **state) {
    (void)state;
    make_at(SWGI_RECEIVER_SLACK);
    for (unsigned i = 0; i < 30; i++)
        put(SWGI_SEVERITY_INFO, "k", true);
    assert_true(swgi_receiver_take(receiver, 2));
    assert_int_equal(receiver->batch_count, SWGI_SLACK_MESSAGE_MAX);
    assert_true(swgi_receiver_take(receiver, 2)); /* still the same */
    assert_int_equal(receiver->batch_count, SWGI_SLACK_MESSAGE_MAX);
    swgi_receiver_clear(receiver);
    assert_true(swgi_receiver_take(receiver, 2));
    assert_int_equal(receiver->batch_count, 10);
    swgi_receiver_clear(receiver);
    assert_false(swgi_receiver_take(receiver, 2));
    assert_true(swgi_receiver_due(receiver) == SWG_NS_MAX);
}

static void an_alertmanager_is_told_again_every_minute(void **state) {
    swg_ns minute = 1 + SWGI_REPOST_NS;

    (void)state;
    make_at(SWGI_RECEIVER_ALERTMANAGER);
    put(SWGI_SEVERITY_INFO, "a", true);
    put(SWGI_SEVERITY_INFO, "b", true);
    put(SWGI_SEVERITY_INFO, "a", true);
    assert_true(swgi_receiver_take(receiver, 2));
    assert_int_equal(receiver->batch_count, 3);
    swgi_receiver_clear(receiver);
    assert_false(swgi_receiver_take(receiver, minute - 1));
    assert_int_equal(swgi_receiver_due(receiver), minute);
    assert_true(swgi_receiver_take(receiver, minute));
    assert_int_equal(receiver->batch_count, 2);
    assert_true(receiver->is_repost);
    swgi_receiver_clear(receiver);
    put(SWGI_SEVERITY_INFO, "a", false);
    put(SWGI_SEVERITY_INFO, "b", false);
    assert_int_equal(receiver->active_count, 0);
    assert_true(swgi_receiver_take(receiver, minute));
    swgi_receiver_clear(receiver);
    assert_false(swgi_receiver_take(receiver, 10 * minute));
}

static void what_it_does_not_know_of_is_told_at_once(void **state) {
    struct swgi_notice *known, *unknown = notice_of(SWGI_SEVERITY_INFO, "b", true);

    (void)state;
    make_at(SWGI_RECEIVER_ALERTMANAGER);
    put(SWGI_SEVERITY_INFO, "a", true);
    assert_true(swgi_receiver_take(receiver, 2));
    swgi_receiver_clear(receiver);
    known = receiver->active[0];
    swgi_receiver_recall(receiver, known, 3);
    assert_false(swgi_receiver_take(receiver, 3));
    swgi_receiver_recall(receiver, unknown, 4);
    assert_true(swgi_receiver_take(receiver, 4));
    assert_int_equal(receiver->batch_count, 2);
    swgi_notice_unref(unknown);
}

static void many_active_alerts_go_in_parts(void **state) {
    swg_ns minute = 1 + SWGI_REPOST_NS;
    char key[16];

    (void)state;
    make_at(SWGI_RECEIVER_ALERTMANAGER);
    for (unsigned i = 0; i < SWGI_ALERTMANAGER_MAX + 5; i++) {
        struct swgi_notice *notice;

        snprintf(key, sizeof(key), "k%u", i);
        notice = notice_of(SWGI_SEVERITY_INFO, key, true);
        swgi_receiver_follow(receiver, notice, 1);
        swgi_notice_unref(notice);
    }
    assert_true(swgi_receiver_take(receiver, minute));
    assert_int_equal(receiver->batch_count, SWGI_ALERTMANAGER_MAX);
    swgi_receiver_clear(receiver);
    assert_true(swgi_receiver_take(receiver, minute));
    assert_int_equal(receiver->batch_count, 5);
    swgi_receiver_clear(receiver);
    assert_false(swgi_receiver_take(receiver, minute));
    assert_true(swgi_receiver_take(receiver, 2 * minute));
}

static void what_waits_outlives_a_reload(void **state) {
    struct swgi_receiver *other;

    (void)state;
    make_at(SWGI_RECEIVER_ALERTMANAGER);
    put(SWGI_SEVERITY_INFO, "a", true);
    assert_true(swgi_receiver_take(receiver, 2));
    put(SWGI_SEVERITY_INFO, "b", true);
    other = receiver;
    make_at(SWGI_RECEIVER_ALERTMANAGER);
    swgi_receiver_inherit(receiver, other);
    swgi_receiver_free(other);
    assert_int_equal(receiver->batch_count, 1);
    assert_int_equal(receiver->waiting_count, 1);
    assert_int_equal(receiver->active_count, 2);
}

int main(void) {
#define RECEIVER(name) cmocka_unit_test_setup_teardown(name, begin_receiver, end_receiver)
    const struct CMUnitTest tests[] = {
        RECEIVER(secrets_come_from_files),
        RECEIVER(a_secret_open_to_everybody_is_refused),
        RECEIVER(what_is_no_secret_is_refused_and_not_told),
        RECEIVER(secrets_come_from_the_environment),
        RECEIVER(what_is_missing_is_told),
        RECEIVER(an_alertmanager_is_named_by_its_address),
        RECEIVER(templates_are_read_at_once),
        RECEIVER(receivers_choose),
        RECEIVER(the_least_severe_makes_room),
        RECEIVER(what_piles_up_for_slack_is_one_message),
        RECEIVER(an_alertmanager_is_told_again_every_minute),
        RECEIVER(what_it_does_not_know_of_is_told_at_once),
        RECEIVER(many_active_alerts_go_in_parts),
        RECEIVER(what_waits_outlives_a_reload),
    };

    return cmocka_run_group_tests_name("agent/alerts_receiver", tests, NULL, NULL);
}
