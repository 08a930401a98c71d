#!/usr/bin/python3
"""check-config: good files and wrong ones, what it prints comes to the same, and schema, manual and explanations are the tables'."""
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f'{missing.name} is not installed')
    sys.exit(77)

ROOT = os.getcwd()
PROGRAM = os.path.join(os.environ['BUILD'], 'src', 'switchgear')
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(('SWITCHGEAR_', 'XDG_'))}


def run(*arguments, **more):
    return subprocess.run([PROGRAM, 'check-config', *arguments], capture_output=True, text=True, timeout=60,
                          env=dict(ENVIRONMENT, **more))


def require(condition, *what):
    if not condition:
        print('not so:', *what)
        sys.exit(1)


def write(name, text):
    with open(name, 'w', encoding='utf-8') as out:
        out.write(text)
    return name


EXAMPLE = '''environment: testing
panel: { path: /run/switchgear/main, circuits_max: 512 }
agent: { listen: "127.0.0.1:9191", history_bytes_max: 1GiB, origins: ["https://ops.example"] }
limits: { beyond: shared, auto_create: no, circuits_max: 400 }
metrics: { select: ["switchgear_*"], collection_interval: 10s }
defaults:
  breaker: { preset: default, min_state_transition_interval: 0 }
  slo: { availability: 99.5 }
circuits:
  pg-main: {}
  nothing:
  read-database:
    preset: read
    alias: read
    depends_on: [pg-main]
    owner: 'the "data" team'
    slo: { availability: 99.9, p99: 300ms }
    breaker: { half_open: { ramp: [5, 25] }, weights: { timeout: 0.5 } }
    fallback: { chain: [cache, static], static: "no \\"answer\\"" }
    cache: { bytes: 65536 }
    timeout: { attempt: 3s, auto: off }
  'book-*':
    max: 40
    breaker:
      trip:
        - failures: { weight: 10.5, window: 60s }
        - failure_rate: { percent: 12.5, window: 30s, calls_min: 10 }
        - change: { healthy: 0.01, unhealthy: 0.20 }
    features: { list: { checkout: 100, search: 50 } }
    bulkhead: { max_concurrent: 5, when_busy: wait, max_wait: 1s, partitions: { -1: 100, 31: 50 } }
    retry: { attempts: 3, budget: { percent: off }, inside: true }
receivers: { chat: { kind: slack, url_file: /etc/switchgear/slack } }
alerts:
  - { name: "rate: high", when: failure_rate, above: 12.5, to: [chat] }
  - { name: slow, when: slow_recovery, above: 2m, circuits: ["book-*"] }
environments:
  staging: { defaults: { breaker: { open: { for: 5s } } } }
'''

SEEDS = {
    'seed-000': '{"circuitBreaker": {"enabled": true, "errorThresholdPercentage": 50, "volumeThreshold": 10, "resetTimeout": 30000,'
                ' "timeout": 10000}, "concurrency": {"maxConcurrent": 20, "maxQueue": 5, "queueBehavior": "reject"},'
                ' "cacheBypass": {"enabledForGetItemCacheHits": true}, "breakerMode": "global", "queuePolicy": {"onSaturated": "error"}}',
    'seed-001': 'READ_CIRCUIT_CONFIG: {failureThreshold: 3, timeout: 3000, maxTimeout: 15000, successThreshold: 2,'
                ' monitoringWindow: 30000, name: read-database}',
    'seed-001-alone': 'failureThreshold: 3\ntimeout: 3000\nname: x',
    'seed-002': 'circuit_breakers:\n  enabled: true\n  global_settings: {max_circuit_breakers: 50, auto_create_enabled: true,'
                ' metrics_collection_interval_seconds: 30, min_state_transition_interval_seconds: 1}\n'
                '  default_config: {failure_threshold: 5, timeout_seconds: 30, success_threshold: 2}\n'
                '  component_configs: {pgmq: {failure_threshold: 3, timeout_seconds: 15, success_threshold: 2}}',
    'seed-004': 'service_id: x\nstrategy_type: adaptive\nfailure_threshold: 5\nfeature_priorities: {a: 100, b: 50}',
}


class Loader(yaml.SafeLoader):
    """As editors read YAML 1.2: yes, no and off are words."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag not in ('tag:yaml.org,2002:bool', 'tag:yaml.org,2002:int')]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for tag, pattern, first in (('bool', r'^(true|false)$', 'tf'), ('int', r'^-?[0-9]+$', '-0123456789')):
    Loader.add_implicit_resolver(f'tag:yaml.org,2002:{tag}', re.compile(pattern), list(first))


def a_good_file():
    result = run(write('good.yaml', EXAMPLE))
    require(result.returncode == 0, result)
    require(result.stdout.startswith('good.yaml: good: 3 circuits, 1 pattern, 2 alerts, 1 receiver; environment testing'), result.stdout)
    require('good.yaml:10:3: circuits.pg-main.fallback: warning: nothing stands in' in result.stderr, result.stderr)
    require(run('good.yaml', '--quiet').stdout == '' and run('good.yaml', '--quiet').stderr == '', 'quiet')
    told = json.loads(run('good.yaml', '--json').stdout)
    require(told['good'] and told['circuits'] == 3 and told['patterns'] == 1 and told['environment'] == 'testing', told)
    require({'line': 10, 'column': 3, 'key': 'circuits.pg-main.fallback',
             'text': 'nothing stands in for an answer while it is open'} in told['warnings'], told)
    require('environment staging' in run('good.yaml', '--environment', 'staging').stdout, 'staging')
    require(run('good.yaml', '--environment', 'stagin').returncode == 78, 'an unknown environment')


def the_usual_places():
    require('good.yaml: good' in run(SWITCHGEAR_CONFIG='good.yaml').stdout, 'SWITCHGEAR_CONFIG')
    require(run(SWITCHGEAR_CONFIG='none.yaml').returncode == 78, 'a file that is not there')
    require('cannot read none.yaml: No such file' in run('none.yaml').stderr, 'and it says so')


def a_wrong_file():
    result = run(write('wrong.yaml', 'circuits:\n  a: { retry: { attempts: 0 }, zzz: 1 }\n  b: { timeout: 3 }\n'))
    require(result.returncode == 78 and result.stdout == '', result)
    lines = result.stderr.splitlines()
    require(lines[0] == 'wrong.yaml:2:27: circuits.a.retry.attempts: 0 is out of range; allowed: 1..63', lines)
    require(lines[1].startswith('wrong.yaml:2:32: circuits.a.zzz: unknown key'), lines)
    require(lines[2].startswith('wrong.yaml:3:17: circuits.b.timeout: "3" is not a duration'), lines)
    require(lines[3] == 'switchgear: wrong.yaml: 3 errors, nothing of it can be used', lines)
    result = run('wrong.yaml', '--json')
    told = json.loads(result.stdout)
    require(result.returncode == 78 and not told['good'] and len(told['errors']) == 3 and told['errors'][0]['line'] == 2, told)
    write('large.yaml', '# much of it\n' * 400000)
    require(run('large.yaml').stderr.splitlines()[0] ==
            'large.yaml:322639:11: the text goes on where 4194304 bytes of it end; allowed: 4194304 bytes, all in all', run('large.yaml'))
    os.mkdir('folder.yaml')
    require(run('folder.yaml').stderr.splitlines()[0] ==
            'cannot read folder.yaml: Is a directory; name a file in it, such as switchgear.yaml', run('folder.yaml'))
    write('wrong.yaml', 'circuits: { "\x1b[31m": 1 }\n')
    require('\x1b' not in run('wrong.yaml').stderr, 'control characters')


def settings(*arguments):
    result = run('--print', '--json', *arguments)
    require(result.returncode == 0, result)
    return {circuit['name']: (circuit['max'], circuit['alias'], circuit['owner'], circuit['depends_on'],
                              {key: value['value'] for key, value in circuit['settings'].items() if not value.get('idle')})
            for circuit in json.loads(result.stdout)['circuits']}


def as_far_as_told(printed, again):
    """What does nothing is not printed, and has its default in what is read again."""
    return {name: (*again[name][:4], {key: again[name][4][key] for key in printed[name][4]}) for name in printed}


def what_is_printed_comes_to_the_same():
    for name, text in {'good.yaml': EXAMPLE, **SEEDS}.items():
        write(name, text)
        for more in ((), ('--verbose',)):
            printed = run('--print', name, *more)
            require(printed.returncode == 0, name, printed.stderr)
            again = run(write('again.yaml', printed.stdout))
            require(again.returncode == 0, name, again.stderr, printed.stdout)
            require(settings(name) == as_far_as_told(settings(name), settings('again.yaml')), name, more)
            require(run('--print', 'again.yaml', *more).stdout.count('\n') >= printed.stdout.count('\n') - 1, name)
    told = json.loads(run('--print', '--json', 'good.yaml').stdout)
    read = next(c for c in told['circuits'] if c['name'] == 'read-database')['settings']
    require(read['timeout.attempt'] == {'value': '3s', 'from': 'line 21', 'line': 21}, read['timeout.attempt'])
    require(read['breaker.open.multiplier'] == {'value': '2', 'from': 'preset read'}, read['breaker.open.multiplier'])
    require(read['breaker.open.for'] == {'value': '200ms', 'from': 'environment testing'}, read['breaker.open.for'])
    require(read['retry.attempts'] == {'value': '1', 'from': 'default'}, read['retry.attempts'])


def each_rule_has_its_line():
    """Rules are told in the breaker's order, each with the line it stands in; what a rule leaves out stands in none."""
    write('rules.yaml', 'circuits:\n  a:\n    breaker:\n      trip:\n        - { failure_rate: { percent: 40 } }\n'
          '        - failures:\n            weight: 9\n            window: 20s\n        - { consecutive: 4 }\n')
    lines = [line.split() for line in run('--print', 'rules.yaml').stdout.splitlines()]
    for key, value, place in (('consecutive:', '4', 'line 9'), ('percent:', '40', 'line 5'), ('weight:', '9', 'line 7'),
                              ('window:', '20s', 'line 8'), ('calls_min:', '10', 'default')):
        require([key, value, '#', *place.split()] in [line[-len(place.split()) - 3:] for line in lines], key, lines)
    told = json.loads(run('--print', '--json', 'rules.yaml').stdout)['circuits'][0]['settings']
    require(told['breaker.trip.1.failure_rate.percent'] == {'value': '40', 'from': 'line 5', 'line': 5}, told)


def what_another_form_says_in_vain():
    write('queue.yaml', SEEDS['seed-000'])
    result = run('queue.yaml', '--print')
    require(result.returncode == 0 and 'max_queue' not in result.stdout, result)
    require(re.search(r'^queue.yaml:1:\d+: circuits.alternator.bulkhead.max_queue: warning: concurrency.maxQueue "5" does nothing; it needs'
                      r' bulkhead.when_busy wait \(concurrency.queueBehavior\)$', result.stderr, re.M), result.stderr)
    require('maxQueue' not in run(write('queue.yaml', SEEDS['seed-000'].replace('"queueBehavior": "reject"', '"queueBehavior": "wait"'))).stderr,
            'a queue that is waited in')


def the_schema():
    schema = json.loads(run('--schema').stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    page = open(os.path.join(ROOT, 'docs/man/switchgear.yaml.5.scd'), encoding='utf-8').read()
    example = page.split('```')[1]
    require(run(write('page.yaml', example)).returncode == 0, 'the example of the page', run('page.yaml').stderr)
    for name, text in {'good.yaml': EXAMPLE, 'page.yaml': example, **SEEDS}.items():
        errors = [error.message for error in validator.iter_errors(yaml.load(text, Loader))]
        require(not errors, name, errors)
    for wrong in ('circuit: {}', 'circuits: { a: { presett: read } }', 'circuits: { a: { preset: raed } }',
                  'circuits: { a: { retry: { attempts: 0 } } }', 'circuits: { a: { timeout: 3x } }', 'circuits: { "a b": {} }',
                  'circuits: { a: { breaker: { trip: [ { consecutiv: 1 } ] } } }', 'alerts: [ { name: x } ]',
                  'agent: { log: xml }', 'receivers: { a: { kind: fax } }', 'limits: { circuits_max: many }'):
        require(not validator.is_valid(yaml.load(wrong, Loader)), 'the schema takes', wrong)
        require(run(write('wrong.yaml', wrong)).returncode == 78, 'the program takes', wrong)


def the_manual():
    page = open(os.path.join(ROOT, 'docs/man/switchgear.yaml.5.scd'), encoding='utf-8').read()
    require(run('--manual').stdout in page, 'switchgear.yaml(5) is not of these tables: docs/man/tables.sh writes it')


def the_shipped_file():
    for environment in ('production', 'testing', 'development'):
        result = run(os.path.join(ROOT, 'packaging/switchgear.yaml'), '--environment', environment)
        require(result.returncode == 0 and result.stderr == '', 'packaging/switchgear.yaml', result)


def explanations():
    result = run('--explain', 'breaker.open.for')
    require(result.stdout == 'breaker.open.for\n    allowed: 1ms..30d\n    default: 30s\n'
            '    how long it stays open after the first trip\n', result.stdout)
    require('agent.listen' in run('--explain').stdout and 'breaker.trip.N.consecutive' in run('--explain').stdout, 'all of it')
    require('circuits.NAME.owner' in run('--explain', 'owner').stdout, 'owner')
    require(run('--explain', 'breaker.trip.failures').stdout.count('breaker.trip.N.failures.') == 3, 'the rules of one kind')
    result = run('--explain', 'agent.listn')
    require(result.returncode == 64 and "did you mean 'agent.listen'" in result.stderr, result)


def the_files_it_names():
    """Are not looked at, and the help and the manual say which."""
    named = {line.split('.')[-1] for line in run('--explain').stdout.splitlines() if re.fullmatch(r'\S+_file', line)}
    require(len(named) == 5, named)
    manual = open(os.path.join(ROOT, 'docs/man/switchgear.1.scd'), encoding='utf-8').read()
    for key in named:
        require(key in run('--help').stdout and f'_{key}_' in manual, key)
    write('files.yaml', 'agent: { tokens_file: /nosuch }\n'
          'receivers: { a: { kind: webhook, url: "https://a.example", token_file: /nosuch, template_file: /nosuch, ca_file: /nosuch },'
          ' b: { kind: webhook, url_file: /nosuch } }\n')
    require(run('files.yaml').returncode == 0, run('files.yaml').stderr)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for story in (a_good_file, the_usual_places, a_wrong_file, what_is_printed_comes_to_the_same, each_rule_has_its_line, what_another_form_says_in_vain, the_schema, the_manual, the_shipped_file, explanations,
                  the_files_it_names):
        story()
