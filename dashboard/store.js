// What the page knows: circuits, their last minutes, events, alerts, and how fresh all that is.
//
// Three sources meet here. A tick a second says how everybody is. An event says that something happened, and makes us ask for that
// circuit's whole status. And a full listing now and then holds what neither says, so that nothing can stay wrong for long.
import { circuitPath, hasToken, request } from './api.js';
import { beginSecond, createSeries } from './history.js';
import { follow } from './stream.js';
import { STATES, stateOf } from './words.js';

const LISTING_MS = 20000;
const ALERTS_MS = 10000;
const ALERTS_SOON_MS = 4000; // after something happened, they are asked for every second
const HALF_OPEN_MS = 2000;
const FEW = 8; // more circuits than that to ask for: one listing is cheaper
const EVENTS_KEPT = 40;
const GONE_MS = 10000;
const LATE_S = 2;
const SETTLED_MS = 400;
const MOVES = ['transition', 'trip', 'reset', 'probe'];
const STATE_NUMBERS = Object.fromEntries(Object.keys(STATES).map((word, i) => [word, i]));

export const store = {
    circuits: new Map(),
    alerts: [],
    // connecting | live | reconnecting | gone | denied
    connection: { state: 'connecting', since: performance.now(), error: '', nextTry: 0, dataAt: 0, dataWallMs: 0 },
    who: null,
    ticks: 0,
};

const listeners = new Set();
const stateListeners = new Set();
const eventListeners = new Set();
let stream = null;
let renderDue = false;

export function subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}
export const onStateChange = (listener) => stateListeners.add(listener);
export function onEvent(listener) {
    eventListeners.add(listener);
    return () => eventListeners.delete(listener);
}

// Listeners hear of any number of changes once a frame; a hidden page has no frames and no need.
export function changed() {
    if (renderDue) return;
    renderDue = true;
    requestAnimationFrame(() => {
        renderDue = false;
        listeners.forEach((listener) => listener());
    });
}

function create(name) {
    const circuit = {
        name, state: 'CLOSED', mode: 'normal', shown: STATES.CLOSED, status: null, statusAt: 0, series: createSeries(), events: [],
        version: 0, changedAt: 0, movedAt: 0, callsPerS: null, failing: null, rejectedPerS: null, inFlight: null, p50: null, p99: null,
    };
    store.circuits.set(name, circuit);
    return circuit;
}

function setState(circuit, state, mode, isFirst) {
    const before = circuit.shown;
    circuit.state = state;
    circuit.mode = mode;
    circuit.shown = stateOf(state, mode);
    if (isFirst || before.word === circuit.shown.word) return;
    circuit.changedAt = performance.now();
    stateListeners.forEach((listener) => listener(circuit, before));
}

// began: when the agent was asked. An answer that an event overtook says how it was before.
function takeStatus(status, began) {
    const known = store.circuits.get(status.name);
    const circuit = known ?? create(status.name);
    if (circuit.movedAt > began) {
        want(status.name);
        return;
    }
    const { measures } = status;
    setState(circuit, status.state, status.mode, !known);
    circuit.status = status;
    circuit.statusAt = performance.now();
    circuit.callsPerS = measures?.calls_per_s ?? circuit.callsPerS;
    circuit.failing = measures ? measures.failure_rate_1m : circuit.failing;
    circuit.rejectedPerS = measures?.rejected_per_s ?? circuit.rejectedPerS;
    circuit.inFlight = status.in_flight;
    circuit.p50 = status.latency?.p50_seconds ?? null;
    circuit.p99 = status.latency?.p99_seconds ?? null;
    circuit.version++;
}

function forgetMissing(names) {
    for (const name of store.circuits.keys()) {
        if (!names.has(name)) store.circuits.delete(name);
    }
}

function fresh(wallMs) {
    store.connection.dataAt = performance.now();
    store.connection.dataWallMs = wallMs;
}

function takeTickOf(live, at) {
    const circuit = store.circuits.get(live.name);
    if (!circuit) return false;
    // A tick is measured a moment before it is sent: an event beside it knows better.
    if (performance.now() - circuit.movedAt > SETTLED_MS) setState(circuit, live.state, live.mode, false);
    Object.assign(circuit, {
        callsPerS: live.calls_per_s, failing: live.failure_rate_1m, rejectedPerS: live.rejected_per_s, inFlight: live.in_flight,
        p50: live.p50_s, p99: live.p99_s,
    });
    const { series } = circuit;
    series.calls[at] = live.calls_per_s ?? NaN;
    series.failing[at] = live.failure_rate_1m ?? NaN;
    series.rejected[at] = live.rejected_per_s ?? NaN;
    series.inFlight[at] = live.in_flight ?? NaN;
    series.p50[at] = live.p50_s ?? NaN;
    series.p99[at] = live.p99_s ?? NaN;
    series.state[at] = STATE_NUMBERS[circuit.shown.word] ?? NaN;
    circuit.version++;
    if (circuit.status && circuit.status.state !== circuit.state) want(circuit.name);
    return true;
}

function takeTick(tick) {
    const all = [...store.circuits.values()].map((circuit) => circuit.series);
    const at = beginSecond(tick.now_unix_ms, all);
    const unknown = tick.circuits.filter((live) => !takeTickOf(live, at));
    if (unknown.length) wantListing();
    forgetMissing(new Set(tick.circuits.map((live) => live.name)));
    store.ticks++;
    fresh(tick.now_unix_ms);
}

// ---- asking for more

const wanted = new Set();
let listingWanted = false, asking = false, wantTimer = 0, listedAt = 0, alertsAt = 0, alertsUntil = 0;

function schedule() {
    if (!wantTimer) wantTimer = setTimeout(ask, 150);
}

export function want(name) {
    wanted.add(name);
    schedule();
}

export function wantListing() {
    listingWanted = true;
    schedule();
}

async function list() {
    const began = performance.now();
    const listing = await request('v1/circuits');
    listing.circuits.forEach((status) => takeStatus(status, began));
    forgetMissing(new Set(listing.circuits.map((status) => status.name)));
    listedAt = performance.now();
    fresh(listing.now_unix_ms);
}

async function askOne(name) {
    const began = performance.now();
    try {
        takeStatus(await request(circuitPath(name)), began);
    } catch (error) {
        if (error.status === 404) store.circuits.delete(name);
        else throw error;
    }
}

async function ask() {
    wantTimer = 0;
    if (asking) return schedule();
    const names = [...wanted].filter((name) => store.circuits.has(name));
    wanted.clear();
    asking = true;
    try {
        if (listingWanted || names.length > FEW) {
            listingWanted = false;
            await list();
        } else {
            await Promise.all(names.map(askOne));
        }
    } catch (error) {
        if (error.status === 401) denied(error);
        // Anything else shows as silence of the stream, which asks for a listing when it is back.
    } finally {
        asking = false;
        changed();
    }
}

async function askAlerts() {
    alertsAt = performance.now();
    try {
        store.alerts = (await request('v1/alerts')).alerts;
        changed();
    } catch {
        // The stream will tell that nobody answers.
    }
}

export async function askWho() {
    try {
        store.who = hasToken() ? await request('v1/whoami') : null;
    } catch {
        store.who = null;
    }
    changed();
}

// ---- the stream

function setConnection(state, more = {}) {
    if (store.connection.state !== state) store.connection.since = performance.now();
    Object.assign(store.connection, { state, error: '', nextTry: 0 }, more);
    changed();
}

function denied(error) {
    stream?.stop();
    stream = null;
    setConnection('denied', { error: error.message });
}

function takeMove(circuit, event) {
    circuit.movedAt = performance.now();
    if (event.kind === 'mode') setState(circuit, circuit.state, event.to, false);
    else if (MOVES.includes(event.kind)) setState(circuit, event.to, circuit.mode, false);
}

function takeEvent(event) {
    eventListeners.forEach((listener) => listener(event));
    if (event.kind === 'created' && !store.circuits.has(event.circuit)) return wantListing();
    const circuit = store.circuits.get(event.circuit);
    if (!circuit) return undefined;
    if (!circuit.events.some((other) => other.id === event.id && other.kind === event.kind)) {
        circuit.events.unshift(event);
        circuit.events.length = Math.min(circuit.events.length, EVENTS_KEPT);
    }
    if (event.to) alertsUntil = performance.now() + ALERTS_SOON_MS;
    // What a resumed stream tells late is history; how things are now, the next tick says.
    if (event.age_seconds < LATE_S) takeMove(circuit, event);
    circuit.version++;
    return want(event.circuit);
}

// The panel's ring overran us: what happened meanwhile is in the audit, and how things are now can be asked for.
function takeGap() {
    eventListeners.forEach((listener) => listener({ kind: 'gap', circuit: null, to: null }));
    wantListing();
}

function takeMessage({ event, data }) {
    const body = JSON.parse(data);
    if (event === 'tick') takeTick(body);
    else if (event === 'gap') takeGap();
    else takeEvent({ ...body, kind: body.kind ?? event });
    changed();
}

function lost(error, delay) {
    if (error.status === 401 || error.status === 403) return denied(error);
    const { dataAt } = store.connection;
    const quiet = performance.now() - (dataAt || store.connection.since);
    return setConnection(quiet > GONE_MS ? 'gone' : 'reconnecting', { error: error.message, nextTry: performance.now() + delay });
}

export function connect() {
    stream?.stop();
    setConnection('connecting');
    stream = follow('v1/events?ticks=1', {
        message: takeMessage,
        opened() {
            setConnection('live');
            wantListing();
            askAlerts();
            askWho();
        },
        lost,
    });
}

// Once a second: ages grow, countdowns fall, and what only asking tells is asked for.
function everySecond() {
    const now = performance.now();
    const { connection } = store;
    if (connection.state === 'reconnecting' && now - (connection.dataAt || connection.since) > GONE_MS) connection.state = 'gone';
    if (connection.state === 'live') {
        if (now - listedAt > LISTING_MS) wantListing();
        if (now < alertsUntil || now - alertsAt > ALERTS_MS) askAlerts();
        for (const circuit of store.circuits.values()) {
            if (circuit.state === 'HALF_OPEN' && now - circuit.statusAt > HALF_OPEN_MS) want(circuit.name);
        }
    }
    // As long as ticks come, they are what the page is drawn by.
    if (connection.state !== 'live' || now - connection.dataAt > 1500) changed();
}

export function start() {
    connect();
    setInterval(everySecond, 1000);
    const wake = () => {
        if (document.visibilityState === 'visible' && ['reconnecting', 'gone'].includes(store.connection.state)) stream?.again();
    };
    document.addEventListener('visibilitychange', wake);
    window.addEventListener('online', wake);
}
