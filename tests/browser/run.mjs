// The dashboard in a real browser on a real agent. Each story begins where the one before ended; the last line counts them.
import fs from 'node:fs';
import path from 'node:path';
import {
    axeSource, closePage, command, endWorld, killAgent, makeToken, offences, openPage, origin, requests, startAgent, startDriver, stopDriver, tell, tokens, until,
} from './world.mjs';

const shots = process.env.SHOTS;
let passed = 0, failed = 0, page = null;

function is(wanted, found, what) {
    if (JSON.stringify(wanted) !== JSON.stringify(found)) throw new Error(`${what}: wanted ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`);
}
function holds(condition, what) {
    if (!condition) throw new Error(what);
}

async function story(what, tellIt) {
    const begin = Date.now();
    try {
        await tellIt();
        passed++;
        console.log(`PASS ${what} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
    } catch (error) {
        failed++;
        console.log(`FAIL ${what}\n${error.stack}`);
        await page?.screenshot({ path: path.join(shots, `failed-${failed}.png`) }).catch(() => {});
        // The next story is not to fail for a dialog that this one left open.
        for (let i = 0; i < 3 && (await page?.locator('dialog[open]').count()) > 0; i++) await page.keyboard.press('Escape');
    }
}

const shoot = (name) => page.screenshot({ path: path.join(shots, `${name}.png`) });
const row = (name) => page.locator('tr.row', { has: page.locator(`[data-circuit="${name}"]`) });
const says = (locator, pattern) => until(async () => pattern.test((await locator.allInnerTexts()).join('\n')), `${pattern}`, async () => JSON.stringify(await locator.allInnerTexts()));
const isState = (name, state) => says(row(name).locator('.state-word'), new RegExp(`^${state}$`));
const names = () => page.locator('tr.row .name').allInnerTexts();
const focused = () => page.evaluate(() => document.activeElement.dataset.circuit ?? document.activeElement.id ?? '');
const dialog = () => page.locator('dialog[open]').last();
const noDialog = () => until(async () => (await page.locator('dialog[open]').count()) === 0, 'the dialog to close');

async function press(...keys) {
    for (const key of keys) await page.keyboard.press(key);
}

async function accessible(where) {
    await page.evaluate(axeSource);
    const found = await page.evaluate(async () => {
        const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
        return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 120)} (${node.failureSummary})`).join('; ')}`);
    });
    is([], found, `what axe found serious in ${where}`);
}

async function enterToken(token) {
    await until(async () => (await dialog().locator('#token').count()) === 1, 'to be asked for a token');
    await page.fill('#token', token);
    await press('Enter');
}

async function act(key, reason) {
    await press(key);
    await until(async () => (await dialog().locator('#act-reason').count()) === 1, `the dialog of ${key}`);
    if (reason !== undefined) await page.fill('#act-reason', reason);
}

async function select(name) {
    await page.evaluate((to) => { location.hash = `circuit=${to}`; }, name);
    await says(page.locator('#detail-title'), new RegExp(`^${name}$`));
}

// ---- the stories

async function shows() {
    page = await openPage();
    await says(page.locator('.connection'), /^Live$/);
    await until(async () => (await names()).length === 24, 'all circuits to be there', async () => (await names()).join());
    await isState('payments', 'CLOSED');
    await says(row('payments').locator('.c-calls .figure'), /[1-9]/);
    await says(row('payments').locator('.c-p99 .figure'), /ms/);
}

async function updates() {
    await tell('fail', 'payments');
    await isState('payments', 'OPEN');
    is('payments', (await names())[0], 'the worst comes first');
    await says(row('payments').locator('.c-next'), /^probes in \d/);
    await says(row('payments').locator('.c-rejected'), /[1-9]/);
    await says(page.locator('.alert-bar'), /alert.* firing/);
    holds(/^\(1\) /.test(await page.title()), `the title counts what is open: ${await page.title()}`);
    await says(page.locator('.unseen[role=status]'), /payments is OPEN/);
}

async function explains() {
    await page.locator('body').click({ position: { x: 3, y: 3 } });
    await press('j');
    is('payments', await focused(), 'j goes to the first circuit');
    await press('j', 'k', 'Enter');
    await says(page.locator('#detail-title'), /^payments$/);
    await until(async () => (await focused()) === 'detail-title', 'the heading to have the focus');
    const why = page.locator('section[aria-labelledby=d-why]');
    await says(why, /Tripped .* ago: failures in a row, measured 5, limit 5/);
    await says(why.locator('.rule').first(), /failures in a row >= 5[^]*of 5/);
    await says(why, /refused \(111\)[^]*<img src=x onerror=alert\(1\)> said no/);
    is(0, await page.locator('.detail img').count(), 'text of an error stays text');
    await says(page.locator('section[aria-labelledby=d-timeline]'), /CLOSED → OPEN/);
    await says(page.locator('.about'), /data-platform[^]*wiki\.example[^]*ledger/);
    await says(page.locator('.alerts.inside'), /critical/);
    await until(async () => (await page.locator('.plot canvas').count()) === 4, 'the charts');
    await shoot('dark-detail');
}

async function asksForAToken() {
    await act('r');
    await press('Enter');
    await says(dialog(), /Say why/);
    await page.fill('#act-reason', 'it works again');
    await tell('heal', 'payments');
    await press('Enter');
    await enterToken('swg_this-is-nobodys');
    await says(dialog(), /does not know this token/);
    await isState('payments', 'OPEN');
    await page.fill('#token', tokens.ada);
    await press('Enter');
    await isState('payments', 'CLOSED');
    await noDialog();
    await says(page.locator('.toasts'), /payments: CLOSED \(was OPEN\)/);
    await says(page.locator('.tools'), /ada \(operator\)/);
    await says(page.locator('section[aria-labelledby=d-audit]'), /RESET[^]*ada[^]*it works again/);
    const kept = await page.evaluate(() => ({ session: Object.values(sessionStorage), local: Object.values(localStorage), cookie: document.cookie, url: location.href }));
    is([tokens.ada], kept.session, 'the session keeps the token');
    holds(!JSON.stringify([kept.local, kept.cookie, kept.url]).includes(tokens.ada), 'and nothing else does');
}

async function trips() {
    await act('t', 'planned work');
    await page.fill('#act-for', 'soon');
    await press('Enter');
    await says(dialog(), /A number and a unit/);
    await page.fill('#act-for', '30m');
    await press('Enter');
    await noDialog();
    await isState('payments', 'OPEN');
    await says(page.locator('.detail-head'), /probes in (29|30) min/);
    await says(page.locator('section[aria-labelledby=d-why]'), /by hand, by ada: planned work/);
    await tell('stop', 'payments');
    await act('p', 'done early');
    await press('Enter');
    await noDialog();
    await isState('payments', 'HALF OPEN');
    await tell('hold', 'payments');
    await says(page.locator('section[aria-labelledby=d-holders]'), /driver[^]*a probe/);
    await says(row('payments').locator('.c-next'), /0 of 2 probes good/);
    await act('r', 'enough seen');
    await press('Enter');
    await noDialog();
    await isState('payments', 'CLOSED');
    await tell('heal', 'payments');
    const told = JSON.parse(command('status', 'payments', '--json'));
    is('CLOSED', (told.circuits?.[0] ?? told).state, 'the panel says so, too');
}

async function changesModes() {
    for (const [key, word] of [['i', 'ISOLATED'], ['d', 'DISABLED'], ['s', 'SHADOW']]) {
        await act(key, `to see ${word}`);
        await page.fill('#act-for', '5m');
        await press('Enter');
        await noDialog();
        await isState('payments', word);
    }
    await says(page.locator('.detail-head'), /ends in (4|5) min/);
    await act('n', 'seen');
    await press('Enter');
    await noDialog();
    await isState('payments', 'CLOSED');
}

async function respectsCooldown() {
    await tell('fail', 'guarded');
    await isState('guarded', 'OPEN');
    await tell('heal', 'guarded');
    await select('guarded');
    await act('r', 'too early');
    await press('Enter');
    await says(dialog().locator('.answer'), /cools? ?down/i);
    await isState('guarded', 'OPEN');
    await page.check('input[name=force]');
    await page.focus('#act-reason');
    await press('Enter');
    await noDialog();
    await isState('guarded', 'CLOSED');
}

async function forgetsTheToken() {
    await page.click('.tool[title="Forget the token"]');
    await until(async () => (await page.evaluate(() => sessionStorage.length)) === 0, 'the token to be forgotten');
    await says(page.locator('.connection'), /^Live$/);
    await act('t', 'as somebody who may only look');
    await press('Enter');
    await enterToken(tokens.bob);
    await says(dialog().locator('.answer'), /operator/);
    await isState('guarded', 'CLOSED');
    await press('Escape');
    await noDialog();
}

async function worksByKeyboard() {
    await press('Escape');
    await until(async () => (await page.locator('.detail').count()) === 0, 'the details to close');
    is('guarded', await focused(), 'the focus is back on the row');
    await press('/');
    await page.keyboard.type('sear');
    await until(async () => (await names()).join() === 'search', 'search alone', async () => (await names()).join());
    await press('Enter');
    is('search', await focused(), 'Enter goes to what matches');
    await press('/', 'Escape');
    await until(async () => (await names()).length > 1, 'the filter to be emptied');
    await press('g');
    const first = await focused();
    await press('G');
    const all = await names();
    is([all[0], all[all.length - 1]], [first, await focused()], 'g and G go to the ends');
    await press('?');
    await says(dialog(), /Keyboard/);
    await press('Escape');
    await noDialog();
    is(all[all.length - 1], await focused(), 'the focus is back where it was');
    // Nothing but Tab: from the top to the table, and out of it again with one more.
    await page.evaluate(() => document.activeElement.blur());
    const passedBy = [];
    await until(async () => {
        await press('Tab');
        passedBy.push(await page.evaluate(() => document.activeElement.className || document.activeElement.tagName));
        return passedBy[passedBy.length - 1] === 'name';
    }, 'Tab to come to the table', () => passedBy.join());
    await press('Tab');
    holds(!(await focused()) || !(await names()).includes(await focused()), 'the table is one stop');
}

async function survivesTheAgent() {
    await select('search');
    await tell('fail', 'search');
    await isState('search', 'OPEN');
    await killAgent();
    await says(page.locator('.connection'), /Reconnecting[^]*data .* old/);
    command('reset', 'search', '--reason', 'while nobody looked', '--user', 'eve');
    await until(() => JSON.parse(command('why', 'search', '--json')).last_transitions.filter(({ kind, to }) => kind === 'transition' && to === 'OPEN').length === 2, 'search to trip again');
    command('trip', 'ledger', '--reason', 'tripped in the dark', '--user', 'eve');
    await says(page.locator('.banner'), /agent does not answer/);
    await accessible('a page whose agent is gone');
    requests.length = 0;
    await startAgent();
    await says(page.locator('.connection'), /^Live$/);
    const resumed = requests.find(({ url, headers }) => url.includes('/v1/events') && headers['last-event-id']);
    holds(resumed, 'it resumed after the last event it had seen');
    const events = page.locator('section[aria-labelledby=d-timeline] .event');
    await says(events, /reset by eve[^]*while nobody looked/);
    const all = await events.allInnerTexts();
    is(1, all.filter((text) => /while nobody looked/.test(text)).length, 'each event once');
    is(2, all.filter((text) => /CLOSED → OPEN/.test(text)).length, 'and none is lost');
    await isState('ledger', 'OPEN');
    is(0, await page.locator('.banner').count(), 'the banner is gone');
}

async function isAccessible(scheme) {
    await closePage(page);
    page = await openPage({ scheme });
    await isState('search', 'OPEN');
    await accessible(`the ${scheme} list`);
    await shoot(`${scheme}-list`);
    await press('j', 'Enter');
    await says(page.locator('section[aria-labelledby=d-why]'), /Tripped/);
    await until(async () => (await page.locator('section[aria-labelledby=d-audit] tr').count()) > 1, 'the audit');
    await page.click('.alert-bar summary');
    await accessible(`the ${scheme} details and alerts`);
    await page.click('.alert-bar summary');
    await act('i');
    await press('Enter');
    await says(dialog(), /Say why/);
    await accessible(`the ${scheme} dialog`);
    await shoot(`${scheme}-dialog`);
    await press('Escape');
    await press('?');
    await says(dialog(), /Keyboard/);
    await accessible(`the ${scheme} help`);
    await press('Escape');
    await noDialog();
}

async function changesTheme() {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.click('[aria-label="Change to dark"]');
    await until(async () => (await background()) !== light, 'the page to turn dark');
    await page.reload();
    await says(page.locator('.connection'), /^Live$/);
    holds((await background()) !== light, 'and to stay so');
}

async function fitsNarrow() {
    await closePage(page);
    page = await openPage({ scheme: 'light', width: 360, height: 640 });
    await isState('search', '(OPEN)?');
    const over = () => page.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth);
    is(0, await over(), 'the list is no wider than the window');
    await row('search').click();
    await says(page.locator('#detail-title'), /^search$/);
    is(0, await over(), 'nor are the details');
    await accessible('the narrow details');
    await shoot('narrow');
}

async function showsMany() {
    await closePage(page);
    await stopDriver();
    await startDriver(500);
    page = await openPage();
    await until(async () => (await page.locator('table.circuits').getAttribute('aria-rowcount')) === '501', '500 circuits');
    holds((await page.locator('tr.row').count()) < 150, 'rows that cannot be seen are not made');
    await tell('fail', 'service-490');
    await isState('service-490', 'OPEN');
    is(['ledger', 'search', 'service-490'], (await names()).slice(0, 3), 'the open ones come first');
    await page.locator('body').click({ position: { x: 3, y: 3 } });
    await press('g', 'G');
    await until(async () => (await focused()) === 'service-499', 'the last to have the focus', focused);
    const seen = await row('service-499').boundingBox();
    holds(seen && seen.y > 0 && seen.y + seen.height <= 900.5, `the last is in view: ${JSON.stringify(seen)}`);
    await press('k');
    await until(async () => (await focused()) === 'service-498', 'the one before it', focused);
    await page.fill('.search input', 'service-49');
    await until(async () => (await names()).length === 10, 'ten that match');
    await page.fill('.search input', '');
    await page.click('.filter:has-text("open")');
    await until(async () => (await names()).length <= 3 && (await names()).includes('service-490'), 'only those that are open');
    await page.click('.filter:has-text("open")');
    await press('g');
    await accessible('the list of 500');
    await shoot('500-circuits');
}

async function keepsOthersOut() {
    await closePage(page);
    await killAgent();
    await startAgent({ publicReads: false });
    page = await openPage();
    await says(page.locator('.connection'), /^Token needed$/);
    await enterToken('swg_no');
    await says(dialog(), /does not know this token/);
    is(0, await page.locator('tr.row').count(), 'nothing is shown');
    await page.fill('#token', tokens.bob);
    await press('Enter');
    await says(page.locator('.connection'), /^Live$/);
    await until(async () => (await names()).length > 50, 'the circuits');
    await page.reload();
    await says(page.locator('.connection'), /^Live$/);
}

async function behaved() {
    await closePage(page);
    is([], offences, 'what no page may do');
    holds(requests.length > 20 && requests.every(({ url }) => url.startsWith(origin())), 'all requests went to the agent');
}

fs.mkdirSync(shots, { recursive: true });
try {
    makeToken('ada', 'operator');
    makeToken('bob', 'viewer');
    await startAgent();
    await startDriver(24);
    await story('all circuits, live', shows);
    await story('a circuit that trips is seen at once, first and said aloud', updates);
    await story('why it tripped, by keyboard', explains);
    await story('reset: reason, wrong token, right token, audit', asksForAToken);
    await story('trip for a time, and probe', trips);
    await story('isolate, disable, shadow and back', changesModes);
    await story('the cooldown holds unless forced', respectsCooldown);
    await story('the token is forgotten, and a viewer may only look', forgetsTheToken);
    await story('everything by keyboard', worksByKeyboard);
    await story('the agent dies and comes back: no event is lost', survivesTheAgent);
    await story('nothing serious for axe, dark', () => isAccessible('dark'));
    await story('nothing serious for axe, light', () => isAccessible('light'));
    await story('the other theme, kept', changesTheme);
    await story('narrow', fitsNarrow);
    await story('500 circuits', showsMany);
    await story('no token, no sight', keepsOthersOut);
    await story('no other origin, no violation, no error, no token in an address', behaved);
} finally {
    await endWorld();
}
console.log(`screenshots: ${shots}`);
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed ? 1 : 0;
