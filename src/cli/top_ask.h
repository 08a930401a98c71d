/* What `top` asks a person in its last line: a filter; why and for how long to act, and whether that is meant. Keys in, answers out. */
#ifndef SWGI_CLI_TOP_ASK_H
#define SWGI_CLI_TOP_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "switchgear/switchgear.h"

enum swgi_ask_step {
    SWGI_ASK_NOTHING,
    SWGI_ASK_FILTER,
    SWGI_ASK_REASON,
    SWGI_ASK_FOR,
    SWGI_ASK_CONFIRM,
    SWGI_ASK_FORCE /* it was refused, but may be forced */
};

/* Keys beside the bytes 0x20..0xff, which are typed as they are. */
enum {
    SWGI_KEY_ENTER = 0x1000,
    SWGI_KEY_LEAVE,
    SWGI_KEY_BACK,
    SWGI_KEY_CLEAR,
    SWGI_KEY_UP,
    SWGI_KEY_DOWN,
    SWGI_KEY_PAGE_UP,
    SWGI_KEY_PAGE_DOWN,
    SWGI_KEY_HOME,
    SWGI_KEY_END,
    SWGI_KEY_OTHER
};

/* Starts as zero. */
struct swgi_ask {
    int step;
    char act[12]; /* "trip", ... */
    char circuit[128];
    char line[128]; /* being typed */
    size_t length;
    char reason[128];
    swg_ns for_ns;  /* 0: until undone */
    char wrong[80]; /* what was wrong with the last answer; "" */
    bool may_bounded;
};

void swgi_ask_filter(struct swgi_ask *ask, const char *now);
/* bounded: the act can end by itself. */
void swgi_ask_act(struct swgi_ask *ask, const char *act, const char *circuit, bool bounded);
/* After a refusal that force would overcome. */
void swgi_ask_force(struct swgi_ask *ask);

enum swgi_answer {
    SWGI_ANSWER_NONE,   /* go on asking */
    SWGI_ANSWER_FILTER, /* the line is the filter now: it is in force while it is typed */
    SWGI_ANSWER_ACT,    /* do it: all answers are there, and the step is over */
    SWGI_ANSWER_FORCED, /* the same, forced */
    SWGI_ANSWER_LEFT    /* nothing is wanted any more */
};
int swgi_ask_key(struct swgi_ask *ask, int key);
/* The question, with what belongs before the answer that is being typed. */
const char *swgi_ask_question(const struct swgi_ask *ask, char *out, size_t out_size);

#endif
