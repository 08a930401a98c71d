#!/usr/bin/python3
"""While the outage is held, the commands it prints work from another terminal, and a worker may be killed."""
import os, re, shlex, signal, subprocess, sys, tempfile, time

build = os.environ['BUILD']
outage, program = os.path.join(build, 'examples/outage'), os.path.join(build, 'src/switchgear')
for path in (outage, program):
    if not os.access(path, os.X_OK):
        print(f'{path} was not built')
        sys.exit(77)

folder = tempfile.TemporaryDirectory()
output_path = os.path.join(folder.name, 'out')
with open(output_path, 'w') as file:
    child = subprocess.Popen([outage, '--hold', '--phase', '20'], stdout=file, stderr=file,
                             env=dict(os.environ, XDG_RUNTIME_DIR=folder.name))


def output():
    with open(output_path) as file:
        return file.read()


def wait_for(pattern, after=0):
    """The position behind what matched."""
    end = time.monotonic() + 60
    while not (match := re.compile(pattern).search(output(), after)):
        assert child.poll() is None and time.monotonic() < end, f'waited in vain for {pattern}:\n{output()}'
        time.sleep(0.02)
    return match.end()


def command(line):
    done = subprocess.run(shlex.split(line), env=environment, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, (line, done)
    return done.stdout


def workers():
    """Its children of the same program, the janitor apart, which has a session of its own."""
    found = []
    for pid in map(int, subprocess.run(['ps', '-o', 'pid=', '--ppid', str(child.pid)], text=True,
                                       capture_output=True, check=True).stdout.split()):
        if os.readlink(f'/proc/{pid}/exe') == os.path.realpath(outage) and os.getsid(pid) != pid:
            found.append(pid)
    return found


try:
    at = wait_for(r'healthy \|.*CLOSED')
    printed = re.findall(r'^   (\S.*)$', output(), re.MULTILINE)
    environment = dict(os.environ, SWITCHGEAR_PANEL=printed[0].removeprefix('export SWITCHGEAR_PANEL='))
    status, why, trip, reset = printed[1:5]

    assert 'CLOSED' in command(status)
    assert 'demo' in command(why)
    command(trip)
    at = wait_for(r'healthy \|.*OPEN', at)
    assert 'OPEN' in command(status)
    command(reset)
    at = wait_for(r'healthy \|.*CLOSED', at)

    before = workers()
    assert len(before) == 8, before
    os.kill(before[0], signal.SIGKILL)
    at = wait_for(r'worker 1 was killed; another takes its place', at)
    at = wait_for(r'healthy \|.*CLOSED', at)
    assert len(workers()) == 8, workers()
finally:
    child.send_signal(signal.SIGINT)
    assert child.wait(60) == 0, output()
    left = os.listdir(folder.name)
    assert left == ['out'], left
    folder.cleanup()
