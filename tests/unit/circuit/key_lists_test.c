/* Keys whose value is a list, a text or has a sign: what each takes, what it refuses, and what it leaves. */
#include "config_story.h"

static void test_priorities_have_a_sign(void **state) {
    static const char *const bad[] = {
        "--1", "+1", "- 1", "-", "1.5", "-00", "99999999999999999999"
    };

    (void)state;
    set("bulkhead.max_concurrent", "4");
    set("bulkhead.reserve.priority_at_most", "-32");
    assert_int_equal(applied(NULL).policies.bulkhead.reserve_priority, 0);
    set("bulkhead.reserve.priority_at_most", "31");
    assert_int_equal(applied(NULL).policies.bulkhead.reserve_priority, 63);
    set("bulkhead.reserve.priority_at_most", "0");
    assert_int_equal(applied(NULL).policies.bulkhead.reserve_priority, 32);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused("bulkhead.reserve.priority_at_most", bad[i], "allowed: -32..31");
}

static void test_partitions(void **state) {
    static const char *const good[] = { "-1:100, 10:80, 31:50", "-1:100,10:80,31:50",
                                        " -1:100 , 10:80,  31:50 " };
    static const char *const bad[] = { "",
                                       ",",
                                       "0",
                                       "0:",
                                       ":50",
                                       "0:50,",
                                       ",0:50",
                                       "0:50 1:40",
                                       "0:0",
                                       "0:101",
                                       "0:-5",
                                       "0:50%",
                                       "-33:50",
                                       "32:50",
                                       "-0:50",
                                       "x:50",
                                       "0:50:1",
                                       "5:50, 1:40",              /* priorities ascend */
                                       "5:50, 5:40",              /* each once */
                                       "1:40, 5:50",              /* shares descend */
                                       "0:9, 1:8, 2:7, 3:6, 4:5", /* at most four */
                                       "99999999999999999999:1",
                                       "0:99999999999999999999",
                                       "none, 0:50",
                                       "off" };
    struct swgi_settings settings;

    (void)state;
    set("bulkhead.max_concurrent", "4");
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        set("bulkhead.partitions", good[i]);
        settings = applied(NULL);
        assert_int_equal(settings.policies.bulkhead.partitions_count, 3);
        assert_memory_equal(settings.policies.bulkhead.partitions,
                            ((uint8_t[]){ 31, 100, 42, 80, 63, 50, 0, 0 }), 8);
        assert_prints(&settings, "bulkhead.partitions", "-1:100, 10:80, 31:50");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused("bulkhead.partitions", bad[i],
                       "allowed: none, or at most 4 of -32..31:1..100, priorities ascending");
    set("bulkhead.partitions", "-32:100, 0:100, 1:99, 31:1");
    assert_int_equal(applied(NULL).policies.bulkhead.partitions_count, 4);
}

/* What a longer list leaves behind would lie in the panel, and make a circuit seem to have policies. */
static void test_a_shorter_list_leaves_nothing_of_the_longer(void **state) {
    struct swgi_settings plain = applied(NULL), settings;

    (void)state;
    set("bulkhead.max_concurrent", "4");
    set("bulkhead.partitions", "-1:100, 10:80, 31:50");
    set("fallback.chain", "static, queue, function");
    set("fallback.static", "closed for today");
    set("features.list", "checkout:100, search:50, reviews:10");
    settings = applied(NULL);
    free_config(NULL);
    make_config(NULL);
    set("bulkhead.partitions", "-1:100, 10:80, 31:50");
    set("bulkhead.max_concurrent", "off");
    set("bulkhead.partitions", "none");
    set("fallback.chain", "none");
    set("fallback.static", "");
    set("features.list", "none");
    settings = applied(&settings);
    assert_prints(&settings, "bulkhead.partitions", "none");
    assert_prints(&settings, "fallback.chain", "none");
    assert_prints(&settings, "fallback.static", "");
    assert_prints(&settings, "features.list", "none");
    assert_memory_equal(&settings, &plain, sizeof(plain));
    assert_false(swgi_policies_wanted(&settings.policies));
}

static void test_chains(void **state) {
    static const char *const bad[] = { "",
                                       ",",
                                       "cache,",
                                       ",cache",
                                       "cache;x",
                                       "cache cache",
                                       "cache, cache",
                                       "Cache",
                                       "off",
                                       "none, cache",
                                       "cache, none",
                                       "0",
                                       "cache, static, queue, function, static",
                                       "function, queue, static, queue",
                                       "alternatives",
                                       "a-word-that-is-far-too-long" };
    struct swgi_settings settings;

    (void)state;
    set("fallback.alternative", "region-b");
    set("fallback.static", "closed for today");
    set("cache.bytes", "65536");
    set("fallback.chain", "function,queue , static,  alternative,cache");
    settings = applied(NULL);
    assert_prints(&settings, "fallback.chain", "function, queue, static, alternative, cache");
    assert_memory_equal(
        settings.policies.fallback.chain,
        ((uint8_t[]){ SWGI_FALLBACK_FUNCTION, SWGI_FALLBACK_QUEUE, SWGI_FALLBACK_STATIC,
                      SWGI_FALLBACK_ALTERNATIVE, SWGI_FALLBACK_CACHE }),
        SWGI_FALLBACKS_MAX);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused("fallback.chain", bad[i],
                       "allowed: none, or each once of cache|alternative|static|queue|function");
    set("fallback.chain", "static");
    settings = applied(&settings);
    assert_prints(&settings, "fallback", "static");
}

static void test_the_alternative_is_a_circuit_s_name(void **state) {
    static const char *const bad[] = { "two words", "a,b",     "\xc3\xbc", "a\tb",
                                       "a\nb",      "\033[2J", "*" };
    char longest[SWGI_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused("fallback.alternative", bad[i],
                       "is not a circuit's name; allowed: empty, or 1..127 of");
    memset(longest, 'a', sizeof(longest));
    longest[SWGI_NAME_MAX + 1] = '\0';
    assert_refused("fallback.alternative", longest, "allowed: empty, or 1..127 of A-Z a-z 0-9");
    longest[SWGI_NAME_MAX] = '\0';
    set("fallback.chain", "alternative");
    set("fallback.alternative", longest);
    struct swgi_settings settings = applied(NULL);
    assert_prints(&settings, "fallback.alternative", longest);
    set("fallback.chain", "none");
    set("fallback.alternative", "");
    settings = applied(&settings);
    assert_prints(&settings, "fallback.alternative", "");
    assert_string_equal(settings.policies.fallback.alternative, "");
}

static void test_static_answers(void **state) {
    char longest[SWGI_ANSWER_MAX + 2];
    struct swgi_settings settings;

    (void)state;
    set("fallback.chain", "static");
    set("fallback.static", "{\"status\": \"closed\", \"n\": 1e9} \xc3\xbc");
    settings = applied(NULL);
    assert_prints(&settings, "fallback.static", "{\"status\": \"closed\", \"n\": 1e9} \xc3\xbc");
    set("fallback.static", "x");
    assert_string_equal(applied(&settings).policies.fallback.answer, "x");
    assert_int_equal(applied(&settings).policies.fallback.answer[2], 0);
    assert_refused("fallback.static", "a\nb",
                   "is not text without control characters; allowed: at most 127 bytes");
    assert_refused("fallback.static", "\033[2J", "allowed: at most 127 bytes of text");
    assert_refused("fallback.static", "\x7f", "allowed");
    memset(longest, 'a', sizeof(longest));
    longest[SWGI_ANSWER_MAX + 1] = '\0';
    assert_refused("fallback.static", longest, "out of range; allowed: at most 127 bytes of text");
    longest[SWGI_ANSWER_MAX] = '\0';
    set("fallback.static", longest);
    settings = applied(NULL);
    assert_prints(&settings, "fallback.static", longest);
}

static void test_features(void **state) {
    static const char *const bad[] = { "",
                                       ",",
                                       "search",
                                       "search:",
                                       ":50",
                                       "search:50,",
                                       "search:-1",
                                       "search:5.5",
                                       "search:99999999999999999999",
                                       "Search:50",
                                       "two words:50",
                                       "search:50, search:60", /* each name once */
                                       "a-name-of-24-bytes-is-it:1",
                                       ("a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1,j:1,k:1,l:1,m:1,n:1,"
                                        "o:1,p:1,q:1") };
    struct swgi_settings settings;
    char most[SWGI_KEY_VALUE_MAX] = "";

    (void)state;
    set("features.list", "search:50,checkout:100 , reviews:10");
    set("features.hold", "20s");
    settings = applied(NULL);
    assert_prints(&settings, "features.list", "checkout:100, search:50, reviews:10");
    assert_prints(&settings, "features.hold", "20s");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused("features.list", bad[i],
                       "allowed: none, or at most 16 of name:importance, each name once");
    /* The longest that there may be prints, and reads back. */
    for (unsigned i = 0; i < SWGI_FEATURES_MAX; i++)
        snprintf(most + strlen(most), sizeof(most) - strlen(most), "%sa-name-of-23-bytes-%04u:%u",
                 i > 0 ? ", " : "", i, 1000000 - i);
    set("features.list", most);
    settings = applied(NULL);
    assert_prints(&settings, "features.list", most);
    assert_refused("features.list", "search:1000001", "allowed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_priorities_have_a_sign),
        STORY(test_partitions),
        STORY(test_a_shorter_list_leaves_nothing_of_the_longer),
        STORY(test_chains),
        STORY(test_the_alternative_is_a_circuit_s_name),
        STORY(test_static_answers),
        STORY(test_features),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
