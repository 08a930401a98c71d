/* The shortest protected call: a service that answers once, then fails, until the breaker stops asking it. */
#include <stdio.h>

#include <switchgear/switchgear.h>

static int fetch(struct swg_attempt *attempt, void *arg) {
    struct swg_failure why = SWG_FAILURE_INIT;

    if (*(const int *)arg == 0)
        return SWG_SUCCESS;
    why.text = "connection refused";
    swg_attempt_failure(attempt, &why);
    return SWG_FAILURE;
}

int main(void) {
    struct swg_result result = SWG_RESULT_INIT;
    struct swg_config *config;
    struct swg_circuit *circuit;
    struct swg_panel *panel;

    if (swg_panel_open(&panel, NULL, NULL) != 0 || swg_config_new(&config) != 0 ||
        swg_config_preset(config, "read", NULL) != 0 ||
        swg_circuit_get(panel, "catalogue", config, &circuit, NULL) != 0)
        return 1;
    for (int i = 0; i < 6; i++) {
        int rc = swg_call(circuit, NULL, fetch, &i, &result);

        if (rc == SWG_GO)
            puts("answered");
        else if (rc == SWG_FAILED)
            printf("called, and it failed: %s\n", result.error.text);
        else if (swg_is_rejection(rc))
            printf("%s; ask again in %.1f s\n", swg_strerror(rc), (double)result.retry_in / 1e9);
    }
    swg_config_unref(config);
    swg_panel_unref(panel);
    return 0;
}
