// The world of the browser tests: a real agent on a panel in a folder of its own, a program that calls, a browser.
import { spawn, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

const need = createRequire(path.join(process.env.BROWSER_MODULES, 'package.json'));
const { chromium } = need('playwright-core');
export const axeSource = fs.readFileSync(need.resolve('axe-core/axe.min.js'), 'utf8');

const FLAGS = '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(' ');
export const BOUND_MS = 30000; // whatever is waited for: a busy machine is slow, a broken page is never

const program = path.join(process.env.BUILD, 'src/switchgear');
const driverProgram = path.join(process.env.BUILD, 'tests/browser-driver');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'switchgear-browser-'));
const inFolder = (name) => path.join(folder, name);
const running = new Set();

const YAML = (publicReads) => `panel: { path: ${inFolder('panel')}, circuits_max: 600 }
agent: { socket: ${inFolder('agent.sock')}, tokens_file: ${inFolder('tokens')}, database: ${inFolder('agent.db')}, public_reads: ${publicReads} }
circuits:
  payments:
    owner: data-platform
    runbook: https://wiki.example/payments
    depends_on: [ ledger ]
    breaker: { open: { for: 1h } }
  ledger:  { group: database, breaker: { open: { for: 1h } } }
  search:  { breaker: { open: { for: 1h } } }
  guarded: { breaker: { open: { for: 1h, cooldown: 1h } } }
alerts:
  - { name: circuit open, when: open, severity: critical }
`;

function start(what, args, options) {
    const child = spawn(what, args, options);
    running.add(child);
    child.on('exit', () => running.delete(child));
    return child;
}

function end(child) {
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    const gone = new Promise((done) => child.on('exit', done));
    child.kill('SIGKILL');
    return gone;
}

// The lines of a stream, and a promise for the first that matches.
function lines(stream) {
    const seen = [], waiting = [];
    readline.createInterface({ input: stream }).on('line', (line) => {
        seen.push(line);
        for (const { pattern, done } of waiting.splice(0)) {
            const match = pattern.exec(line);
            if (match) done(match);
            else waiting.push({ pattern, done });
        }
    });
    const wait = (pattern) => {
        const before = seen.map((line) => pattern.exec(line)).find(Boolean);
        return before ? Promise.resolve(before) : new Promise((done) => waiting.push({ pattern, done }));
    };
    return { seen, wait };
}

const bounded = (promise, what, more = () => '') => {
    let timer;
    const late = new Promise((_, fail) => {
        timer = setTimeout(() => fail(new Error(`waited in vain for ${what}${more()}`)), BOUND_MS);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

export const tokens = {};

export function makeToken(user, role) {
    const made = fs.openSync(inFolder('tokens'), 'a', 0o600);
    tokens[user] = execFileSync(program, ['agent', '--make-token', user, role], { encoding: 'utf8', stdio: ['ignore', 'pipe', made] }).trim();
    fs.closeSync(made);
}

let agent = null, port = 0;
export const origin = () => `http://127.0.0.1:${port}`;

export async function startAgent({ publicReads = true } = {}) {
    fs.writeFileSync(inFolder('switchgear.yaml'), YAML(publicReads));
    agent = start(program, ['agent', '-c', inFolder('switchgear.yaml'), '--listen', `127.0.0.1:${port}`], { stdio: ['ignore', 'inherit', 'pipe'] });
    const log = lines(agent.stderr);
    const ended = new Promise((_, fail) => agent.on('exit', (code) => fail(new Error(`the agent ended with ${code}:\n${log.seen.join('\n')}`))));
    ended.catch(() => {});
    const [, found] = await bounded(Promise.race([log.wait(/listening on http:\/\/127\.0\.0\.1:(\d+)\//), ended]), 'the agent', () => `\n${log.seen.join('\n')}`);
    port = Number(found);
}

export const killAgent = () => end(agent);

let driver = null, driverSays = null;

export async function startDriver(circuits) {
    driver = start(driverProgram, [inFolder('panel'), String(circuits)], { stdio: ['pipe', 'pipe', 'inherit'] });
    driverSays = lines(driver.stdout);
    await bounded(driverSays.wait(/^ready$/), 'the driver');
}

let told = 0;
export async function tell(what, name) {
    told++;
    driver.stdin.write(`${what} ${name}\n`);
    await until(() => driverSays.seen.filter((line) => line === 'done').length >= told, `the driver to ${what} ${name}`);
}

export const stopDriver = () => {
    told = 0;
    return end(driver);
};

export const command = (...args) => execFileSync(program, ['--panel', inFolder('panel'), ...args], { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });

// ---- waiting: for a condition, never for a time

export async function until(condition, what, sayMore) {
    const start = Date.now();
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (Date.now() - start > BOUND_MS) throw new Error(`waited in vain for ${what}${sayMore ? `: ${await sayMore()}` : ''}`);
        await new Promise((done) => setTimeout(done, 50));
    }
}

// ---- the browser, which notes whatever no page of ours may do

let browser = null;
export const offences = [];
export const requests = [];

async function watch(context) {
    await context.addInitScript(() => {
        window.violations = [];
        document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
    });
    context.on('request', (request) => {
        const url = new URL(request.url());
        requests.push({ url: url.href, headers: request.headers() });
        if (url.origin !== origin()) offences.push(`a request to ${url.href}`);
        if (Object.values(tokens).some((token) => url.href.includes(token))) offences.push('a token in an address');
    });
    context.on('weberror', (error) => offences.push(`an error in the page: ${error.error().stack}`));
    context.on('console', (message) => {
        // A refused or broken request is written there by the browser itself; the stories look at what the page makes of it.
        if (message.type() === 'error' && !/^Failed to load resource/.test(message.text())) offences.push(`on the console: ${message.text()}`);
    });
}

export async function openPage({ scheme = 'dark', width = 1440, height = 900, hash = '' } = {}) {
    browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height }, reducedMotion: 'reduce' });
    await watch(context);
    const page = await context.newPage();
    page.setDefaultTimeout(BOUND_MS);
    await page.goto(`${origin()}/${hash}`);
    return page;
}

export async function closePage(page) {
    offences.push(...(await page.evaluate(() => window.violations)).map((what) => `against the content security policy: ${what}`));
    await page.context().close();
}

export async function endWorld() {
    await browser?.close();
    for (const child of [...running]) await end(child);
    fs.rmSync(folder, { recursive: true, force: true });
}
