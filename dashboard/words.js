// What numbers and states mean to a person. The same words as the program's tables, so that nobody learns two languages.

export const STATES = {
    OPEN: { word: 'OPEN', rank: 0, tone: 'open', says: 'calls are turned away' },
    ISOLATED: { word: 'ISOLATED', rank: 0, tone: 'isolated', says: 'all calls are turned away, by hand' },
    HALF_OPEN: { word: 'HALF_OPEN', rank: 1, tone: 'half', says: 'a few calls probe whether it works again' },
    DISABLED: { word: 'DISABLED', rank: 2, tone: 'disabled', says: 'all calls are let through, it never trips' },
    SHADOW: { word: 'SHADOW', rank: 2, tone: 'shadow', says: 'all calls are let through, the breaker only watches' },
    CLOSED: { word: 'CLOSED', rank: 3, tone: 'closed', says: 'calls go through' },
};

const MODES = { forced_open: 'ISOLATED', forced_closed: 'DISABLED', shadow: 'SHADOW' };
const MODE_ACTS = { normal: 'normal', forced_open: 'isolated', forced_closed: 'disabled', shadow: 'shadow' };
const RULES = {
    consecutive: 'failures in a row',
    change: 'change detector',
    count_failure_rate: 'failure rate of the last calls',
    count_slow_rate: 'slow rate of the last calls',
    time_1: 'first rule on a time window',
    time_2: 'second rule on a time window',
    time_3: 'third rule on a time window',
    time_4: 'fourth rule on a time window',
    probe: 'its probes failed',
    hand: 'by hand',
};

const NARROW = '\u00a0'; // a blank that does not break
const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

// What calls meet: the mode where there is one, else the breaker's state.
export function stateOf(state, mode) {
    return STATES[MODES[mode] ?? state] ?? { word: String(state), rank: 1, tone: 'half', says: 'a state of another version' };
}

export const count = (value) => (isNumber(value) ? grouped.format(value) : '–');

// At most five columns: "9,999", "12.3k", "4.5M".
export function shortCount(value) {
    if (!isNumber(value)) return '–';
    let size = Math.abs(value);
    if (size < 10000) return grouped.format(value);
    for (const suffix of ['k', 'M', 'G', 'T']) {
        size /= 1000;
        if (size < 999.5) return size.toFixed(size < 99.95 ? 1 : 0) + suffix;
    }
    return size.toFixed(0) + 'T';
}

export function perSecond(value) {
    if (!isNumber(value)) return '–';
    if (value === 0) return '0';
    if (value < 0.1) return '<0.1';
    return value < 9.95 ? value.toFixed(1) : shortCount(Math.round(value));
}

export function share(value) {
    if (!isNumber(value) || value < 0) return '–';
    const percent = value * 100;
    if (percent > 0 && percent < 0.05) return `<0.1${NARROW}%`;
    return `${percent.toFixed(percent > 0 && percent < 9.95 ? 1 : 0)}${NARROW}%`;
}

export function latency(seconds) {
    if (!isNumber(seconds)) return '–';
    const units = [['s', 1], ['ms', 1e-3], ['µs', 1e-6], ['ns', 1e-9]];
    const [name, unit] = units.find(([, size]) => seconds >= size) ?? units[3];
    const value = seconds / unit;
    return `${value.toFixed(value < 9.95 && value % 1 ? 1 : 0)}${NARROW}${name}`;
}

export function duration(seconds) {
    if (!isNumber(seconds)) return '–';
    const whole = Math.max(0, seconds);
    if (whole < 120) return whole < 10 && whole >= 1 && whole % 1 >= 0.1 ? `${whole.toFixed(1)} s` : `${Math.floor(whole)} s`;
    const two = (large, largeName, small, smallName) => {
        const rounded = whole + small / 2;
        const rest = Math.floor((rounded % large) / small);
        return `${Math.floor(rounded / large)} ${largeName}${rest ? ` ${rest} ${smallName}` : ''}`;
    };
    if (whole < 600) return two(60, 'min', 1, 's');
    if (whole < 3600) return `${Math.round(whole / 60)} min`;
    return whole < 172800 ? two(3600, 'h', 60, 'min') : two(86400, 'days', 3600, 'h');
}

export const age = (seconds) => (!isNumber(seconds) ? 'never' : seconds < 1 ? 'just now' : `${duration(Math.floor(seconds))} ago`);

export function measured(value, asShare) {
    if (!isNumber(value)) return '–';
    if (asShare) return share(value);
    return Number.isInteger(value) ? grouped.format(value) : String(Number(value.toPrecision(3)));
}

export const clockTime = (ms) => clock.format(new Date(ms));

export function localTime(ms) {
    const date = new Date(ms);
    if (Number.isNaN(date.getTime())) return '?';
    const today = new Date().toDateString() === date.toDateString();
    return today ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}

export function utcTime(ms) {
    const date = new Date(ms);
    return Number.isNaN(date.getTime()) ? '' : `${date.toISOString().replace('T', ' ').slice(0, 19)} UTC`;
}

export const ruleWords = (rule) => RULES[rule] ?? 'a rule of another version';

function due(seconds, what) {
    return seconds <= 0 ? `${what} due now` : `${what} in ${duration(Math.ceil(seconds))}`;
}

function nextOfMode(circuit, elapsed) {
    const as = circuit.mode === 'shadow' ? `as if ${circuit.state}` : '';
    const left = circuit.status?.mode_remaining_seconds;
    const end = isNumber(left) ? due(left - elapsed, 'ends') : as ? '' : 'until undone';
    return [as, end].filter(Boolean).join('; ');
}

// What happens next: "probes in 12 s", "by hand only", "1 of 2 probes good", "ends in 5 min"; "" when nothing will.
export function nextStep(circuit, now) {
    const status = circuit.status;
    const elapsed = (now - circuit.statusAt) / 1000;
    if (circuit.mode !== 'normal') return nextOfMode(circuit, elapsed);
    // A status older than the state says nothing about it.
    if (!status || status.state !== circuit.state) return '';
    if (circuit.state === 'OPEN') {
        const left = status.open_remaining_seconds;
        return isNumber(left) ? due(left - elapsed, 'probes') : status.by_hand_only ? 'by hand only' : '';
    }
    if (circuit.state !== 'HALF_OPEN') return '';
    if (status.ramp_percent) return `ramp: ${status.ramp_percent} % of calls`;
    return `${status.probe_successes} of ${status.success_threshold} probes good`;
}

// "measured 7, limit 5 over 37 calls"; "" where an event carries no evidence.
export function evidence(event) {
    const asShare = /rate$/.test(event.rule ?? '') || event.threshold < 1;
    const calls = event.calls > 0 ? `over ${count(event.calls)} call${event.calls === 1 ? '' : 's'}` : '';
    if (!(event.threshold > 0)) return calls && `judged ${calls}`;
    return `measured ${measured(event.value, asShare)}, limit ${measured(event.threshold, asShare)} ${calls}`.trim();
}

const bound = (event, what) =>
    event.by_hand_only ? 'until undone' : isNumber(event.duration_seconds) ? `${what} ${duration(event.duration_seconds)}` : '';

function transitionWords(event) {
    if (event.to === 'CLOSED') return ['recovered', event.rule === 'probe' ? '' : evidence(event)]; // a ramp's end: what did not trip it
    if (event.to === 'HALF_OPEN') return [event.from === 'HALF_OPEN' ? 'its probes succeeded, ramping up' : 'its open time is over'];
    return [event.rule && event.rule !== 'none' ? ruleWords(event.rule) : '', evidence(event), bound(event, 'for')];
}

const ACTS = { trip: 'tripped', reset: 'reset', probe: 'probed' };

// An event as { title, words, reason, tone }: what happened, how it is to be understood, what somebody wrote to it.
export function eventWords(event) {
    const by = event.user && event.user !== 'system' ? `by ${event.user}` : '';
    const words = (list) => list.filter(Boolean).join(', ');
    const tone = (STATES[event.to] ?? STATES.CLOSED).tone;
    switch (event.kind) {
        case 'transition':
            return { title: `${event.from} → ${event.to}`, words: words(transitionWords(event)), reason: '', tone };
        case 'trip':
        case 'reset':
        case 'probe':
            return {
                title: `${event.from} → ${event.to}`, tone, reason: event.text,
                words: words([`${ACTS[event.kind]} ${by}`.trim(), event.kind === 'trip' ? bound(event, 'for') : '']),
            };
        case 'mode':
            return {
                title: `mode ${event.from} → ${event.to}`, reason: event.text, tone: MODES[event.to] ? STATES[MODES[event.to]].tone : 'closed',
                words: words([by ? `${MODE_ACTS[event.to] ?? event.to} ${by}` : event.to === 'normal' ? 'its time was over' : '',
                    event.to === 'normal' ? '' : bound(event, 'for')]),
            };
        case 'sample':
            return { title: [event.error_kind ?? 'error', event.error_code ? `(${event.error_code})` : ''].join(' ').trim(), words: '', reason: event.text, tone: 'open' };
        case 'rejected':
            return { title: `rejecting calls: ${event.verdict}`, words: `${count(event.calls)} so far`, reason: '', tone: 'half' };
        default:
            return { title: event.kind, words: by, reason: event.text, tone: 'muted' };
    }
}
