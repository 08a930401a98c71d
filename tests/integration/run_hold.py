#!/usr/bin/python3
"""While an act is held, the commands it prints work from another terminal, and a worker may be killed."""
import os, re, shlex, signal, subprocess, sys, tempfile, time

build = os.environ['BUILD']
outage, program = os.path.join(build, 'examples/outage'), os.path.join(build, 'src/switchgear')
for path in (outage, program):
    if not os.access(path, os.X_OK):
        print(f'{path} was not built')
        sys.exit(77)


class Held:
    """One that was told to go on until it is stopped; as a context, it is stopped at the end, and must leave nothing."""

    def __init__(self, *arguments):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, 'out')
        with open(self.path, 'w') as file:
            self.child = subprocess.Popen([outage, '--hold', *arguments], stdout=file, stderr=file,
                                          env=dict(os.environ, XDG_RUNTIME_DIR=self.folder.name))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGINT)
        assert self.child.wait(60) == 0, self.output()
        left = os.listdir(self.folder.name)
        assert left == ['out'], left
        self.folder.cleanup()

    def output(self):
        with open(self.path) as file:
            return file.read()

    def wait_for(self, pattern, after=0):
        """The position behind what matched."""
        end = time.monotonic() + 60
        while not (match := re.compile(pattern, re.MULTILINE).search(self.output(), after)):
            assert self.child.poll() is None and time.monotonic() < end, f'waited in vain for {pattern}:\n{self.output()}'
            time.sleep(0.02)
        return match.end()

    def commands(self):
        """What it prints to be tried: status, why, trip and reset, and where."""
        printed = re.findall(r'^   (\S.*)$', self.output(), re.MULTILINE)
        self.environment = dict(os.environ, SWITCHGEAR_PANEL=printed[0].removeprefix('export SWITCHGEAR_PANEL='))
        return printed[1:5]

    def command(self, line):
        done = subprocess.run(shlex.split(line), env=self.environment, text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, (line, done)
        return done.stdout

    def workers(self):
        """Its children of the same program, the janitor apart, which has a session of its own."""
        found = []
        for pid in map(int, subprocess.run(['ps', '-o', 'pid=', '--ppid', str(self.child.pid)], text=True,
                                           capture_output=True, check=True).stdout.split()):
            if os.readlink(f'/proc/{pid}/exe') == os.path.realpath(outage) and os.getsid(pid) != pid:
                found.append(pid)
        return found

    def kill_worker(self, after):
        before = self.workers()
        assert len(before) == 8, before
        os.kill(before[0], signal.SIGKILL)
        after = self.wait_for(r'worker 1 was killed; another takes its place', after)
        assert len(self.workers()) == 8, self.workers()
        return after


with Held('--phase', '20') as held:
    at = held.wait_for(r'healthy \|.*CLOSED')
    status, why, trip, reset = held.commands()
    assert 'CLOSED' in held.command(status)
    assert 'demo' in held.command(why)
    held.command(trip)
    at = held.wait_for(r'healthy \|.*OPEN', at)
    assert 'OPEN' in held.command(status)
    held.command(reset)
    at = held.wait_for(r'healthy \|.*CLOSED', at)
    at = held.kill_worker(at)
    held.wait_for(r'healthy \|.*CLOSED', at)

# The second act: what its rows say of the protected is answered, full, shed, timed out.
with Held('--act', '2') as held:
    at = held.wait_for(r'^ +1.0s')
    status, why, trip, reset = held.commands()
    assert 'rush' in held.command(status)
    assert 'rush' in held.command(why)
    held.command(trip)
    assert 'OPEN' in held.command(status)
    at = held.wait_for(r's +\d+  \| +0 +0 +0 +0 ', at)
    held.command(reset)
    at = held.wait_for(r's +\d+  \| +[1-9]', at)
    at = held.kill_worker(at)
    at = held.wait_for(r'^ rejected otherwise +[1-9]', at)
    held.wait_for(r'^ +0.5s', at)
