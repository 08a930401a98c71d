#!/usr/bin/python3
"""A command under `exec` gets the signals and the terminal it would have had, and what a person ends counts neither way."""
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.realpath(
    sys.argv[1] if len(sys.argv) > 1
    else os.environ.get("SWITCHGEAR") or os.path.join(os.environ.get("BUILD", "build"), "src/switchgear"))
BOUND = 60


def until(condition, what):
    end = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < end, f"never came true: {what}"
        time.sleep(0.01)


def status(circuit):
    shown = subprocess.run([PROGRAM, "status", circuit, "--json"], capture_output=True, check=True)
    return json.loads(shown.stdout)["circuits"][0]


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def start(circuit, script, *options, **how):
    """Runs a shell script under a circuit; it says where it is by making a file."""
    if os.path.exists("ready"):
        os.unlink("ready")
    process = subprocess.Popen([PROGRAM, "exec", circuit, *options, "--", "sh", "-c", script], **how)
    until(lambda: os.path.exists("ready"), "the command runs")
    return process


def a_signal_is_passed_on():
    script = "trap 'echo got >said; exit 7' USR1; : >ready; while :; do sleep 0.05; done"
    process = start("passed", script)
    process.send_signal(signal.SIGUSR1)
    assert process.wait(BOUND) == 7
    assert open("said").read() == "got\n"
    assert status("passed")["failures"] == 1, status("passed")


def being_told_to_end_counts_neither_way():
    for number in (signal.SIGTERM, signal.SIGHUP):
        process = start("ended", "echo $$ >pid; : >ready; while :; do sleep 0.05; done")
        process.send_signal(number)
        assert process.wait(BOUND) == 128 + number
        assert gone(int(open("pid").read()))
    shown = status("ended")
    assert (shown["ignored"], shown["failures"], shown["in_flight"]) == (2, 0, 0), shown


def an_interrupt_looks_like_one():
    process = start("interrupted", ": >ready; while :; do sleep 0.05; done")
    process.send_signal(signal.SIGINT)
    assert process.wait(BOUND) == -signal.SIGINT, "a loop in a shell must see that it was interrupted"
    assert status("interrupted")["ignored"] == 1


def when_killed_the_command_goes_too():
    process = start("killed", "echo $$ >pid; : >ready; while :; do sleep 0.05; done")
    process.kill()
    process.wait(BOUND)
    until(lambda: gone(int(open("pid").read())), "the command is gone")


def an_ignored_signal_stays_ignored():
    script = ": >ready; while [ ! -e go ]; do sleep 0.05; done; exit 5"
    if os.path.exists("go"):
        os.unlink("go")
    process = start("nohup", script, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    open("go", "w").close()
    assert process.wait(BOUND) == 5


class Terminal:
    """A shell with job control on a terminal of its own."""

    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["PS1"] = "ready> "
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.seen = ""
        os.set_blocking(self.fd, False)
        self.type("bind 'set enable-bracketed-paste off'\n")

    def read(self):
        try:
            self.seen += os.read(self.fd, 65536).decode(errors="replace")
        except (BlockingIOError, OSError):
            pass
        return self.seen

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, text):
        until(lambda: text in self.read(), f"{text!r} on the terminal, which shows {self.seen!r}")
        self.seen = self.seen.partition(text)[2]

    def close(self):
        os.kill(self.pid, signal.SIGHUP)
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def a_terminal_is_handed_over():
    terminal = Terminal()
    exec_sh = f"{PROGRAM} exec tty -- sh -c"
    # Reading from the terminal, which a background group may not.
    terminal.type(f"{exec_sh} 'echo as\"\"king; read line; echo \"read:$line.\"'; echo status:$?\n")
    terminal.wait_for("asking")
    terminal.type("words\n")
    terminal.wait_for("read:words.")
    terminal.wait_for("status:0")
    # Ctrl-C reaches it, and the shell's loop around it ends.
    terminal.type(f"for i in 1 2; do {exec_sh} 'echo r\"\"un; read line; while :; do sleep 0.05; done'; done\n")
    terminal.wait_for("run")
    terminal.type("\x03")
    terminal.wait_for("ready> ")
    # Ctrl-Z stops both, fg goes on with both.
    terminal.type(f"{exec_sh} 'echo st\"\"art; read line; echo \"got:$line.\"'\n")
    terminal.wait_for("start")
    terminal.type("\x1a")
    terminal.wait_for("Stopped")
    terminal.type("fg\n")
    terminal.wait_for("fg")
    terminal.type("more\n")
    terminal.wait_for("got:more.")
    terminal.close()
    shown = status("tty")
    assert (shown["successes"], shown["ignored"], shown["failures"]) == (2, 1, 0), shown


def acts_ask_on_a_terminal():
    terminal = Terminal()
    terminal.type(f"{PROGRAM} trip 'asked*'; echo status:$?\n")
    terminal.wait_for("Reason")
    terminal.type("because\n")
    terminal.wait_for("[y/N]")
    terminal.type("n\n")
    terminal.wait_for("status:1")
    assert status("asked")["state"] == "CLOSED"
    terminal.type(f"{PROGRAM} trip 'asked*'; echo status:$?\n")
    terminal.wait_for("Reason")
    terminal.type("because\n")
    terminal.wait_for("[y/N]")
    terminal.type("y\n")
    terminal.wait_for("status:0")
    terminal.close()
    assert status("asked")["state"] == "OPEN"


def colours_are_for_terminals():
    for command, colored in ((f"TERM=xterm {PROGRAM} status", True), (f"TERM=xterm NO_COLOR=1 {PROGRAM} status", False),
                             (f"TERM=dumb {PROGRAM} status", False), (f"TERM=xterm {PROGRAM} status --no-color", False)):
        terminal = Terminal()
        terminal.type("PS1=; stty -echo\n")
        terminal.type("echo be\"\"gin\n")
        terminal.wait_for("begin")
        terminal.type(f"{command}; echo e\"\"nd\n")
        until(lambda: "end" in terminal.read(), "the table")
        assert ("\x1b[32mCLOSED" in terminal.seen) == colored, (command, terminal.seen)
        terminal.close()


def main():
    if not os.access(PROGRAM, os.X_OK):
        print(f"there is no program at {PROGRAM}")
        sys.exit(77)
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.environ["SWITCHGEAR_PANEL"] = os.path.join(folder, "panel")
    os.environ.pop("NO_COLOR", None)
    subprocess.run([PROGRAM, "exec", "asked", "--", "true"], check=True)
    try:
        for story in (a_signal_is_passed_on, being_told_to_end_counts_neither_way, an_interrupt_looks_like_one,
                      when_killed_the_command_goes_too, an_ignored_signal_stays_ignored, a_terminal_is_handed_over,
                      acts_ask_on_a_terminal, colours_are_for_terminals):
            print(story.__name__, flush=True)
            story()
    finally:
        os.chdir("/")
        shutil.rmtree(folder)


main()
