/* The shortest protected call, word for word as in README.md. */
/* clang-format off */
#include <stdio.h>
#include <switchgear/switchgear.h>

/* Any call that can fail: it says what it came to. */
static int pay(struct swg_attempt *attempt, void *arg) {
    (void)attempt;
    return *(int *)arg > 0 ? SWG_SUCCESS : SWG_FAILURE;
}

int main(void) {
    struct swg_panel *panel = NULL;
    struct swg_config *config = NULL;
    struct swg_circuit *payments = NULL;
    if (swg_panel_open(&panel, NULL, NULL) < 0 || swg_config_new(&config) < 0 ||
        swg_config_preset(config, "api-retry", NULL) < 0 ||
        swg_circuit_get(panel, "payments", config, &payments, NULL) < 0)
        return 1;
    for (int amount = 1; amount > -14; amount--) {
        struct swg_result result = SWG_RESULT_INIT;
        int rc = swg_call(payments, NULL, pay, &amount, &result);
        if (rc == SWG_GO)
            puts("answered");
        else if (swg_is_rejection(rc))
            printf("%s; try again in %.0f s\n", swg_strerror(rc), (double)result.retry_in / 1e9);
        else
            puts(swg_strerror(rc)); /* SWG_FAILED: called, and it failed. Below 0: a fault of ours */
    }
    swg_config_unref(config);
    swg_panel_unref(panel);
    return 0;
}
