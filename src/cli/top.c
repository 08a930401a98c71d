/*
 * `top`: the panel, live. One loop waits for a key, a signal or the next look, whichever is first. Signals come by a descriptor,
 * so that whatever ends us finds the terminal as it was.
 */
#include <errno.h>
#include <curses.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/message.h"
#include "cli/top_draw.h"
#include "cli/top_look.h"
#include "cli/top_view.h"

static void watch_signals(sigset_t *set) {
    static const int watched[] = { SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1,
                                   SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH };

    sigemptyset(set);
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
        sigaddset(set, watched[i]);
}

/* Also by exit(), where something deep below found no memory. */
static void restore_terminal(void) {
    if (stdscr && !isendwin())
        endwin();
}

static int refuse(const char *term) {
    swgi_say("top: the terminal (TERM=%s) cannot place text; 'switchgear top --once' prints one "
             "table",
             term ? term : "");
    return EX_UNAVAILABLE;
}

static bool can_place_text(void) {
    static char name[] = "cup";
    const char *sequence = tigetstr(name);

    return sequence && sequence != (const char *)-1;
}

static int begin_screen(const struct swgi_options *options) {
    const char *term = getenv("TERM");

    if (!term || !*term || strcmp(term, "dumb") == 0 || !newterm(NULL, stdout, stdin))
        return refuse(term);
    atexit(restore_terminal);
    if (!can_place_text()) {
        restore_terminal();
        return refuse(term);
    }
    set_escdelay(50);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    swgi_draw_init(&options->screen);
    return 0;
}

static int translate(int key) {
    switch (key) {
    case KEY_UP:
        return SWGI_KEY_UP;
    case KEY_DOWN:
        return SWGI_KEY_DOWN;
    case KEY_PPAGE:
    case 'b' & 0x1f:
        return SWGI_KEY_PAGE_UP;
    case KEY_NPAGE:
    case 'f' & 0x1f:
        return SWGI_KEY_PAGE_DOWN;
    case KEY_HOME:
        return SWGI_KEY_HOME;
    case KEY_END:
        return SWGI_KEY_END;
    case '\r':
    case '\n':
    case KEY_ENTER:
        return SWGI_KEY_ENTER;
    case KEY_BACKSPACE:
    case 0x7f:
    case 'h' & 0x1f:
        return SWGI_KEY_BACK;
    case 'u' & 0x1f:
        return SWGI_KEY_CLEAR;
    case 0x1b:
        return SWGI_KEY_LEAVE;
    default:
        return key >= 0x20 && key <= 0xff ? key : SWGI_KEY_OTHER;
    }
}

static swg_ns monotonic_now(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

struct loop {
    struct swgi_view view;
    int signals; /* descriptor */
    int ended_by;
    swg_ns next_look;
};

static void resize(void) {
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
}

/* The shell has the terminal meanwhile, and may have changed it. */
static void stop(void) {
    endwin();
    raise(SIGSTOP);
}

static void come_back(void) {
    resize();
    clearok(stdscr, TRUE);
    refresh();
}

static void on_signal(struct loop *loop) {
    struct signalfd_siginfo info;

    while (read(loop->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGWINCH)
            resize();
        else if (info.ssi_signo == SIGTSTP)
            stop();
        else if (info.ssi_signo == SIGCONT)
            come_back();
        else
            loop->ended_by = (int)info.ssi_signo;
    }
}

static void on_keys(struct loop *loop) {
    int key;

    while (!loop->view.wants_out && (key = getch()) != ERR) {
        if (key == KEY_RESIZE)
            continue;
        if (key == ('l' & 0x1f))
            clearok(stdscr, TRUE);
        else
            swgi_view_key(&loop->view, translate(key));
    }
}

/* A terminal that was closed ends us, signal or not. */
static void wait_for_news(struct loop *loop) {
    struct pollfd news[] = { { .fd = STDIN_FILENO, .events = POLLIN },
                             { .fd = loop->signals, .events = POLLIN } };
    swg_ns left = loop->next_look - monotonic_now();
    struct timespec bound;

    left = left > 0 ? left : 0;
    bound = (struct timespec){ .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
    if (ppoll(news, 2, &bound, NULL) <= 0)
        return;
    if (news[1].revents)
        on_signal(loop);
    if (news[0].revents & POLLIN)
        on_keys(loop);
    else if (news[0].revents)
        loop->ended_by = SIGHUP;
}

static void look_if_due(struct loop *loop) {
    swg_ns now = monotonic_now();

    if (now < loop->next_look)
        return;
    swgi_view_look(&loop->view);
    loop->next_look = now + loop->view.options->interval_ns;
}

static void run(struct loop *loop) {
    while (!loop->view.wants_out && !loop->ended_by) {
        look_if_due(loop);
        swgi_draw(&loop->view);
        wait_for_news(loop);
    }
}

/* Who sent the signal shall see that we died of it. */
static void end_as_told(int ended_by, const sigset_t *mask) {
    if (ended_by) {
        signal(ended_by, SIG_DFL);
        raise(ended_by);
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
}

static int show(const struct swgi_options *options) {
    struct loop loop = { .signals = -1 };
    sigset_t set, mask;
    int status = swgi_view_init(&loop.view, options);

    watch_signals(&set);
    sigprocmask(SIG_BLOCK, &set, &mask);
    loop.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (status == 0 && loop.signals < 0) {
        swgi_say("top: %s", strerror(errno));
        status = EX_OSERR;
    }
    if (status == 0)
        status = begin_screen(options);
    if (status == 0)
        run(&loop);
    restore_terminal();
    swgi_view_deinit(&loop.view);
    if (loop.signals >= 0)
        close(loop.signals);
    end_as_told(loop.ended_by, &mask);
    return status;
}

int swgi_top_run(const struct swgi_options *options) {
    if (options->once || options->json || !options->screen.is_terminal || !isatty(STDIN_FILENO))
        return swgi_top_print(options);
    return show(options);
}
