/* Policies around a call, word for word as in README.md. */
/* clang-format off */
#include <stdio.h>
#include <switchgear/switchgear.h>

static int quote(struct swg_attempt *attempt, void *arg) { /* works the second and third time */
    int times = ++*(int *)arg;
    if (times == 1 || times > 3)
        return SWG_FAILURE;
    swg_attempt_keep(attempt, "41.50", 5);
    return SWG_SUCCESS;
}

int main(void) {
    static const char *const settings[][2] = {
        { "bulkhead.max_concurrent", "20" }, { "bulkhead.when_busy", "wait" },
        { "retry.attempts", "3" }, { "timeout.attempt", "2s" },
        { "fallback", "static" }, { "fallback.static", "no quotes now" } };
    struct swg_panel *panel;
    struct swg_config *config;
    struct swg_circuit *quotes;
    int times = 0;
    if (swg_panel_open(&panel, NULL, NULL) || swg_config_new(&config))
        return 1;
    for (int i = 0; i < 6; i++)
        swg_config_set(config, settings[i][0], settings[i][1], NULL);
    if (swg_circuit_get(panel, "quotes", config, &quotes, NULL))
        return 1;
    for (int i = 0; i < 5; i++) {
        struct swg_result result = SWG_RESULT_INIT;
        swg_call(quotes, NULL, quote, &times, &result);
        printf("%s: %.*s, after %u attempts\n", result.degraded ? "degraded" : "answered",
               (int)result.value.length, (const char *)result.value.bytes, result.attempts);
        swg_buffer_release(&result.value);
    }
}
