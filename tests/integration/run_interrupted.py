#!/usr/bin/python3
"""However the outage is stopped, Ctrl-C, SIGTERM or kill -9, and whenever: no process and no file of it is left."""
import os, signal, subprocess, sys, tempfile, time

outage = os.path.join(os.environ['BUILD'], 'examples/outage')
if not os.access(outage, os.X_OK):
    print('the examples were not built (no libcurl?)')
    sys.exit(77)


def processes(folder):
    """All that have our folder in their environment."""
    mark, found = b'XDG_RUNTIME_DIR=' + folder.encode() + b'\0', []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/environ', 'rb') as file:
                if mark in file.read() + b'\0':
                    found.append(int(pid))
        except OSError:
            pass
    return found


def wait_for(what, condition):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            sys.exit(f'waited in vain: {what}')
        time.sleep(0.02)


def run(arguments, text, number, group):
    """Start it, wait until it shows the text, send the signal."""
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, 'out')
        environment = dict(os.environ, XDG_RUNTIME_DIR=folder)
        with open(output, 'w') as file:
            child = subprocess.Popen([outage, *arguments], stdout=file, stderr=file, env=environment, start_new_session=True)
        wait_for(text or 'start', lambda: not text or text in open(output).read() or child.poll() is not None)
        if child.poll() is not None:
            sys.exit(f'ended by itself: {open(output).read()}')
        (os.killpg if group else os.kill)(child.pid, number)
        status = child.wait(60)
        wait_for('processes to go', lambda: not processes(folder))
        wait_for('files to go', lambda: os.listdir(folder) == ['out'])
        return status, open(output).read()


for text in ('', 'healthy', 'HUNG', 'DEAD', 'slow'):
    status, output = run(['--phase', '1'], text, signal.SIGINT, True)
    assert status in (130, -signal.SIGINT), (text, status, output)
    status, output = run(['--phase', '1'], text, signal.SIGKILL, False)
    assert status == -signal.SIGKILL, (text, status, output)
status, output = run(['--phase', '1'], 'healthy', signal.SIGTERM, False)
assert status == 130, (status, output)

# The second act is no other.
for text in ('', ' 0.5s', ' 6.0s'):
    status, output = run(['--act', '2'], text, signal.SIGINT, True)
    assert status in (130, -signal.SIGINT), (text, status, output)
    status, output = run(['--act', '2'], text, signal.SIGKILL, False)
    assert status == -signal.SIGKILL, (text, status, output)

# --hold says what to try, goes through a second performance, and ends well, in either act.
for text, circuit in (('calls', 'demo'), ('trip rush --reason', 'rush')):
    status, output = run(['--phase', '1', '--hold'], text, signal.SIGINT, True)
    assert status == 0, (status, output)
    assert 'SWITCHGEAR_PANEL=' in output and f'trip {circuit} --reason' in output, output
