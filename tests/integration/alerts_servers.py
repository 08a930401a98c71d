"""Receivers that are real HTTP servers on loopback, and misbehave when told to; and the program that sends to them."""
import http.server, json, os, queue, subprocess, sys, threading, time

BUILD = os.environ['BUILD']
BOUND = 60


def need(path):
    if not os.access(path, os.X_OK):
        print(f'{path} was not built')
        sys.exit(77)
    return path


class Receiver:
    """Answers each request as the next of `plan` says, then with `usual`; keeps what it was sent in `got`."""

    def __init__(self, usual=('status', 200, {}, b'ok'), tls=None):
        self.got, self.plan, self.usual, self.over = queue.Queue(), queue.Queue(), usual, threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                receiver.got.put((time.monotonic(), self.path, dict(self.headers), body))
                try:
                    what, *rest = receiver.plan.get_nowait()
                except queue.Empty:
                    what, *rest = receiver.usual
                try:
                    getattr(self, what)(*rest)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_GET = do_POST

            def status(self, code, headers=None, body=b''):
                self.send_response(code)
                for name, value in {'Content-Length': str(len(body)), **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def hang(self):
                receiver.over.wait(BOUND)
                self.close_connection = True

            def late(self, seconds):
                receiver.over.wait(seconds)
                self.status(200)

            def close(self):
                self.close_connection = True

            def endless(self, code):
                self.send_response(code)
                self.send_header('Content-Type', 'text/plain')
                self.end_headers()
                while not receiver.over.is_set():
                    self.wfile.write(b'x' * 8192)

            def endless_headers(self):
                self.wfile.write(b'HTTP/1.1 200 OK\r\n')
                while not receiver.over.is_set():
                    self.wfile.write(b'X-More: ' + b'x' * 1000 + b'\r\n')

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # connections that are cut are what this is for
        if tls:  # shaken hands with where it is read from, on the request's own thread
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f'http{"s" if tls else ""}://127.0.0.1:{self.server.server_address[1]}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def request(self, bound=BOUND):
        """The next one: when, path, headers, body as JSON."""
        at, path, headers, body = self.got.get(timeout=bound)
        return at, path, headers, json.loads(body)

    def body(self):
        return self.request()[3]

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class Sender:
    """tests/integration/alerts_drive.c"""

    def __init__(self, receivers, environment=None):
        self.log = []
        self.process = subprocess.Popen([need(os.path.join(BUILD, 'tests/alerts-drive'))], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=dict(os.environ, **(environment or {})))
        threading.Thread(target=self.read_log, daemon=True).start()
        self.opened = self.receivers('open', receivers)

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def say(self, *lines):
        """In one write, which is one read there: what is said together is obeyed together."""
        self.process.stdin.write(''.join(line + '\n' for line in lines))
        self.process.stdin.flush()

    def ask(self, line):
        self.say(line)
        return self.process.stdout.readline().strip()

    def receivers(self, what, lines):
        self.say(*('receiver ' + line for line in lines))
        return self.ask(what)

    def counts(self):
        words = self.ask('count').split()
        return {name: int(number) for name, number in zip(words[::2], words[1::2])}

    def wait(self, **wanted):
        end = time.monotonic() + BOUND
        while True:
            counts = self.counts()
            if all(counts[name] == number for name, number in wanted.items()):
                return counts
            assert time.monotonic() < end, (wanted, counts, self.log)
            time.sleep(0.01)

    def wait_log(self, part):
        end = time.monotonic() + BOUND
        while not any(part in line for line in self.log):
            assert time.monotonic() < end, (part, self.log)
            time.sleep(0.01)

    def stop(self):
        """Must end by itself, whatever its receivers do."""
        if self.process.poll() is None:
            assert self.ask('stop') == 'stopped', self.log
        assert self.process.wait(BOUND) == 0, self.log
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()
