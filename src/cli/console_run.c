/*
 * Every command runs in a process of its own, as a shell would have run it: what it does to signals, to the terminal or to itself
 * ends with it, and the console goes on.
 */
#include "cli/console_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/console_parse.h"
#include "cli/message.h"
#include "cli/run.h"

#define GLOBALS_MAX 11

/* What the console itself was told holds for its commands; what they are told themselves comes later, and wins. */
static int put_globals(const struct swgi_options *options, char **argv) {
    int argc = 0;

    argv[argc++] = (char *)(uintptr_t) "switchgear";
    if (!options->panel_is_default) {
        argv[argc++] = (char *)(uintptr_t) "--panel";
        argv[argc++] = (char *)(uintptr_t)options->panel;
    }
    if (!options->config_is_default) {
        argv[argc++] = (char *)(uintptr_t) "-c";
        argv[argc++] = (char *)(uintptr_t)options->config;
    }
    if (options->json)
        argv[argc++] = (char *)(uintptr_t) "--json";
    if (options->quiet)
        argv[argc++] = (char *)(uintptr_t) "--quiet";
    if (options->verbose)
        argv[argc++] = (char *)(uintptr_t) "--verbose";
    if (options->no_color)
        argv[argc++] = (char *)(uintptr_t) "--no-color";
    if (options->yes)
        argv[argc++] = (char *)(uintptr_t) "--yes";
    if (options->dry_run)
        argv[argc++] = (char *)(uintptr_t) "--dry-run";
    return argc;
}

/* The lines still to come are on our stdin, and none of a command's business. */
static void leave_stdin_alone(void) {
    int fd = open("/dev/null", O_RDONLY);

    if (fd >= 0) {
        dup2(fd, STDIN_FILENO);
        close(fd);
    }
}

static void default_signals(void) {
    static const int ours[] = { SIGINT, SIGQUIT, SIGTSTP, SIGTERM, SIGHUP, SIGPIPE, SIGWINCH };
    sigset_t none;

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        signal(ours[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn))
be_the_command(const struct swgi_console *console, struct swgi_line *line) {
    char *argv[GLOBALS_MAX + SWGI_LINE_WORDS_MAX + 1];
    int argc = put_globals(console->options, argv);

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    default_signals();
    if (!console->is_interactive)
        leave_stdin_alone();
    memcpy(argv + argc, line->argv, (size_t)(line->argc + 1) * sizeof(argv[0]));
    _exit(swgi_program_finish(swgi_program_run(argc + line->argc, argv, "console")));
}

static int wait_for(pid_t pid) {
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return EX_OSERR;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

struct signals {
    struct sigaction interrupt, quit, stop;
    sigset_t mask;
};

/* While a command runs, Ctrl-C is for it alone, and Ctrl-Z stops it and us. */
static void step_aside(struct signals *before) {
    struct sigaction ignore = { .sa_handler = SIG_IGN }, usual = { .sa_handler = SIG_DFL };
    sigset_t stop;

    sigaction(SIGINT, &ignore, &before->interrupt);
    sigaction(SIGQUIT, &ignore, &before->quit);
    sigaction(SIGTSTP, &usual, &before->stop);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stop, &before->mask);
}

static void step_back(const struct signals *before) {
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
    sigaction(SIGTSTP, &before->stop, NULL);
    sigaction(SIGQUIT, &before->quit, NULL);
    sigaction(SIGINT, &before->interrupt, NULL);
}

static int run(const struct swgi_console *console, struct swgi_line *line) {
    struct signals before;
    int status = EX_OSERR;
    pid_t pid;

    fflush(NULL);
    step_aside(&before);
    pid = fork();
    if (pid == 0)
        be_the_command(console, line);
    if (pid < 0)
        swgi_say("cannot run that: %s", strerror(errno));
    else
        status = wait_for(pid);
    step_back(&before);
    if (console->is_interactive && status == 128 + SIGINT)
        fputc('\n', stdout);
    return status;
}

/* No is an answer, and no failure. */
static int answer(int status) {
    if (status > 1)
        return status;
    puts(status == 0 ? "true" : "false");
    return 0;
}

static int help(void) {
    size_t count;
    const struct swgi_command *commands = swgi_commands(&count);
    const char *shape, *what;

    puts("Commands, with the options they have elsewhere ('help COMMAND' explains one):\n");
    for (size_t i = 0; i < count; i++)
        if (strcmp(commands[i].name, "console") != 0)
            printf("  %-12s %s\n", commands[i].name, commands[i].brief);
    puts("  help         this, or 'help COMMAND', or 'help settings'\n"
         "  exit, quit   leave; so does Ctrl-D\n"
         "\n"
         "And, with texts in quotes:\n");
    for (size_t i = 0; swgi_line_call(i, &shape, &what); i++)
        printf("  %s\n      %s\n", shape, what);
    puts("\nTab completes commands, options and names of circuits. A line that begins with a blank "
         "is not\nkept in the history.");
    return 0;
}

static int leave(struct swgi_console *console, const struct swgi_line *line) {
    uint64_t status = (uint64_t)console->status;

    if (line->argc > 2 ||
        (line->argc == 2 && (swgi_integer_parse(line->argv[1], &status) != 0 || status > 255))) {
        swgi_say("%s takes one number from 0 to 255, or none", line->argv[0]);
        return EX_USAGE;
    }
    console->wants_out = true;
    console->status = (int)status;
    return 0;
}

/* Under the place that is wrong, where it can be pointed at. */
static void point_at(size_t column, int indent, int width) {
    int at = indent + (int)column - 1;

    if (at < width)
        fprintf(stderr, "%*s^\n", at, "");
}

/* A line that was typed stands just above, behind its prompt. */
static int tell_wrong(const struct swgi_console *console, const char *line,
                      const struct swgi_line_error *error) {
    if (console->is_interactive) {
        point_at(error->column, console->prompt_width, console->options->screen.width);
        swgi_say("column %zu: %s", error->column, error->text);
        return EX_USAGE;
    }
    swgi_say("line %u, column %zu: %s", console->line, error->column, error->text);
    if (strlen(line) < 200) {
        swgi_say("%s", line);
        point_at(error->column, sizeof("switchgear: ") - 1, 200);
    }
    return EX_USAGE;
}

static int run_command(struct swgi_console *console, struct swgi_line *line) {
    if (strcmp(line->argv[0], "console") == 0) {
        swgi_say("this is the console");
        return EX_USAGE;
    }
    if (line->is_question)
        return answer(run(console, line));
    return run(console, line);
}

static int perform(struct swgi_console *console, struct swgi_line *line) {
    switch (line->kind) {
    case SWGI_LINE_COMMAND:
        return run_command(console, line);
    case SWGI_LINE_HELP:
        return help();
    case SWGI_LINE_LEAVE:
        return leave(console, line);
    default:
        return 0;
    }
}

int swgi_console_do(struct swgi_console *console, const char *text) {
    struct swgi_line_error error = { 0 };
    struct swgi_line line;
    int status;

    if (swgi_line_parse(text, &line, &error) != 0)
        status = tell_wrong(console, text, &error);
    else
        status = perform(console, &line);
    if (status)
        console->status = status;
    return status;
}

int swgi_console_batch(const struct swgi_options *options) {
    struct swgi_console console = { .options = options };
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    while (!console.wants_out && (length = getline(&line, &room, stdin)) > 0) {
        console.line++;
        if (line[length - 1] == '\n')
            line[--length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[--length] = '\0';
        if (strlen(line) != (size_t)length) {
            swgi_say("line %u: a NUL byte is in it", console.line);
            console.status = EX_USAGE;
        } else {
            swgi_console_do(&console, line);
        }
    }
    free(line);
    return console.status;
}
