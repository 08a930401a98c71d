#!/usr/bin/python3
"""From a failing call to a message, through the agent: Slack, PagerDuty, inhibition, a reload, and an agent that is killed."""
import json, os, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from alerts_servers import BOUND, BUILD, Receiver, need

program = need(os.path.join(BUILD, 'src/switchgear'))
if 'without' in subprocess.run([program, 'help', 'agent'], text=True, capture_output=True).stdout.split('\n')[0]:
    print('built without the agent')
    sys.exit(77)
folder = tempfile.TemporaryDirectory()
slack, pager = Receiver(), Receiver()


def path(name):
    return os.path.join(folder.name, name)


def write(name, text, mode=0o600):
    with open(path(name), 'w') as file:
        file.write(text)
    os.chmod(path(name), mode)
    return path(name)


def configure(alerts):
    write('switchgear.yaml', f'''
panel: {{ path: {path('panel')} }}
agent: {{ listen: off, socket: {path('socket')}, database: {path('database')} }}
defaults: {{ breaker: {{ trip: [ {{ consecutive: 1 }} ], min_state_transition_interval: 0s }} }}
circuits:
  shop: {{ owner: web, depends_on: [ bank ] }}
  bank: {{ owner: payments, runbook: https://wiki.example/bank }}
  "*": {{}}
alerts:
{alerts}
receivers:
  chat: {{ kind: slack, url_file: {write('hook', slack.url + '/T0/B0/s3cretpart')} }}
  page: {{ kind: pagerduty, url: {pager.url}, token_file: {write('key', 'R0UT1NGKEY')}, source: here, severity_min: critical }}
''')


ALERTS = '''
  - { name: open, when: open, severity: critical }
  - { name: change, when: transition, to: [ chat ], circuits: [ mail ] }
  - { name: down, when: agent_down, severity: critical }
'''
environment = dict(os.environ, SWITCHGEAR_PANEL=path('panel'), NO_PROXY='*')
environment.pop('SWITCHGEAR_CONFIG', None)


def switchgear(*arguments, wanted=0):
    done = subprocess.run([program, *arguments], env=environment, text=True, capture_output=True, timeout=BOUND)
    assert done.returncode == wanted, (arguments, done)


class Agent:
    def __init__(self):
        self.log = open(path('log'), 'a+')
        self.process = subprocess.Popen([program, 'agent', '-c', path('switchgear.yaml')], env=environment, stderr=self.log)
        self.wait_http()

    def get(self, what):
        done = subprocess.run(['curl', '-s', '--unix-socket', path('socket'), 'http://localhost' + what], text=True,
                              capture_output=True, timeout=BOUND)
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None

    def wait_http(self):
        end = time.monotonic() + BOUND
        while self.get('/readyz') is None:
            assert self.process.poll() is None and time.monotonic() < end, self.text()
            time.sleep(0.02)

    def wait_alerts(self, *wanted):
        """name/circuit, and /inhibitor where there is one."""
        end = time.monotonic() + BOUND
        while True:
            found = sorted('/'.join(filter(None, (a['name'], a['circuit'], a['inhibited_by']))) for a in self.get('/v1/alerts')['alerts'])
            if found == sorted(wanted):
                return
            assert time.monotonic() < end, (wanted, found, self.text())
            time.sleep(0.02)

    def wait_log(self, part):
        end = time.monotonic() + BOUND
        while part not in self.text():
            assert self.process.poll() is None and time.monotonic() < end, self.text()
            time.sleep(0.02)

    def text(self):
        with open(path('log')) as file:
            return file.read()


configure(ALERTS)
agent = Agent()
try:
    # A circuit trips, and both hear of it; the reason travels, redacted.
    switchgear('exec', 'bank', '--', 'false', wanted=1)
    body = slack.body()
    assert body['text'].endswith('Circuit Breaker Alert: bank circuit is OPEN'), body
    assert 'owner: payments' in body['blocks'][1]['elements'][0]['text'], body
    event = pager.body()
    assert event['event_action'] == 'trigger' and event['payload']['source'] == 'here', event
    assert event['links'][-1]['href'] == 'https://wiki.example/bank', event
    key = event['dedup_key']

    # What depends on it is silenced by it.
    switchgear('exec', 'shop', '--', 'false', wanted=1)
    agent.wait_alerts('open/bank', 'open/shop/bank')

    # By hand, with a secret in the reason; a circuit of the second rule.
    switchgear('exec', 'mail', '--', 'true')
    switchgear('trip', 'mail', '--reason', 'token=abc123 leaked')
    body = slack.body()
    while 'mail' not in json.dumps(body):
        body = slack.body()
    assert 'abc123' not in json.dumps(body) and '[redacted]' in json.dumps(body), body
    assert pager.body()['payload']['component'] == 'mail'

    # A reload that keeps the rule tells nobody anything; one with a wrong secret is refused.
    configure(ALERTS.replace('critical }', 'critical, for: 0s }', 1))
    agent.process.send_signal(signal.SIGHUP)
    os.chmod(path('hook'), 0o644)
    agent.process.send_signal(signal.SIGHUP)
    agent.wait_log('is open to everybody')
    agent.wait_alerts('open/bank', 'open/mail', 'open/shop/bank')
    os.chmod(path('hook'), 0o600)
    assert pager.got.empty()

    # Killed. Meanwhile one circuit recovers; the next agent tells that, and that there was a time without one.
    agent.process.kill()
    agent.process.wait()
    switchgear('reset', 'mail', '--reason', 'found it', '--force')
    agent = Agent()
    # What fired just before it was killed may be told again, under the same key.
    def unseen():
        while (event := pager.body())['dedup_key'] == key:
            assert event['event_action'] == 'trigger', event
        return event['event_action'], event['payload'].get('component', '')
    assert sorted(unseen() for _ in range(2)) == [('resolve', 'mail'), ('trigger', '')]

    # It closes: the incident that was opened is the one that ends.
    switchgear('reset', 'bank', '--reason', 'fixed', '--force')
    while (event := pager.body())['event_action'] == 'trigger':
        assert event['dedup_key'] == key, event
    assert (event['event_action'], event['dedup_key']) == ('resolve', key), event

    # Told to stop, it tells what it knows first, one after the other.
    pager.plan.put(('late', 0.5))
    switchgear('trip', 'bank', 'mail', '--reason', 'one more')
    agent.process.send_signal(signal.SIGTERM)
    assert agent.process.wait(BOUND) == 0, agent.text()
    assert sorted(pager.body()['payload']['component'] for _ in range(2)) == ['bank', 'mail']
    assert not any(word in agent.text() for word in ('s3cretpart', 'R0UT1NGKEY', slack.url))
finally:
    agent.process.kill()
    agent.process.wait()
    slack.stop()
    pager.stop()
    folder.cleanup()
