/*
 * `console`, at a terminal: lines with editing, history and completion, by libedit. Characters are read here, so that signals are
 * heard where they come and the terminal is as it was whenever we stop or end.
 */
#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/commands.h"
#include "cli/console_complete.h"
#include "cli/console_parse.h"
#include "cli/console_run.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "cli/settings_file.h"
#include "report/describe.h"
#include "report/text.h"

#define HISTORY_LINES 1000
#define LISTED_MAX    120 /* completions that are listed; more say how many they are */

struct edit {
    struct swgi_console console;
    EditLine *editor;
    History *history;
    char history_path[SWGI_PANEL_PATH_MAX];
    char prompt[64];
    sigset_t while_waiting; /* the signals that are held then */
};

static volatile sig_atomic_t interrupted, resized, stopped, ended_by;

static void on_signal(int number) {
    if (number == SIGINT)
        interrupted = 1;
    else if (number == SIGWINCH)
        resized = 1;
    else if (number == SIGTSTP)
        stopped = 1;
    else
        ended_by = number;
}

/* Caught only while we wait for a key: what is printed is never torn by one. */
static void catch_signals(sigset_t *while_waiting) {
    static const int caught[] = { SIGINT, SIGWINCH, SIGTSTP, SIGTERM, SIGHUP };
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t held;

    sigemptyset(&held);
    for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
        sigaddset(&held, caught[i]);
    sigprocmask(SIG_BLOCK, &held, while_waiting);
    for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
        sigaction(caught[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* The shell has the terminal meanwhile. SIGSTOP needs nobody's leave. */
static void stop(struct edit *edit) {
    stopped = 0;
    el_set(edit->editor, EL_PREP_TERM, 0);
    raise(SIGSTOP);
    el_set(edit->editor, EL_PREP_TERM, 1);
    el_set(edit->editor, EL_REFRESH);
}

/* false: the line is given up. */
static bool heed_signals(struct edit *edit) {
    if (resized)
        el_resize(edit->editor);
    resized = 0;
    if (stopped)
        stop(edit);
    return !interrupted && !ended_by;
}

/* 1 and a byte; 0 at the end; -1 when the line is given up. */
static int read_byte(struct edit *edit, char *out) {
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

    while (heed_signals(edit)) {
        int ready = ppoll(&in, 1, NULL, &edit->while_waiting);

        if (ready > 0)
            return (int)read(STDIN_FILENO, out, 1);
        if (ready < 0 && errno != EINTR)
            return -1;
    }
    return -1;
}

/* libedit asks for characters. What is none in this locale is left out. */
static int read_character(EditLine *editor, wchar_t *out) {
    struct edit *edit = NULL;
    mbstate_t state = { 0 };
    char byte;
    int rc;

    el_get(editor, EL_CLIENTDATA, &edit);
    while ((rc = read_byte(edit, &byte)) == 1) {
        size_t length = mbrtowc(out, &byte, 1, &state);

        if (length <= 1)
            return 1;
        if (length == (size_t)-1)
            memset(&state, 0, sizeof(state));
    }
    return rc;
}

/* ---- names of circuits */

static struct swg_panel *look(const struct swgi_options *options) {
    struct swg_panel_options wanted = SWG_PANEL_OPTIONS_INIT;
    struct swg_panel *panel = NULL;

    wanted.path = options->panel;
    wanted.access = SWG_PANEL_INSPECT;
    return swg_panel_open(&panel, &wanted, NULL) == 0 ? panel : NULL;
}

static void each_name(void *arg, void (*offer)(void *to, const char *name), void *to) {
    const struct swgi_options *options = arg;
    __attribute__((cleanup(swgi_panel_release))) struct swg_panel *panel = look(options);
    struct swg_circuit *circuit;

    for (uint32_t cursor = 0; panel && swg_panel_next_circuit(panel, &cursor, &circuit) == 0;) {
        const char *name = swg_circuit_name(circuit);

        if (name[0] && strcmp(name, "_beyond") != 0)
            offer(to, name);
    }
    for (unsigned i = 0; options->file && i < options->file->circuits_count; i++)
        if (options->file->circuits[i].alias[0])
            offer(to, options->file->circuits[i].alias);
}

/* ---- Tab */

/* As wide as the widest, as many beside each other as there is room for. */
static void list(const struct swgi_options *options, const struct swgi_completion *completion) {
    char clean[SWGI_CLEAN_MAX];
    int widest = 1, across;

    fputc('\n', stdout);
    if (completion->count > LISTED_MAX) {
        printf("%zu names: type more of it\n", completion->count);
        fflush(stdout);
        return;
    }
    for (size_t i = 0; i < completion->count; i++) {
        int width = (int)strlen(completion->words[i]) + 2;

        widest = width > widest ? width : widest;
    }
    across = options->screen.width / widest > 0 ? options->screen.width / widest : 1;
    for (size_t i = 0; i < completion->count; i++)
        printf("%-*s%s", widest,
               swgi_clean_text(completion->words[i], options->screen.utf8, clean, sizeof(clean)),
               (int)(i + 1) % across == 0 || i + 1 == completion->count ? "\n" : "");
    fflush(stdout);
}

/* What all of them begin with; and a blank when there is one only, and nothing belongs right behind it. */
static bool insert(EditLine *editor, const struct swgi_completion *completion, size_t typed) {
    size_t common = swgi_completion_common(completion);
    char text[SWGI_LINE_MAX];

    if (common > typed) {
        snprintf(text, sizeof(text), "%.*s", (int)(common - typed), completion->words[0] + typed);
        if (el_insertstr(editor, text) != 0)
            return false;
    }
    if (completion->count == 1 && !strchr(".='\"(", completion->words[0][common - 1]))
        el_insertstr(editor, " ");
    return common > typed || completion->count == 1;
}

static unsigned char complete(EditLine *editor, wint_t character) {
    const LineInfo *info = el_line(editor);
    size_t length = (size_t)(info->cursor - info->buffer);
    struct swgi_completion completion;
    unsigned char action = CC_REFRESH;
    struct edit *edit = NULL;
    char line[SWGI_LINE_MAX];

    (void)character;
    el_get(editor, EL_CLIENTDATA, &edit);
    if (length >= sizeof(line))
        return CC_ERROR;
    memcpy(line, info->buffer, length);
    line[length] = '\0';
    if (swgi_console_complete(line, each_name, (void *)(uintptr_t)edit->console.options,
                              &completion) != 0 ||
        completion.count == 0)
        return CC_ERROR;
    if (!insert(editor, &completion, length - completion.from)) {
        list(edit->console.options, &completion);
        action = CC_REDISPLAY;
    }
    swgi_completion_deinit(&completion);
    return action;
}

/* ---- the history, private to its owner */

/* $XDG_STATE_HOME, else ~/.local/state; "": there is no such place. */
static void find_history(char *out, size_t out_size) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int length = 0;

    if (state && state[0] == '/')
        length = snprintf(out, out_size, "%s/switchgear/console_history", state);
    else if (home && home[0] == '/')
        length = snprintf(out, out_size, "%s/.local/state/switchgear/console_history", home);
    if (length <= 0 || (size_t)length >= out_size)
        out[0] = '\0';
}

static void make_folders(const char *path) {
    char folder[SWGI_PANEL_PATH_MAX];

    snprintf(folder, sizeof(folder), "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(folder, 0700);
        *slash = '/';
    }
}

static void load_history(struct edit *edit) {
    HistEvent event;

    history(edit->history, &event, H_SETSIZE, HISTORY_LINES);
    history(edit->history, &event, H_SETUNIQUE, 1);
    find_history(edit->history_path, sizeof(edit->history_path));
    if (!edit->history_path[0])
        return;
    make_folders(edit->history_path);
    chmod(edit->history_path, 0600);
    history(edit->history, &event, H_LOAD, edit->history_path);
}

/* At once: who closes the terminal keeps what was typed. */
static void keep(struct edit *edit, const char *line) {
    HistEvent event;
    mode_t mask;

    if (!line[0] || line[0] == ' ')
        return;
    history(edit->history, &event, H_ENTER, line);
    if (!edit->history_path[0])
        return;
    mask = umask(077);
    history(edit->history, &event, H_SAVE, edit->history_path);
    umask(mask);
}

/* ---- the prompt says at once when something is wrong */

static void renew_prompt(struct edit *edit) {
    __attribute__((cleanup(swgi_panel_release))) struct swg_panel *panel =
        look(edit->console.options);
    struct swg_circuit *circuit;
    unsigned tripped = 0;

    for (uint32_t cursor = 0; panel && swg_panel_next_circuit(panel, &cursor, &circuit) == 0;) {
        struct swg_status status = SWG_STATUS_INIT;

        tripped += swg_circuit_status(circuit, &status) == 0 && swgi_is_tripped(&status);
    }
    if (!panel)
        snprintf(edit->prompt, sizeof(edit->prompt), "switchgear [no panel]> ");
    else if (tripped > 0)
        snprintf(edit->prompt, sizeof(edit->prompt), "switchgear [%u tripped]> ", tripped);
    else
        snprintf(edit->prompt, sizeof(edit->prompt), "switchgear> ");
    edit->console.prompt_width = (int)strlen(edit->prompt);
}

static char *prompt_of(EditLine *editor) {
    struct edit *edit = NULL;

    el_get(editor, EL_CLIENTDATA, &edit);
    return edit->prompt;
}

static void greet(const struct swgi_options *options) {
    char clean[SWGI_CLEAN_MAX];

    if (options->quiet)
        return;
    printf("switchgear %s, panel %s\n", swg_version(),
           swgi_clean_text(options->panel, options->screen.utf8, clean, sizeof(clean)));
    swgi_screen_wrap(&options->screen, SWGI_PLAIN, 0, 0,
                     "'help' lists what there is, Tab completes, Ctrl-D leaves.");
}

static bool begin(struct edit *edit, const struct swgi_options *options) {
    *edit = (struct edit){ .console = { .options = options, .is_interactive = true } };
    edit->editor = el_init("switchgear", stdin, stdout, stderr);
    edit->history = history_init();
    if (!edit->editor || !edit->history)
        return false;
    load_history(edit);
    el_set(edit->editor, EL_CLIENTDATA, edit);
    el_set(edit->editor, EL_PROMPT, prompt_of);
    el_set(edit->editor, EL_EDITOR, "emacs");
    el_set(edit->editor, EL_HIST, history, edit->history);
    el_set(edit->editor, EL_GETCFN, read_character);
    el_wset(edit->editor, EL_ADDFN, L"switchgear-complete", L"Complete a word", complete);
    el_set(edit->editor, EL_BIND, "^I", "switchgear-complete", NULL);
    el_set(edit->editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    catch_signals(&edit->while_waiting);
    return true;
}

static void end(struct edit *edit) {
    if (edit->editor)
        el_end(edit->editor);
    if (edit->history)
        history_end(edit->history);
}

/* One line, or what came in its place. false: it is over. */
static bool take_line(struct edit *edit) {
    char line[SWGI_LINE_MAX + 1];
    const char *typed;
    int count = 0;

    renew_prompt(edit);
    /* Before the prompt is shown, or a Ctrl-D typed at once would not be heard. */
    el_set(edit->editor, EL_PREP_TERM, 1);
    typed = el_gets(edit->editor, &count);
    if (!typed || count <= 0) {
        bool was_interrupted = interrupted;

        interrupted = 0;
        el_reset(edit->editor);
        fputc('\n', stdout);
        return was_interrupted && !ended_by;
    }
    snprintf(line, sizeof(line), "%s", typed);
    line[strcspn(line, "\n")] = '\0';
    keep(edit, line);
    swgi_console_do(&edit->console, line);
    return !edit->console.wants_out && !ended_by;
}

static void end_as_told(const struct edit *edit) {
    if (!ended_by)
        return;
    signal(ended_by, SIG_DFL);
    raise(ended_by);
    sigprocmask(SIG_SETMASK, &edit->while_waiting, NULL);
}

/* A person saw what failed: leaving is no failure. */
static int converse(const struct swgi_options *options) {
    struct edit edit;
    int status = EX_OSERR;

    if (begin(&edit, options)) {
        greet(options);
        while (take_line(&edit))
            continue;
        status = edit.console.wants_out ? edit.console.status : 0;
    } else {
        swgi_say("console: out of memory");
    }
    end(&edit);
    end_as_told(&edit);
    return status;
}

int swgi_console_run(const struct swgi_options *options) {
    return isatty(STDIN_FILENO) ? converse(options) : swgi_console_batch(options);
}
