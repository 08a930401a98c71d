/* One question after the other, each with a way out: what is done to a circuit at three in the morning was meant. */
#include "cli/top_ask.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/act.h"
#include "report/text.h"

static void begin(struct swgi_ask *ask, int step) {
    ask->step = step;
    ask->line[0] = ask->wrong[0] = '\0';
    ask->length = 0;
}

void swgi_ask_filter(struct swgi_ask *ask, const char *now) {
    *ask = (struct swgi_ask){ 0 };
    begin(ask, SWGI_ASK_FILTER);
    ask->length = (size_t)snprintf(ask->line, sizeof(ask->line), "%s", now);
    if (ask->length >= sizeof(ask->line))
        ask->length = sizeof(ask->line) - 1;
}

void swgi_ask_act(struct swgi_ask *ask, const char *act, const char *circuit, bool bounded) {
    *ask = (struct swgi_ask){ .may_bounded = bounded };
    snprintf(ask->act, sizeof(ask->act), "%s", act);
    snprintf(ask->circuit, sizeof(ask->circuit), "%s", circuit);
    begin(ask, SWGI_ASK_REASON);
}

void swgi_ask_force(struct swgi_ask *ask) {
    begin(ask, SWGI_ASK_FORCE);
}

/* The last character, all of its bytes. */
static void take_back(struct swgi_ask *ask) {
    while (ask->length > 0) {
        unsigned char last = (unsigned char)ask->line[--ask->length];

        if ((last & 0xc0) != 0x80)
            break;
    }
    ask->line[ask->length] = '\0';
}

static void type(struct swgi_ask *ask, char byte) {
    if (ask->length + 1 >= sizeof(ask->line)) {
        snprintf(ask->wrong, sizeof(ask->wrong), "at most %zu bytes", sizeof(ask->line) - 1);
        return;
    }
    ask->line[ask->length++] = byte;
    ask->line[ask->length] = '\0';
}

static int leave(struct swgi_ask *ask) {
    bool was_filter = ask->step == SWGI_ASK_FILTER;

    begin(ask, SWGI_ASK_NOTHING);
    return was_filter ? SWGI_ANSWER_FILTER : SWGI_ANSWER_LEFT;
}

static bool is_blank(const char *text) {
    return text[strspn(text, " ")] == '\0';
}

static int take_reason(struct swgi_ask *ask) {
    if (is_blank(ask->line)) {
        snprintf(ask->wrong, sizeof(ask->wrong), "a reason, for those who come after");
        return SWGI_ANSWER_NONE;
    }
    memcpy(ask->reason, ask->line, sizeof(ask->reason));
    begin(ask, ask->may_bounded ? SWGI_ASK_FOR : SWGI_ASK_CONFIRM);
    return SWGI_ANSWER_NONE;
}

static int take_for(struct swgi_ask *ask) {
    uint64_t ns = 0;

    if (!is_blank(ask->line) && (swgi_duration_parse(ask->line, &ns) < 0 || ns == 0)) {
        snprintf(ask->wrong, sizeof(ask->wrong), "no duration: 90s, 15m, 2h, 1d, or nothing");
        return SWGI_ANSWER_NONE;
    }
    ask->for_ns = (swg_ns)ns;
    begin(ask, SWGI_ASK_CONFIRM);
    return SWGI_ANSWER_NONE;
}

static int enter(struct swgi_ask *ask) {
    switch (ask->step) {
    case SWGI_ASK_FILTER:
        ask->step = SWGI_ASK_NOTHING;
        return SWGI_ANSWER_FILTER;
    case SWGI_ASK_REASON:
        return take_reason(ask);
    case SWGI_ASK_FOR:
        return take_for(ask);
    default:
        return leave(ask);
    }
}

/* y, and nothing else, is yes. */
static int confirm(struct swgi_ask *ask, int key) {
    int step = ask->step;

    if (key != 'y' && key != 'Y')
        return leave(ask);
    begin(ask, SWGI_ASK_NOTHING);
    return step == SWGI_ASK_FORCE ? SWGI_ANSWER_FORCED : SWGI_ANSWER_ACT;
}

static int edit(struct swgi_ask *ask, int key) {
    ask->wrong[0] = '\0';
    if (key == SWGI_KEY_BACK) {
        take_back(ask);
    } else if (key == SWGI_KEY_CLEAR) {
        ask->line[0] = '\0';
        ask->length = 0;
    } else if (key >= 0x20 && key <= 0xff && key != 0x7f) {
        type(ask, (char)key);
    }
    return ask->step == SWGI_ASK_FILTER ? SWGI_ANSWER_FILTER : SWGI_ANSWER_NONE;
}

int swgi_ask_key(struct swgi_ask *ask, int key) {
    if (key == SWGI_KEY_LEAVE)
        return leave(ask);
    if (ask->step == SWGI_ASK_CONFIRM || ask->step == SWGI_ASK_FORCE)
        return confirm(ask, key);
    return key == SWGI_KEY_ENTER ? enter(ask) : edit(ask, key);
}

const char *swgi_ask_question(const struct swgi_ask *ask, char *out, size_t out_size) {
    char duration[SWGI_TEXT_MAX];

    switch (ask->step) {
    case SWGI_ASK_FILTER:
        snprintf(out, out_size, "Show only: ");
        break;
    case SWGI_ASK_REASON:
        snprintf(out, out_size, "%s %s, why? ", ask->act, ask->circuit);
        break;
    case SWGI_ASK_FOR:
        snprintf(out, out_size, "%s %s, for how long? ", ask->act, ask->circuit);
        break;
    case SWGI_ASK_CONFIRM:
        snprintf(out, out_size, "%s %s%s%s: sure? [y/N] ", ask->act, ask->circuit,
                 ask->for_ns ? " for " : "",
                 ask->for_ns ? swgi_duration_text(ask->for_ns, duration) : "");
        break;
    case SWGI_ASK_FORCE:
        snprintf(out, out_size, "force %s %s? [y/N] ", ask->act, ask->circuit);
        break;
    default:
        out[0] = '\0';
    }
    return out;
}
