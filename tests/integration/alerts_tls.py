#!/usr/bin/python3
"""Receivers behind TLS: told when an authority of theirs is trusted, and otherwise not a byte, with the reason in the log."""
import os, shutil, ssl, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from agent_lib import BOUND, DATABASE, Agent, need_agent
from alerts_servers import Receiver, Sender

need_agent()
if not shutil.which('openssl'):
    print('openssl is not installed')
    sys.exit(77)
folder = tempfile.TemporaryDirectory()


def path(name):
    return os.path.join(folder.name, name)


def openssl(*arguments):
    done = subprocess.run(['openssl', *arguments], text=True, capture_output=True, timeout=BOUND)
    assert done.returncode == 0, (arguments, done)


def make_key(name):
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path(name + '.key'))


def authority(name):
    make_key(name)
    openssl('req', '-x509', '-new', '-key', path(name + '.key'), '-days', '2', '-subj', f'/CN={name}', '-out', path(name + '.pem'),
            '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign')
    return path(name + '.pem')


def server(name, ca, host):
    """A receiver with a certificate of that authority for that host."""
    make_key(name)
    openssl('req', '-new', '-key', path(name + '.key'), '-subj', '/CN=receiver', '-out', path(name + '.csr'))
    with open(path(name + '.ext'), 'w') as file:
        file.write(f'subjectAltName={host}\nbasicConstraints=CA:FALSE\n')
    openssl('x509', '-req', '-in', path(name + '.csr'), '-CA', path(ca + '.pem'), '-CAkey', path(ca + '.key'), '-CAcreateserial',
            '-days', '1', '-extfile', path(name + '.ext'), '-out', path(name + '.crt'))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path(name + '.crt'), path(name + '.key'))
    return Receiver(tls=context)


def told_and_not_told(ours, other, good, elsewhere):
    sender = Sender([f'webhook trusting url={good.url}/in ca_file={ours}',
                     f'webhook plain url={good.url}/plain',  # the system knows nothing of this authority
                     f'webhook wrong url={good.url}/wrong ca_file={other}',
                     f'webhook misnamed url={elsewhere.url}/misnamed ca_file={ours}'], {'SWITCHGEAR_PLAIN_TOKEN': 's3cret'})
    try:
        assert sender.opened == 'ok', sender.opened
        sender.say('fire open db')
        _, where, _, body = good.request()
        assert (where, body['alert'], body['circuit']) == ('/in', 'open', 'db'), (where, body)
        for name, reason in (('plain', 'unable to get local issuer certificate'), ('wrong', 'unable to get local issuer certificate'),
                             ('misnamed', "target host name '127.0.0.1'")):
            sender.wait_log(f'receiver {name}: does not take notices: tls, status 0: SSL')
            assert any(f'receiver {name}:' in line and reason in line for line in sender.log), (name, sender.log)
        counts = sender.counts()
        assert counts['sent'] == 1 and counts['dropped'] == 0 and counts['queued'] == 3, counts
        assert good.got.empty() and elsewhere.got.empty()
        assert not any('s3cret' in line for line in sender.log), sender.log
        # The next one, over the same connection or another.
        sender.say('end open db')
        assert good.body()['status'] == 'resolved'
    finally:
        sender.process.kill()
        sender.process.wait()


def wrong_files_are_told(good):
    with open(path('text'), 'w') as file:
        file.write('no certificate\n')
    for line, fault in ((f'url={good.url} ca_file=/nosuch', 'receivers.hook.ca_file: /nosuch: No such file'),
                        (f'url={good.url} ca_file={folder.name}', f'receivers.hook.ca_file: {folder.name} is no file'),
                        (f'url={good.url} ca_file={path("text")}', 'holds no certificate in PEM'),
                        (f'url=http://127.0.0.1:9 ca_file={path("ours.pem")}', 'receivers.hook.ca_file: does nothing')):
        sender = Sender(['webhook hook ' + line])
        sender.process.kill()
        sender.process.wait()
        assert sender.opened.startswith('fault ') and fault in sender.opened, (line, sender.opened)


def from_a_file(ours, good):
    """The whole way: a circuit trips, and the agent tells it over TLS."""
    with Agent(DATABASE, database='off', more=f"receivers: {{ hook: {{ kind: webhook, url: '{good.url}/agent', ca_file: {ours} }} }}\n") as agent:
        agent.start()
        agent.run('trip', 'database', '--reason', 'over TLS', check=True)
        while (request := good.request())[3]['kind'] != 'open':
            pass
        assert request[1] == '/agent' and request[3]['circuit'] == 'database', request
        assert agent.stop() == 0


receivers = []
try:
    ours, other = authority('ours'), authority('other')
    receivers += [server('good', 'ours', 'IP:127.0.0.1'), server('elsewhere', 'ours', 'DNS:receiver.example')]
    told_and_not_told(ours, other, *receivers)
    wrong_files_are_told(receivers[0])
    from_a_file(ours, receivers[0])
finally:
    for receiver in receivers:
        receiver.stop()
    folder.cleanup()
