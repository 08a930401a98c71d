#!/usr/bin/python3
"""A real Alertmanager: what fires is in its API, what ended is not, and one that is started late is told."""
import json, os, shutil, socket, subprocess, sys, tempfile, time, urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from alerts_servers import BOUND, Sender

program = shutil.which('prometheus-alertmanager')
if program is None:
    print('prometheus-alertmanager is not installed')
    sys.exit(77)

folder = tempfile.TemporaryDirectory()
with open(os.path.join(folder.name, 'config.yml'), 'w') as file:
    file.write('route: {receiver: nobody}\nreceivers: [{name: nobody}]\n')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def start(port):
    log = open(os.path.join(folder.name, 'log'), 'a')
    return subprocess.Popen([program, '--config.file=' + os.path.join(folder.name, 'config.yml'),
                             '--storage.path=' + os.path.join(folder.name, 'data'),
                             f'--web.listen-address=127.0.0.1:{port}', '--cluster.listen-address='],
                            stdout=log, stderr=log)


def alerts(url):
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url + '/api/v2/alerts', timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


def wait_for(url, *wanted):
    """Until exactly these alerts, as name/circuit, are there."""
    end = time.monotonic() + BOUND
    while True:
        found = alerts(url)
        if found is not None and sorted(f"{a['labels']['alertname']}/{a['labels'].get('circuit', '')}" for a in found) == sorted(wanted):
            return {a['labels'].get('circuit', ''): a for a in found}
        assert time.monotonic() < end, (wanted, found, sender.log, open(os.path.join(folder.name, 'log')).read())
        time.sleep(0.05)


port = free_port()
url = f'http://127.0.0.1:{port}'
sender = Sender([f'alertmanager manager url={url} source=host-1'])
server = None
try:
    # Told before there is anybody to listen: it is tried again.
    assert sender.opened == 'ok', sender.opened
    sender.say('fire open db')
    server = start(port)
    found = wait_for(url, 'open/db')['db']
    assert found['labels'] == {'alertname': 'open', 'circuit': 'db', 'severity': 'critical', 'instance': 'host-1'}, found
    assert found['annotations']['summary'] == 'db circuit is OPEN', found
    assert found['status']['state'] in ('active', 'unprocessed'), found

    # Another one, and a change of state, which ends by itself.
    sender.say('fire open mail 1', 'moment change mail 0')
    found = wait_for(url, 'open/db', 'open/mail', 'change/mail')
    sender.wait(sent=3, queued=0, dropped=0)

    # What ends is gone, and the rest stays.
    sender.say('end open db')
    wait_for(url, 'open/mail', 'change/mail')
    sender.say('end open mail 1')
    wait_for(url, 'change/mail')
    sender.wait(sent=5, queued=0, dropped=0)
    sender.stop()
finally:
    sender.process.kill()
    sender.process.wait()
    if server is not None:
        server.kill()
        server.wait()
    folder.cleanup()
