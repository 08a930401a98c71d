#!/usr/bin/python3
"""What the agent costs, and that it costs callers nothing: measured against the real program, on a panel of its own.

usage: measure.py BUILD [--json FILE]     FILE is one that build/bench/bench wrote; what is measured here is added to it

Prints each figure beside its target. Latency of calls is a ratio: while the agent runs, is stopped, killed and cannot write,
over the same without any agent, in the same run.
"""
import contextlib, http.client, json, os, pathlib, shutil, signal, socket, sqlite3, statistics, subprocess, sys, tempfile, time

BUILD = pathlib.Path(sys.argv[1]).resolve()
PROGRAM, DRIVER = BUILD / 'src/switchgear', BUILD / 'bench/driver'
rows = []


def row(name, value, unit, target, comparison='<='):
    rows.append((name, value, unit, target))
    met = value <= target if comparison == '<=' else value >= target
    print(f'  {name:44} {value:12.3f} {unit:8} target {comparison} {target:g}{"" if met else "   MISSED"}', flush=True)


def driver(panel, *arguments):
    done = subprocess.run([DRIVER, panel, *map(str, arguments)], text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done
    return done.stdout


class Agent:
    """A running agent of a folder; ends with the block."""

    def __init__(self, folder, circuits=(), settings='', launcher=()):
        self.folder, self.panel = pathlib.Path(folder), f'{folder}/panel'
        self.database = f'{folder}/state.db'
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        self.file = self.folder / 'switchgear.yaml'
        entries = ''.join(f'  {name}: {{ preset: default }}\n' for name in circuits) or "  '*': { preset: default, max: 2000 }\n"
        self.file.write_text(f'panel: {{ path: {self.panel}, circuits_max: 2048 }}\n'
                             f'agent: {{ listen: "127.0.0.1:{self.port}", socket: off, database: {self.database}, public_reads: true }}\n'
                             f'{settings}limits: {{ circuits_max: 2000 }}\ncircuits:\n{entries}')
        self.launcher = list(launcher)

    def __enter__(self):
        self.log = open(self.folder / 'log', 'w')
        self.child = subprocess.Popen([*self.launcher, PROGRAM, 'agent', '-c', self.file], stdout=self.log, stderr=self.log)
        end = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get('/readyz')[0] == 200:
                    return self
            assert self.child.poll() is None and time.monotonic() < end, (self.folder / 'log').read_text()
            time.sleep(0.02)

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.terminate()
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.log.close()

    def connect(self):
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)

    def get(self, path, connection=None):
        own = connection or self.connect()
        own.request('GET', path)
        answer = own.getresponse()
        body = answer.read()
        if connection is None:
            own.close()
        return answer.status, body

    def timed(self, path, times=21):
        """Milliseconds, the median; what is served twice within a second may be the same text, so time passes in between."""
        connection, taken = self.connect(), []
        for _ in range(times):
            before = time.perf_counter()
            status, body = self.get(path, connection)
            taken.append((time.perf_counter() - before) * 1e3)
            assert status == 200, (path, status, body[:200])
            time.sleep(0.11)
        return statistics.median(taken), len(body)

    def used(self):
        """Seconds of processor time so far, and resident MiB now."""
        fields = pathlib.Path(f'/proc/{self.child.pid}/stat').read_text().rsplit(')', 1)[1].split()
        resident = int(pathlib.Path(f'/proc/{self.child.pid}/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')
        shared = int(pathlib.Path(f'/proc/{self.child.pid}/statm').read_text().split()[2]) * os.sysconf('SC_PAGE_SIZE')
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK'), resident / 2**20, (resident - shared) / 2**20


@contextlib.contextmanager
def scratch():
    folder = tempfile.mkdtemp()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def timed_status(panel, times=21):
    """Milliseconds from start to end of the program, the median."""
    taken = []
    for _ in range(times):
        before = time.perf_counter()
        subprocess.run([PROGRAM, 'status', '--panel', panel, '--json'], stdout=subprocess.DEVNULL, check=True)
        taken.append((time.perf_counter() - before) * 1e3)
        time.sleep(0.11)
    return statistics.median(taken)


def thousand_circuits():
    names = [f'circuit-{i}' for i in range(1000)]
    with scratch() as folder, Agent(folder, names) as agent:
        driver(agent.panel, 'make', 1000)
        time.sleep(3)
        ms, size = agent.timed('/metrics')
        row('/metrics, 1,000 circuits', ms, 'ms', 10)
        print(f'    ({size / 1024:.0f} KiB)')
        row('/v1/circuits, 1,000 circuits', agent.timed('/v1/circuits')[0], 'ms', 20)
        row('switchgear status --json, 1,000 circuits', timed_status(agent.panel), 'ms', 20)
        time.sleep(2)
        used = agent.used()[0]
        time.sleep(20)
        now, resident, private = agent.used()
        row('processor time of an idle agent', (now - used) / 20 * 100, '%', 0.5)
        row('resident memory', resident, 'MiB', 32)
        print(f'    (of which not the panel\'s or a library\'s: {private:.1f} MiB)')
        reloads = [float(line) for line in driver(agent.panel, 'load', agent.file, 9).split()]
        row('reload of a file of 1,000 circuits', statistics.median(reloads), 'ms', 100)


def news():
    with scratch() as folder, Agent(folder) as agent:
        driver(agent.panel, 'make', 50)
        stream = socket.create_connection(('127.0.0.1', agent.port), timeout=10)
        stream.sendall(b'GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n')
        stream.recv(65536)
        audit = sqlite3.connect(f'file:{agent.database}?mode=ro', uri=True)
        to_stream, to_row = [], []
        for i in range(20):
            name = f'circuit-{i}'
            child = subprocess.Popen([DRIVER, agent.panel, 'trip', name], stdout=subprocess.PIPE, text=True)
            seen = b''
            while f'"{name}"'.encode() not in seen:
                seen += stream.recv(65536)
            streamed = time.monotonic_ns()
            while not audit.execute('select count(*) from circuit_breaker_audit where circuit = ? and action = ?', (name, 'TRIP')).fetchone()[0]:
                time.sleep(0.002)
            stored = time.monotonic_ns()
            tripped = int(child.communicate()[0])
            to_stream.append((streamed - tripped) / 1e6)
            to_row.append((stored - tripped) / 1e6)
        row('event to stream, slowest of 20', max(to_stream), 'ms', 100)
        row('event to audit row, slowest of 20', max(to_row), 'ms', 200)
        stream.close()


def requests():
    if not shutil.which('wrk'):
        print('  requests a second: wrk is not installed')
        return
    with scratch() as folder, Agent(folder, launcher=('taskset', '-c', '0')) as agent:
        driver(agent.panel, 'make', 50)
        time.sleep(2)
        said = subprocess.run(['taskset', '-c', '1', 'wrk', '-t1', '-c8', '-d5s', f'http://127.0.0.1:{agent.port}/metrics'], text=True, capture_output=True, check=True).stdout
        assert 'Non-2xx' not in said, said
        rate = float(next(line for line in said.splitlines() if 'Requests/sec' in line).split(':')[1])
        row('/metrics of 50 circuits, agent on one core', rate, 'req/s', 10000, '>=')


def callers():
    """Turn by turn, so that what else the machine does hits all alike."""
    states = ('none', 'runs', 'stopped', 'killed', 'cannot write')
    taken = {state: [] for state in states}
    with scratch() as folder:
        for _ in range(5):
            agent = Agent(folder, settings='')
            driver(agent.panel, 'make', 50)
            for state in states:
                limited = ('prlimit', '--fsize=1048576') if state == 'cannot write' else ()
                if state == 'none':
                    taken[state].append(timed_calls(agent))
                    continue
                agent.launcher = list(limited)
                with agent:
                    if state == 'stopped':
                        agent.child.send_signal(signal.SIGSTOP)
                    elif state == 'killed':
                        agent.child.kill()
                        agent.child.wait()
                    elif state == 'cannot write':
                        for i in range(50):
                            driver(agent.panel, 'trip', 'circuit-1')
                    taken[state].append(timed_calls(agent))
    base = taken['none']
    for state in states[1:]:
        ratios = [now[0] / then[0] for now, then in zip(taken[state], base)]
        row(f'a call while the agent {state}, over none', statistics.median(ratios), 'x', 1.1)


def timed_calls(agent):
    median, slow, refused = driver(agent.panel, 'call', 1.0).split()
    assert refused == '0', refused
    return float(median), float(slow)


def main():
    print('The agent (targets are for an idle machine of two cores):')
    for part in (thousand_circuits, news, requests, callers):
        part()
    if '--json' in sys.argv:
        file = pathlib.Path(sys.argv[sys.argv.index('--json') + 1])
        known = json.loads(file.read_text()) if file.exists() else {}
        known.update({'agent: ' + name: {'value': value, 'unit': unit, 'baseline': target, 'ratio': value / target}
                      for name, value, unit, target in rows})
        file.write_text(json.dumps(known, indent=2) + '\n')


main()
