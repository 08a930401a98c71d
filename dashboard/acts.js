// What a person may do to a circuit: the acts, and the dialogs that ask for a reason and for a token.
import { Icon, Modal, html, useEffect, useRef, useState } from './ui.js';
import { circuitPath, hasToken, keepToken, request } from './api.js';
import { askWho, store, want } from './store.js';
import { stateOf } from './words.js';

const REASON_BYTES = 127;

// Isolated or disabled, a circuit takes no orders of the breaker's.
const isForced = ({ mode }) => mode.startsWith('forced');
const byMode = (mode) => ({ route: 'mode', mode });

export const ACTS = [
    { key: 't', name: 'trip', word: 'Trip', route: 'trip', tone: 'open', isBound: true, fits: (c) => c.state !== 'OPEN' && !isForced(c),
        bounds: 'Empty: until a reset or a probe by hand.', says: 'Opens the circuit: calls are turned away.' },
    { key: 'r', name: 'reset', word: 'Reset', route: 'reset', tone: 'closed', forces: 'Even within the cooldown', fits: (c) => c.state !== 'CLOSED' && !isForced(c),
        says: 'Closes the circuit at once: calls go through again.' },
    { key: 'p', name: 'probe', word: 'Probe', route: 'probe', tone: 'half', forces: 'Even before it has been open for its time', fits: (c) => c.state === 'OPEN' && !isForced(c),
        says: 'Lets a few calls through now to see whether the dependency works again.' },
    { key: 'i', name: 'isolate', word: 'Isolate', ...byMode('forced_open'), tone: 'isolated', isBound: true, fits: (c) => c.mode !== 'forced_open',
        says: 'Turns all calls away, whatever the breaker says, until undone.' },
    { key: 'd', name: 'disable', word: 'Disable', ...byMode('forced_closed'), tone: 'disabled', isBound: true, fits: (c) => c.mode !== 'forced_closed',
        says: 'Lets all calls through and never trips: there is no protection until undone.' },
    { key: 's', name: 'shadow', word: 'Shadow', ...byMode('shadow'), tone: 'shadow', isBound: true, fits: (c) => c.mode !== 'shadow',
        says: 'Lets all calls through and only tells what the breaker would have done, until undone.' },
    { key: 'n', name: 'normal', word: 'Normal', ...byMode('normal'), tone: 'closed', fits: (c) => c.mode !== 'normal',
        says: 'Ends the mode set by hand: the breaker decides again.' },
];

const DURATION = /^\d+(\.\d+)?(ms|s|m|h|d)$/;

function wrongReason(reason) {
    if (!reason.trim()) return 'Say why: those who come after will want to know.';
    const bytes = new TextEncoder().encode(reason.trim()).length;
    return bytes > REASON_BYTES ? `At most ${REASON_BYTES} bytes, these are ${bytes}.` : '';
}
const wrongDuration = (text) => (text && !DURATION.test(text) ? 'A number and a unit: 90s, 5m, 2h.' : '');

function perform(circuit, act, { reason, bound, force }) {
    const body = { reason: reason.trim() };
    if (act.mode) body.mode = act.mode;
    if (act.isBound && bound) body.for = bound;
    if (act.forces && force) body.force = true;
    return request(circuitPath(circuit, `/${act.route}`), { method: 'POST', body });
}

export function Field({ id, label, hint, error, children }) {
    return html`<div class=${`field${error ? ' wrong' : ''}`}>
        <label for=${id}>${label}</label>
        ${children}
        ${error ? html`<p class="error" id=${`${id}-note`} role="alert">${error}</p>` : hint && html`<p class="hint" id=${`${id}-note`}>${hint}</p>`}
    </div>`;
}

export function ActDialog({ circuit, act, onClose, onDone, onToken }) {
    const [reason, setReason] = useState('');
    const [bound, setBound] = useState('');
    const [force, setForce] = useState(false);
    const [error, setError] = useState({});
    const [busy, setBusy] = useState(false);
    const first = useRef(null);
    const failed = (problem) => {
        if (problem.status === 401) onToken(hasToken() ? 'The agent does not know this token.' : '', () => send());
        else setError({ answer: problem.status === 409 && act.forces && !force ? `${problem.message} (409)` : problem.message, code: problem.code });
    };
    const send = async () => {
        setBusy(true);
        try {
            const done = await perform(circuit, act, { reason, bound, force });
            want(circuit);
            onDone(act, done);
        } catch (problem) {
            failed(problem);
        } finally {
            setBusy(false);
        }
    };
    const submit = (event) => {
        event.preventDefault();
        const wrong = { reason: wrongReason(reason), bound: act.isBound ? wrongDuration(bound) : '' };
        setError(wrong);
        if (wrong.reason) return first.current.focus();
        if (wrong.bound) return event.target.elements.bound.focus();
        if (!hasToken()) return onToken('', send);
        return send();
    };
    useEffect(() => first.current.focus(), []);
    return html`<${Modal} class="dialog" labelledby="act-title" onClose=${onClose}>
        <form onSubmit=${submit} novalidate>
            <h2 id="act-title" class=${`tone-${act.tone}`}>${act.word} <span class="circuit-name">${circuit}</span></h2>
            <p class="says">${act.says}</p>
            ${store.who?.role === 'viewer' && html`<p class="note">The token of ${store.who.user} is for looking only.</p>`}
            <${Field} id="act-reason" label="Reason" error=${error.reason} hint="Kept with the act, in events and audit.">
                <input id="act-reason" ref=${first} value=${reason} required maxlength=${REASON_BYTES} autocomplete="off" aria-invalid=${error.reason ? 'true' : undefined}
                    aria-describedby="act-reason-note" onInput=${(event) => setReason(event.target.value)} />
            <//>
            ${act.isBound && html`<${Field} id="act-for" label="For how long (optional)" error=${error.bound} hint=${act.bounds ?? 'Empty: until undone.'}>
                <input id="act-for" name="bound" value=${bound} placeholder="5m" list="durations" autocomplete="off" spellcheck=${false} aria-invalid=${error.bound ? 'true' : undefined}
                    aria-describedby="act-for-note" onInput=${(event) => setBound(event.target.value.trim())} />
                <datalist id="durations"><option value="1m" /><option value="5m" /><option value="15m" /><option value="1h" /><option value="8h" /></datalist>
            <//>`}
            ${act.forces && html`<label class="check"><input type="checkbox" name="force" checked=${force} onChange=${(event) => setForce(event.target.checked)} />
                ${act.forces}</label>`}
            ${error.answer && html`<p class="answer" role="alert"><${Icon} name="warn" /> ${error.answer}</p>`}
            <div class="buttons">
                <button type="button" class="plain" onClick=${onClose}>Cancel</button>
                <button type="submit" class=${`primary tone-${act.tone}`} disabled=${busy}>${busy ? 'Asking…' : act.word}</button>
            </div>
        </form>
    <//>`;
}

export function TokenDialog({ message, onClose, onToken }) {
    const [value, setValue] = useState('');
    const [error, setError] = useState(message);
    const [busy, setBusy] = useState(false);
    const input = useRef(null);
    const refused = (problem) => {
        setError(problem.status === 401 ? 'The agent does not know this token.' : problem.message);
        input.current.focus();
        input.current.select();
    };
    const submit = async (event) => {
        event.preventDefault();
        const token = value.trim();
        if (!/^[\x21-\x7e]+$/.test(token)) return refused({ message: 'A token is printable ASCII without blanks.' });
        setBusy(true);
        try {
            await request('v1/whoami', { token });
            keepToken(token);
            await askWho();
            onToken();
        } catch (problem) {
            refused(problem);
        } finally {
            setBusy(false);
        }
        return undefined;
    };
    useEffect(() => input.current.focus(), []);
    return html`<${Modal} class="dialog small" labelledby="token-title" onClose=${onClose}>
        <form onSubmit=${submit} novalidate>
            <h2 id="token-title">Your token</h2>
            <p class="says">It names you in the audit. This tab keeps it until it is closed or you forget it; it never stands in an address.</p>
            <${Field} id="token" label="Token" error=${error}>
                <input id="token" type="password" ref=${input} value=${value} autocomplete="off" spellcheck=${false} aria-invalid=${error ? 'true' : undefined}
                    aria-describedby=${error ? 'token-note' : undefined} onInput=${(event) => setValue(event.target.value)} />
            <//>
            <div class="buttons">
                <button type="button" class="plain" onClick=${onClose}>Cancel</button>
                <button type="submit" class="primary" disabled=${busy}>${busy ? 'Asking…' : 'Use it'}</button>
            </div>
        </form>
    <//>`;
}

export function doneWords({ circuit, state, mode, state_before: stateBefore, mode_before: modeBefore }) {
    return `${circuit}: ${stateOf(state, mode).word} (was ${stateOf(stateBefore, modeBefore).word})`;
}
