/* A story that is measured: the panel's, on a clock that stands still, and what an agent makes of it second by second. */
#ifndef MEASURE_STORY_H
#define MEASURE_STORY_H

#include "agent/measure.h"
#include "story.h"

static struct swgi_measures *measures;
static uint64_t cursor;
static struct swgi_file *file;

static inline int begin_measured(void **state) {
    int rc = begin_story(state);

    cursor = 0;
    file = NULL;
    advance(S(1000));
    if (rc == 0)
        rc = swgi_file_empty(&file);
    return rc != 0 ? rc : swgi_measures_new(&measures, panel);
}

static inline int end_measured(void **state) {
    measures = swgi_measures_unref(measures);
    file = swgi_file_unref(file);
    return end_story(state);
}

/* The configuration that is in force from now on. */
static inline void configure(const char *yaml) {
    struct swgi_file_errors errors = { 0 };
    struct swgi_file *read = NULL;

    if (swgi_file_parse(&read, yaml, strlen(yaml), "test.yaml", NULL, &errors) != 0)
        fail_msg("%s: %s", errors.errors[0].key, errors.errors[0].text);
    swgi_file_unref(file);
    file = read;
}

/* As the agent does: events, then the tick. */
static inline void tick(void) {
    struct swg_event event = SWG_EVENT_INIT;

    while (swg_panel_next_event(panel, &cursor, &event) == 1)
        swgi_measures_event(measures, &event);
    assert_int_equal(swgi_measures_tick(measures, file), 0);
}

static inline void ticks(unsigned count) {
    while (count-- > 0) {
        advance(S(1));
        tick();
    }
}

#endif
