// The last minutes of every circuit, one value a second, in rings that share their instants.

export const HISTORY = 300;
export const SERIES = ['calls', 'failing', 'rejected', 'inFlight', 'p50', 'p99', 'state'];

const times = new Float64Array(HISTORY).fill(NaN);
let head = 0; // where the next second goes
let known = 0;

export function createSeries() {
    return Object.fromEntries(SERIES.map((name) => [name, new Float32Array(HISTORY).fill(NaN)]));
}

// A new second for all: what nobody writes to it stays unknown.
export function beginSecond(ms, all) {
    const at = head;
    times[at] = ms;
    for (const series of all) {
        for (const name of SERIES) series[name][at] = NaN;
    }
    head = (head + 1) % HISTORY;
    known = Math.min(known + 1, HISTORY);
    return at;
}

// As many seconds as there are, within these bounds: a page just opened is to show something.
export const span = (least, most) => Math.min(most, Math.max(least, known));

// The newest `length` values, oldest first.
export function newest(ring, length, out = new Array(length)) {
    for (let i = 0, at = (head + HISTORY - length) % HISTORY; i < length; i++, at = at + 1 === HISTORY ? 0 : at + 1) out[i] = ring[at];
    return out;
}

// [instants in s, one array per name], without the seconds before the page was opened; unknown values are null.
export function columns(series, names) {
    const all = newest(times, HISTORY);
    const first = all.findIndex((ms) => !Number.isNaN(ms));
    if (first < 0) return [[], ...names.map(() => [])];
    const known = (name) => newest(series[name], HISTORY).slice(first).map((value) => (Number.isNaN(value) ? null : value));
    return [all.slice(first).map((ms) => ms / 1000), ...names.map(known)];
}
