#!/usr/bin/python3
"""The program, the adapter and a real server that is paused, killed, slowed and brought back: what each caller is told."""
import os, signal, subprocess, sys, tempfile

build = os.environ['BUILD']
program, server_path = os.path.join(build, 'src/switchgear'), os.path.join(build, 'examples/server')
for path in (program, server_path):
    if not os.access(path, os.X_OK):
        print(f'{path} was not built')
        sys.exit(77)


class Server:
    def __init__(self, port=0, mode='healthy', *options):
        self.process = subprocess.Popen([server_path, '--port', str(port), '--mode', mode, *options],
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.rsplit(':', 1)[1].rstrip('/'))

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


folder = tempfile.TemporaryDirectory()
environment = dict(os.environ, SWITCHGEAR_PANEL=os.path.join(folder.name, 'panel'), NO_PROXY='*', no_proxy='*')


def switchgear(*arguments):
    done = subprocess.run([program, *arguments], env=environment, text=True, capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def call(url, *options):
    return switchgear('call', 'shop', url, *options)


def status():
    code, output, errors = switchgear('status', 'shop', '--json')
    assert code == 0, (code, output, errors)
    return output


server = Server()
try:
    # Healthy: the body arrives.
    code, output, errors = call(server.url + 'secret?token=1', '--set', 'breaker.trip.0.consecutive=2')
    assert (code, output) == (0, 'ok\n'), (code, output, errors)

    # Hung: a connection, and no answer. One of the two failures it takes to open.
    server.signal(signal.SIGSTOP)
    code, output, errors = call(server.url + 'secret?token=1', '--timeout', '200ms')
    assert code == 69 and 'timeout' in errors, (code, output, errors)
    assert 'secret' not in errors and 'token' not in errors, errors

    # Killed: refused, and that opens it.
    server.kill()
    code, output, errors = call(server.url)
    assert code == 69 and 'failure' in errors, (code, output, errors)
    assert 'OPEN' in status(), status()

    # Open: another process is turned away, although the server is back and well.
    server = Server(server.port)
    code, output, errors = call(server.url)
    assert code == 75 and output == '', (code, output, errors)

    # Let through by hand, it finds the server slow, but answering; two probes close it.
    server.signal(signal.SIGUSR1)
    code, output, errors = switchgear('probe', 'shop', '--reason', 'it is back')
    assert code == 0, (code, output, errors)
    for _ in range(2):
        code, output, errors = call(server.url)
        assert (code, output) == (0, 'ok\n'), (code, output, errors)
    assert 'CLOSED' in status(), status()

    # Errors of its own are failures, as soon as the signal has reached it.
    server.signal(signal.SIGHUP)
    for _ in range(1000):
        code, output, errors = call(server.url)
        if code != 0:
            break
    assert code == 69 and '500' in errors, (code, output, errors)

    # What is shown to people of all that: kinds and numbers, no paths.
    code, output, errors = switchgear('why', 'shop')
    assert code == 0 and 'secret' not in output and 'token' not in output, (code, output, errors)

    # A server that fails now and then does so by count.
    server.kill()
    server = Server(0, 'healthy', '--takes', '0', '--threads', '1', '--queue', '1', '--errors-every', '2')
    codes = [switchgear('call', 'now-and-then', server.url)[0] for _ in range(4)]
    assert codes == [0, 69, 0, 69], codes
    for wrong in (['--threads', '0'], ['--queue', '5000'], ['--takes', 'long'], ['--errors-every', ''], ['--mode', 'well'], ['more']):
        done = subprocess.run([server_path, *wrong], text=True, capture_output=True, timeout=60)
        assert done.returncode == 64 and done.stderr.startswith('usage: server'), (wrong, done)
finally:
    server.kill()
    folder.cleanup()
