/* What the machines around the agent ask: is it alive, is it ready, its metrics, its description; and its pages. */
#include "agent/admin.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/pages.h"

/*
 * A rendered exposition is good for so long: ten scrapers cost as much as one, and no figure in it is older than a scrape can
 * tell.
 */
#define METRICS_GOOD_MS 200u

void swgi_admin_alive(struct swgi_agent *agent, struct swgi_request *request,
                      struct swgi_answer *answer) {
    (void)agent;
    (void)request;
    swgi_answer_json(answer, 200, json_pack("{s:s}", "status", "alive"));
}

void swgi_admin_ready(struct swgi_agent *agent, struct swgi_request *request,
                      struct swgi_answer *answer) {
    if (agent->is_ready && !agent->is_draining)
        swgi_answer_json(answer, 200, json_pack("{s:s}", "status", "ready"));
    else
        swgi_answer_problem(answer, request, SWGI_PROBLEM_STOPPING, "%s",
                            agent->is_draining ? "the agent is stopping" : "the agent is starting");
}

static int render(struct swgi_agent *agent, int format) {
    struct swgi_agent_health health;
    char *bytes = NULL;
    size_t size = 0;
    int rc;

    (void)swgi_measures_tick(agent->measures, agent->file);
    swgi_agent_health(agent, &health);
    rc = swgi_metrics_write(agent->panel, agent->measures, agent->file, &health, format, &bytes,
                            &size);
    if (rc != 0)
        return rc;
    agent->metrics[format] = swgi_text_unref(agent->metrics[format]);
    agent->metrics[format] = swgi_text_new(bytes, size);
    agent->metrics_at_ms[format] = uv_now(&agent->loop);
    return agent->metrics[format] ? 0 : -1;
}

static bool is_good(const struct swgi_agent *agent, int format) {
    return agent->metrics[format] &&
           uv_now(&agent->loop) - agent->metrics_at_ms[format] < METRICS_GOOD_MS;
}

void swgi_admin_forget(struct swgi_agent *agent) {
    for (int format = 0; format < 2; format++)
        if (!is_good(agent, format))
            agent->metrics[format] = swgi_text_unref(agent->metrics[format]);
}

void swgi_admin_metrics(struct swgi_agent *agent, struct swgi_request *request,
                        struct swgi_answer *answer) {
    const char *accept = request->headers[SWGI_HEADER_ACCEPT];
    int format = accept && strstr(accept, "application/openmetrics-text") ? SWGI_METRICS_OPENMETRICS
                                                                          : SWGI_METRICS_TEXT;

    if (!is_good(agent, format) && render(agent, format) != 0) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_INTERNAL, "no memory");
        return;
    }
    answer->status = 200;
    answer->type = swgi_metrics_type(format);
    answer->text = swgi_text_ref(agent->metrics[format]);
    swgi_answer_header(answer, "Vary", "Accept");
}

void swgi_admin_openapi(struct swgi_agent *agent, struct swgi_request *request,
                        struct swgi_answer *answer) {
    if (!agent->openapi) {
        swgi_answer_json(answer, 200, swgi_openapi());
        agent->openapi = swgi_text_ref(answer->text);
        return;
    }
    (void)request;
    answer->status = 200;
    answer->type = "application/json";
    answer->text = swgi_text_ref(agent->openapi);
}

static void give_page(const struct swgi_request *request, struct swgi_answer *answer,
                      const struct swgi_page *page) {
    char etag[80];

    snprintf(etag, sizeof(etag), "\"%s\"", page->etag);
    swgi_answer_header(answer, "Cache-Control", "no-cache");
    if (swgi_answer_unchanged(answer, request, etag))
        return;
    answer->text = swgi_text_static(page->bytes, page->size);
    answer->status = answer->text ? 200 : 500;
    answer->type = page->type;
}

bool swgi_admin_page(const struct swgi_request *request, struct swgi_answer *answer) {
    for (unsigned i = 0; i < swgi_pages_count; i++) {
        if (strcmp(swgi_pages[i].path, request->path) == 0) {
            if (answer)
                give_page(request, answer, &swgi_pages[i]);
            return true;
        }
    }
    return false;
}
