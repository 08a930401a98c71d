/* A client: whose panel, how circuits are named, and the bounds every call gets. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bound {
    const char *name;
    swg_ns *value;
    swg_ns unset, least, most;
    const char *allowed;
};

static int check_bounds(struct swg_http_options *options, struct swg_error *error) {
    const swg_ns ms = SWGI_NS_PER_MS, s = SWGI_NS_PER_S;
    const struct bound bounds[] = {
        { "timeout", &options->timeout, 0, ms, 3600 * s,
          "must be 1 ms to 1 h, or 0 for the circuit's" },
        { "connect_timeout", &options->connect_timeout, 3 * s, ms, 3600 * s,
          "must be 1 ms to 1 h, or 0 for 3 s" },
        { "retry_after_max", &options->retry_after_max, 3600 * s, s, 86400 * s,
          "must be 1 s to 24 h, or 0 for 1 h" },
        { "idle_close_after", &options->idle_close_after, 10 * s, 1, SWG_NS_MAX,
          "must not be negative; 0 is 10 s" },
    };

    for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
        if (*bounds[i].value == 0) {
            *bounds[i].value = bounds[i].unset;
            continue;
        }
        if (*bounds[i].value < bounds[i].least || *bounds[i].value > bounds[i].most)
            return swgi_http_fault(error, -EINVAL, bounds[i].name, bounds[i].allowed);
    }
    return 0;
}

static int check_options(struct swg_http_options *mine, const struct swg_http_options *options,
                         struct swg_error *error) {
    const char *wrong;

    *mine = (struct swg_http_options)SWG_HTTP_OPTIONS_INIT;
    if (options != NULL) {
        int rc = swgi_http_take(mine, sizeof(*mine), options);

        if (rc != 0)
            return swgi_http_fault(
                error, rc, "size",
                "the struct is another version's: set it with SWG_HTTP_OPTIONS_INIT");
    }
    if (mine->circuit == NULL)
        mine->circuit = SWG_HTTP_CIRCUIT;
    if (swgi_http_template_check(mine->circuit, &wrong) != 0)
        return swgi_http_fault(error, -EINVAL, "circuit", wrong);
    return check_bounds(mine, error);
}

/* A name without braces is looked up once, and what is wrong with its settings is told now. */
static int client_init(struct swg_http_client *client, struct swg_panel *panel,
                       const struct swg_http_options *options, struct swg_error *error) {
    struct swg_panel_info info = SWG_PANEL_INFO_INIT;

    client->is_virtual = swg_panel_status(panel, &info) == 0 && info.is_virtual;
    atomic_init(&client->references, 1);
    client->config = options->config;
    snprintf(client->name_template, sizeof(client->name_template), "%s", options->circuit);
    client->timeout = options->timeout;
    client->connect_timeout = options->connect_timeout;
    client->retry_after_max = options->retry_after_max;
    client->idle_close_after = options->idle_close_after;
    pthread_mutex_init(&client->lock, NULL);
    client->panel = swg_panel_ref(panel);
    if (strchr(client->name_template, '{') != NULL)
        return 0;
    return swg_circuit_get(panel, client->name_template, client->config, &client->fixed, error);
}

int swg_http_client_new(struct swg_http_client **out, struct swg_panel *panel,
                        const struct swg_http_options *options, struct swg_error *error) {
    struct swg_http_options mine;
    struct swg_http_client *client;
    int rc = check_options(&mine, options, error);

    if (rc != 0)
        return rc;
    if (panel == NULL)
        return swgi_http_fault(error, -EINVAL, "panel", "there must be one");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return swgi_http_fault(error, -EIO, "libcurl", "libcurl would not start");
    client = calloc(1, sizeof(*client));
    if (client == NULL)
        return swgi_http_fault(error, -ENOMEM, "", "no memory for an HTTP client");
    rc = client_init(client, panel, &mine, error);
    if (rc != 0)
        swg_http_client_unref(client);
    else
        *out = client;
    return rc;
}

struct swg_http_client *swg_http_client_ref(struct swg_http_client *client) {
    atomic_fetch_add(&client->references, 1);
    return client;
}

struct swg_http_client *swg_http_client_unref(struct swg_http_client *client) {
    if (client == NULL || atomic_fetch_sub(&client->references, 1) > 1)
        return NULL;
    swg_panel_unref(client->panel);
    pthread_mutex_destroy(&client->lock);
    free(client);
    return NULL;
}
