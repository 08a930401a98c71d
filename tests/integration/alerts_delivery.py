#!/usr/bin/python3
"""Delivery to receivers that work, fail, hang, close, redirect, ask for patience and never stop talking."""
import concurrent.futures, os, sys, tempfile, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from alerts_servers import Receiver, Sender

folder = tempfile.TemporaryDirectory()
everything = []


def start(thing):
    everything.append(thing)
    return thing


def secret(name, text, mode=0o600):
    path = os.path.join(folder.name, name)
    with open(path, 'w') as file:
        file.write(text + '\n')
    os.chmod(path, mode)
    return path


def one_of_each():
    slack, pager, hook = (start(Receiver()) for _ in range(3))
    template = secret('template', '{"what": "{{alert}}", "how": ["{{status}}", {{value}}]}', 0o644)
    sender = start(Sender([
        f"slack chat url_file={secret('hook', slack.url + '/services/T0/B0/s3cretpart')}",
        f"pagerduty page url={pager.url}/v2/enqueue token_file={secret('key', 'R0UT1NGKEY')} source=here",
        f"webhook hook url={hook.url}/in template_file={template} severity_min=2 resolved=0",
        'log written',
    ], {'SWITCHGEAR_HOOK_TOKEN': 'b34rer', 'http_proxy': 'http://127.0.0.1:9', 'HTTPS_PROXY': 'http://127.0.0.1:9', 'no_proxy': '', 'NO_PROXY': ''}))
    assert sender.opened == 'ok', sender.opened
    sender.say('fire open db', 'fire near db 1')
    _, path, headers, body = slack.request()
    assert path == '/services/T0/B0/s3cretpart' and headers['Content-Type'] == 'application/json', (path, headers)
    assert body['text'] == '\U0001f6a8 Circuit Breaker Alert: db circuit is OPEN (and 1 more)', body
    assert 'Authorization' not in headers, headers
    first, second = pager.body(), pager.body()
    assert (first['routing_key'], first['event_action'], first['dedup_key']) == ('R0UT1NGKEY', 'trigger', 'switchgear/here/open/db')
    assert first['payload']['source'] == 'here' and second['payload']['severity'] == 'warning', (first, second)
    _, path, headers, body = hook.request()
    assert (path, headers['Authorization'], body) == ('/in', 'Bearer b34rer', {'what': 'open', 'how': ['firing', 0.0]})
    sender.say('end open db')
    assert pager.body()['event_action'] == 'resolve'
    assert slack.body()['text'] == '\u2705 Circuit Breaker Alert: db circuit is CLOSED'
    sender.wait(sent=7, failed=0, dropped=0, queued=0)
    sender.wait_log('[ALERT][critical] open: db circuit is OPEN')
    assert hook.got.empty()
    sender.stop()
    assert not any(word in ''.join(sender.log) for word in ('s3cretpart', 'R0UT1NGKEY', 'b34rer', slack.url)), sender.log


def failing_ones_are_tried_again():
    """A closed connection, then 500, then well: one delivery of three attempts, and another receiver is not held up by it."""
    bad, good = start(Receiver()), start(Receiver())
    bad.plan.put(('close',))
    bad.plan.put(('status', 500, {}, b'token=abc broken'))
    sender = start(Sender([f'webhook bad url={bad.url}', f'webhook good url={good.url}']))
    sender.say('fire open db')
    good.body()
    times = [bad.request()[0] for _ in range(3)]
    assert times[1] - times[0] >= 0.9 and times[2] - times[1] >= 1.9, times
    sender.wait(sent=2, failed=2, dropped=0, queued=0)
    sender.stop()


def one_that_hangs_does_not_hold_up_the_loop():
    hung = start(Receiver())
    hung.plan.put(('hang',))
    sender = start(Sender([f'webhook hung url={hung.url} timeout_ms=300']))
    sender.say('fire open db')
    hung.body()
    assert sender.ask('tick') == 'tick'
    assert hung.body()['alert'] == 'open'
    sender.wait(sent=1, failed=1)
    hung.plan.put(('hang',))
    sender.say('fire open db')
    hung.body()
    sender.stop()


def slack_is_told_once_a_second_and_what_piles_up_at_once():
    slack = start(Receiver())
    slack.plan.put(('status', 429, {'Retry-After': '3'}, b''))
    sender = start(Sender([f'slack chat url={slack.url}']))
    sender.say('fire open first')
    refused = slack.request()[0]
    sender.say(*(f'fire open c{i}' for i in range(5)))
    again, _, _, body = slack.request()
    assert again - refused >= 2.9 and 'first circuit is OPEN' in body['text'], (again - refused, body)
    later, _, _, body = slack.request()
    assert later - again >= 0.9 and body['text'].endswith('c0 circuit is OPEN (and 4 more)'), (later - again, body)
    assert len(body['blocks']) == 10, body
    sender.wait(sent=6, queued=0)
    sender.stop()


def what_is_refused_is_not_repeated():
    other, refusing = start(Receiver()), start(Receiver())
    refusing.plan.put(('status', 400, {}, b'{"message": "invalid", "routing_key": "R0UT1NGKEY"}'))
    refusing.plan.put(('status', 307, {'Location': other.url + '/elsewhere'}, b''))
    sender = start(Sender([f'webhook no url={refusing.url}']))
    sender.say('fire open a', 'fire open b', 'fire open c')
    assert [refusing.body()['circuit'] for _ in range(3)] == ['a', 'b', 'c']
    sender.wait(sent=1, failed=2, dropped=2, queued=0)
    assert other.got.empty() and refusing.got.empty()
    sender.wait_log('refuses: status 400 {"message": "invalid", "routing_key": "[redacted]"}')
    sender.wait_log('redirects, which is not followed: status 307')
    sender.stop()


def endless_answers_are_cut():
    endless = start(Receiver())
    endless.plan.put(('endless', 200))
    endless.plan.put(('endless_headers',))
    sender = start(Sender([f'webhook endless url={endless.url}']))
    sender.say('fire open a', 'fire open b', 'fire open c')
    sender.wait(sent=3, queued=0)
    sender.stop()


def one_that_is_gone_is_left_alone():
    """Nobody listens there: five failures open its circuit, and the queue waits, bounded, dropping the least severe."""
    gone = Receiver()
    gone.stop()
    sender = start(Sender([f'webhook gone url={gone.url}']))
    sender.say(*(f'fire open c{i} {1 if i else 0}' for i in range(600)))
    sender.wait(failed=3)
    counts = sender.counts()
    # One may have been on its way before the queue was full.
    assert counts['queued'] in (512, 513) and counts['queued'] + counts['dropped'] == 600, counts
    sender.wait_log('receiver gone: does not take notices: refused, status 0')
    assert sender.counts()['sent'] == 0
    sender.stop()


def a_reload_keeps_what_waits():
    old, new = start(Receiver()), start(Receiver())
    old.plan.put(('hang',))
    sender = start(Sender([f'webhook hook url={old.url}', f'webhook other url={old.url}']))
    assert sender.receivers('reload', [f'webhook hook url={old.url} timeout_ms=5000']) == 'ok'
    sender.say('fire open a', 'fire open b')
    old.body()
    assert sender.receivers('reload', ['webhook hook url=ftp://nowhere']).startswith('fault receivers.hook.url: is no URL')
    assert sender.receivers('reload', [f'webhook hook url={new.url}']) == 'ok'
    assert [new.body()['circuit'] for _ in range(2)] == ['a', 'b']
    sender.wait(sent=2, queued=0, dropped=0)
    sender.stop()


def wrong_secrets_are_told():
    opened = Sender([f"slack chat url_file={secret('wide', 'https://hooks.example/T0/s3cretpart', 0o604)}"])
    assert opened.opened.startswith('fault receivers.chat.url_file') and 'chmod o=' in opened.opened, opened.opened
    assert 's3cretpart' not in opened.opened
    everything.append(opened)


stories = [one_of_each, failing_ones_are_tried_again, one_that_hangs_does_not_hold_up_the_loop,
           slack_is_told_once_a_second_and_what_piles_up_at_once, what_is_refused_is_not_repeated, endless_answers_are_cut,
           one_that_is_gone_is_left_alone, a_reload_keeps_what_waits, wrong_secrets_are_told]
# Each waits most of its time, so all of them at once.
with concurrent.futures.ThreadPoolExecutor(len(stories)) as pool:
    running = [(story.__name__, pool.submit(story)) for story in stories]
failed = [(name, future.exception()) for name, future in running if future.exception()]
for thing in reversed(everything):
    if isinstance(thing, Sender):
        thing.process.kill()
        thing.process.wait()
    else:
        thing.stop()
folder.cleanup()
for name, exception in failed:
    print(f'{name}:')
    traceback.print_exception(exception)
sys.exit(1 if failed else 0)
