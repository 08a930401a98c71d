/* The shortest protected call, word for word as in README.md. */
/* clang-format off */
#include <stdio.h>
#include <switchgear/switchgear.h>

static int pay(struct swg_attempt *attempt, void *arg) { /* any call: it says what it came to */
    (void)attempt;
    return *(int *)arg > 0 ? SWG_SUCCESS : SWG_FAILURE;
}

int main(void) {
    struct swg_panel *panel;
    struct swg_config *config;
    struct swg_circuit *payments;
    if (swg_panel_open(&panel, NULL, NULL) || swg_config_new(&config) ||
        swg_config_preset(config, "api-retry", NULL) ||
        swg_circuit_get(panel, "payments", config, &payments, NULL))
        return 1;
    for (int amount = 1; amount > -14; amount--) {
        struct swg_result result = SWG_RESULT_INIT;
        int rc = swg_call(payments, NULL, pay, &amount, &result);
        if (swg_is_rejection(rc)) /* not called */
            printf("%s; try again in %.0f s\n", swg_strerror(rc), (double)result.retry_in / 1e9);
        else /* called: it answered, or SWG_FAILED */
            puts(rc == SWG_GO ? "answered" : swg_strerror(rc));
    }
}
