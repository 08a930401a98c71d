// The page: what is shown where, and what a key or a click does.
import { Icon, Modal, Time, forgetColors, html, render, useCallback, useEffect, useRef, useState, useStore } from './ui.js';
import { ACTS, ActDialog, TokenDialog, doneWords } from './acts.js';
import { hasToken, keepToken } from './api.js';
import { Alert, Detail } from './detail.js';
import { HELP, areKeysOn, listen, turnKeys } from './keys.js';
import { connect, onStateChange, start, store } from './store.js';
import { Table, matches } from './table.js';
import { STATES, duration } from './words.js';

const WORST_FIRST = { key: 'state', down: false };
const TOAST_MS = 6000;
const SAY_MS = 1200;
const SAY_MOST = 3;

// ---- theme: the system's, or the other one

const systemDark = matchMedia('(prefers-color-scheme: dark)');
const themeNow = () => document.documentElement.dataset.theme ?? (systemDark.matches ? 'dark' : 'light');

function useTheme() {
    const [theme, setTheme] = useState(themeNow());
    const read = () => {
        forgetColors();
        setTheme(themeNow());
    };
    useEffect(() => {
        systemDark.addEventListener('change', read);
        return () => systemDark.removeEventListener('change', read);
    }, []);
    const toggle = () => {
        const other = theme === 'dark' ? 'light' : 'dark';
        const isSystem = other === (systemDark.matches ? 'dark' : 'light');
        if (isSystem) delete document.documentElement.dataset.theme;
        else document.documentElement.dataset.theme = other;
        try {
            if (isSystem) localStorage.removeItem('switchgear.theme');
            else localStorage.setItem('switchgear.theme', other);
        } catch {
            // Until the page is left, then.
        }
        read();
    };
    return [theme, toggle];
}

// ---- which circuit is open stands in the address, so that it can be sent to somebody

const fromAddress = () => {
    const match = /^#circuit=(.+)$/.exec(location.hash);
    try {
        return match ? decodeURIComponent(match[1]) : null;
    } catch {
        return null;
    }
};

function useOpened() {
    const [opened, setOpened] = useState(fromAddress());
    useEffect(() => {
        const moved = () => setOpened(fromAddress());
        window.addEventListener('popstate', moved);
        return () => window.removeEventListener('popstate', moved);
    }, []);
    const open = (name) => {
        if (name === fromAddress()) return;
        history.pushState(null, '', name ? `#circuit=${encodeURIComponent(name)}` : location.pathname + location.search);
        setOpened(name);
    };
    return [opened, open];
}

// ---- what a screen reader is told: changes of state, a few at a time

function useSayings() {
    const [said, setSaid] = useState('');
    useEffect(() => {
        let changes = new Map(), timer = 0;
        const say = () => {
            const list = [...changes.values()].filter((circuit) => store.circuits.has(circuit.name));
            const words = list.slice(0, SAY_MOST).map((circuit) => `${circuit.name} is ${circuit.shown.word.replace('_', ' ')}`);
            if (list.length > SAY_MOST) words.push(`and ${list.length - SAY_MOST} others changed`);
            setSaid(words.join(', '));
            changes = new Map();
            timer = 0;
        };
        onStateChange((circuit) => {
            changes.set(circuit.name, circuit);
            timer ||= setTimeout(say, SAY_MS);
        });
    }, []);
    return said;
}

// ---- the parts of the page

const CONNECTIONS = {
    connecting: ['Connecting', 'wait'],
    live: ['Live', 'live'],
    reconnecting: ['Reconnecting', 'wait'],
    gone: ['Agent gone', 'gone'],
    denied: ['Token needed', 'gone'],
};

function Connection({ now }) {
    const { state, dataAt, error, nextTry } = store.connection;
    const [word, tone] = CONNECTIONS[state];
    const old = dataAt ? (now - dataAt) / 1000 : null;
    const isOld = old !== null && (state !== 'live' || old > 3);
    const next = nextTry > now ? `next try in ${duration(Math.ceil((nextTry - now) / 1000))}` : '';
    return html`<div class=${`connection is-${tone}`} title=${[error, next].filter(Boolean).join('; ')}>
        <span class="pulse" aria-hidden="true"></span><span class="connection-word">${word}</span>
        ${isOld && html`<span class="old">data ${duration(old)} old</span>`}
    </div>`;
}

function Gone() {
    const { state, dataWallMs, error } = store.connection;
    if (state !== 'gone') return null;
    return html`<div class="banner" role="alert"><${Icon} name="warn" /><span><b>The agent does not answer</b>${dataWallMs
        ? html`; what you see is of <${Time} ms=${dataWallMs} />` : null}. Calls do not need it: the circuits go on deciding.
        <span class="muted">${error}</span></span><button type="button" class="plain" onClick=${connect}>Try now</button></div>`;
}

function StateFilter({ states, onToggle }) {
    const counts = new Map(Object.keys(STATES).map((word) => [word, 0]));
    for (const circuit of store.circuits.values()) counts.set(circuit.shown.word, (counts.get(circuit.shown.word) ?? 0) + 1);
    return html`<div class="filters" role="group" aria-label="Filter by state">${Object.values(STATES).map(({ word, tone, says }) => html`
        <button type="button" key=${word} class=${`filter tone-${tone}${counts.get(word) ? '' : ' none'}`} aria-pressed=${states.has(word)} title=${says} onClick=${() => onToggle(word)}>
            <${Icon} name=${`state-${tone}`} /><b>${counts.get(word)}</b> <span class="filter-word">${word.replace('_', ' ').toLowerCase()}</span></button>`)}</div>`;
}

function AlertBar({ onOpen }) {
    const firing = store.alerts.filter((alert) => alert.firing);
    const loud = firing.filter((alert) => !alert.inhibited_by);
    if (!firing.length) return null;
    const silenced = firing.length - loud.length;
    const order = { critical: 0, error: 1, warning: 2, info: 3 };
    const worst = (alert) => order[alert.severity] ?? 4;
    firing.sort((a, b) => Boolean(a.inhibited_by) - Boolean(b.inhibited_by) || worst(a) - worst(b) || b.since_unix_ms - a.since_unix_ms);
    return html`<details class=${`alert-bar severity-${firing[0].severity}`}>
        <summary><${Icon} name="warn" /><b>${loud.length} alert${loud.length === 1 ? '' : 's'} firing</b>${silenced > 0 && html` <span class="muted">${silenced} silenced</span>`}
            <span class="alert-first">${firing[0].summary || firing[0].name}</span></summary>
        <ul class="alerts">${firing.slice(0, 100).map((alert) => html`<${Alert} key=${`${alert.name} ${alert.circuit}`} alert=${alert} onOpen=${onOpen} />`)}</ul>
    </details>`;
}

function Help({ onClose }) {
    const [on, setOn] = useState(areKeysOn());
    const toggle = (event) => {
        turnKeys(event.target.checked);
        setOn(event.target.checked);
    };
    return html`<${Modal} class="dialog" labelledby="help-title" onClose=${onClose}>
        <h2 id="help-title">Keyboard and signs</h2>
        <dl class="keys">${HELP.map(([keys, what]) => html`<div key=${keys}><dt>${keys.split(' ').map((key) => (key === '/' && keys !== '/' ? ' / ' : html`<kbd>${key}</kbd> `))}</dt><dd>${what}</dd></div>`)}</dl>
        <label class="check"><input type="checkbox" checked=${on} onChange=${toggle} /> Single keys do something</label>
        <dl class="signs">${Object.values(STATES).map(({ word, tone, says }) => html`<div key=${word}><dt class=${`state tone-${tone}`}><${Icon} name=${`state-${tone}`} /> ${word.replace('_', ' ')}</dt><dd>${says}</dd></div>`)}</dl>
        <p class="muted">Drawn with <a href="assets/vendor/preact.LICENSE.txt" target="_blank">Preact</a>, <a href="assets/vendor/htm.LICENSE.txt" target="_blank">htm</a> and <a href="assets/vendor/uplot.LICENSE.txt" target="_blank">uPlot</a>.</p>
        <div class="buttons"><button type="button" class="primary" onClick=${onClose} autofocus>Close</button></div>
    <//>`;
}

function Header({ now, text, states, theme, onText, onLeave, onToggleState, onTheme, onToken, onForget, onHelp, filterRef }) {
    const { who } = store;
    return html`<header class="top">
        <h1><svg class="logo" width="24" height="24" aria-hidden="true"><use href="#i-logo" /></svg>Switchgear</h1>
        <${StateFilter} states=${states} onToggle=${onToggleState} />
        <label class="search"><span class="unseen">Filter circuits by name, group, alias or owner</span><${Icon} name="search" />
            <input ref=${filterRef} type="search" placeholder="Filter" value=${text} autocomplete="off" spellcheck=${false} aria-keyshortcuts="/"
                onInput=${(event) => onText(event.target.value)} onKeyDown=${onLeave} /><kbd aria-hidden="true">/</kbd></label>
        <${Connection} now=${now} />
        <div class="tools">
            ${hasToken()
                ? html`<button type="button" class="tool" title="Forget the token" onClick=${onForget}><${Icon} name="user" /><span>${who ? `${who.user} (${who.role})` : 'token'}</span><${Icon} name="close" size=${12} label="forget the token" /></button>`
                : html`<button type="button" class="tool" onClick=${onToken}><${Icon} name="user" /><span>Token</span></button>`}
            <button type="button" class="tool square" aria-label=${`Change to ${theme === 'dark' ? 'light' : 'dark'}`} title=${theme === 'dark' ? 'Light' : 'Dark'} onClick=${onTheme}><${Icon} name=${theme === 'dark' ? 'sun' : 'moon'} /></button>
            <button type="button" class="tool square" aria-label="Keyboard and signs" title="Keyboard and signs (?)" aria-keyshortcuts="?" onClick=${onHelp}><${Icon} name="help" /></button>
        </div>
    </header>`;
}

function Empty({ all, onClear }) {
    const { state } = store.connection;
    if (all > 0) return html`<div class="empty"><p>No circuit matches.</p><button type="button" class="plain" onClick=${onClear}>Clear the filter</button></div>`;
    if (state === 'live' && store.ticks > 0) return html`<div class="empty"><p>No circuits yet.</p><p class="muted">A program makes one with its first call, or the configuration does.</p></div>`;
    return html`<div class="empty"><p>${CONNECTIONS[state][0]}…</p></div>`;
}

function App() {
    useStore();
    const now = performance.now();
    const [theme, toggleTheme] = useTheme();
    const [opened, setOpened] = useOpened();
    const [text, setText] = useState('');
    const [states, setStates] = useState(new Set());
    const [sort, setSort] = useState(WORST_FIRST);
    const [current, setCurrent] = useState(opened);
    const [act, setAct] = useState(null); // { act, circuit }
    const [asked, setAsked] = useState(null); // { message, then }
    const [help, setHelp] = useState(false);
    const [toast, setToast] = useState('');
    const said = useSayings();
    const table = useRef(null);
    const filter = useRef(null);
    const takesFocus = useRef(false);
    const latest = useRef({});

    const circuit = opened ? store.circuits.get(opened) : null;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = [...store.circuits.values()].filter((one) => matches(one, words, states));

    const isDenied = store.connection.state === 'denied';
    const ask = (message, then) => setAsked({ message, then });
    // The agent lets nobody read without a token: ask once, as soon as that is known.
    useEffect(() => {
        if (isDenied) ask(hasToken() ? 'The agent does not know this token.' : '', null);
    }, [isDenied]);

    const tell = (message) => {
        setToast(message);
        clearTimeout(latest.current.toast);
        latest.current.toast = setTimeout(() => setToast(''), TOAST_MS);
    };
    const open = useCallback((name) => {
        takesFocus.current = document.activeElement?.closest?.('.circuits, .detail, .alert-bar') !== null;
        setCurrent(name);
        setOpened(name);
    }, []);
    const close = () => {
        setOpened(null);
        if (opened) table.current?.focus(opened);
    };
    const focusOn = (name) => {
        setCurrent(name);
        table.current?.focus(name);
    };
    const move = (step) => {
        const names = (table.current?.order ?? []).map((one) => one.name);
        if (!names.length) return false;
        const focused = document.activeElement?.dataset?.circuit;
        const at = names.indexOf(focused ?? opened ?? current);
        const to = step === -Infinity ? 0 : step === Infinity ? names.length - 1 : at < 0 ? 0 : Math.min(names.length - 1, Math.max(0, at + step));
        focusOn(names[to]);
        return true;
    };
    const isInList = () => document.activeElement === document.body || document.activeElement?.closest('.circuits') !== null;
    const startAct = (one) => {
        const name = opened && store.circuits.has(opened) ? opened : document.activeElement?.dataset?.circuit ?? current;
        const target = store.circuits.get(name);
        if (!target) return false;
        if (!one.fits(target)) tell(`${name} is ${target.shown.word}: ${one.word.toLowerCase()} does not apply`);
        else setAct({ act: one, circuit: name });
        return true;
    };
    // In the filter it empties and leaves it; elsewhere the details are what is on top.
    const escape = () => {
        const isFiltering = document.activeElement === filter.current;
        if (opened && !isFiltering) return close();
        setText('');
        if (!isFiltering) setStates(new Set());
        return document.activeElement?.blur?.();
    };
    const leaveFilter = (event) => {
        if (event.key !== 'Enter' && event.key !== 'ArrowDown') return;
        event.preventDefault();
        move(-Infinity);
    };
    const toFilter = () => {
        filter.current.focus();
        filter.current.select();
    };
    latest.current.keys = {
        '/': toFilter, j: () => move(1), k: () => move(-1), g: () => move(-Infinity), G: () => move(Infinity), '?': () => setHelp(true), Escape: escape,
        ArrowDown: () => isInList() && move(1), ArrowUp: () => isInList() && move(-1), Home: () => isInList() && move(-Infinity), End: () => isInList() && move(Infinity),
        w: () => setSort(WORST_FIRST), ...Object.fromEntries(ACTS.map((one) => [one.key, () => startAct(one)])),
    };
    useEffect(() => listen(new Proxy({}, { get: (_, key) => latest.current.keys[key] })), []);
    useEffect(() => {
        const { OPEN, ISOLATED } = STATES;
        const tripped = [...store.circuits.values()].filter((one) => one.shown === OPEN || one.shown === ISOLATED).length;
        const title = `${tripped ? `(${tripped}) ` : ''}${opened ? `${opened} – ` : ''}Switchgear`;
        if (document.title !== title) document.title = title;
    });

    const sortBy = (key) => setSort((before) => (before.key === key ? { key, down: !before.down } : { key, down: false }));
    const toggleState = (word) => setStates((before) => {
        const after = new Set(before);
        if (!after.delete(word)) after.add(word);
        return after;
    });
    const forget = () => {
        keepToken(null);
        store.who = null;
        tell('The token is forgotten.');
        connect();
    };
    const gotToken = () => {
        const then = asked?.then;
        setAsked(null);
        connect();
        if (then) then();
    };
    const done = (_, answer) => {
        setAct(null);
        tell(doneWords(answer));
    };
    const clear = () => {
        setText('');
        setStates(new Set());
        filter.current.focus();
    };
    const isStale = store.connection.state !== 'live' && store.connection.dataAt > 0;
    const missing = opened && !circuit && store.ticks > 0;
    return html`
        <a class="skip" href="#list" onClick=${(event) => { event.preventDefault(); move(0); }}>To the circuits</a>
        <${Header} now=${now} text=${text} states=${states} theme=${theme} filterRef=${filter} onText=${setText} onLeave=${leaveFilter} onToggleState=${toggleState} onTheme=${toggleTheme}
            onToken=${() => ask('', null)} onForget=${forget} onHelp=${() => setHelp(true)} />
        <${Gone} />
        <${AlertBar} onOpen=${open} />
        <main class=${circuit ? 'has-detail' : ''}>
            <div class="list" id="list">
                ${shown.length
                    ? html`<${Table} ref=${table} circuits=${shown} selected=${circuit ? opened : null} current=${current} now=${now} sort=${sort} stale=${isStale}
                        onSort=${sortBy} onOpen=${open} />`
                    : html`<${Empty} all=${store.circuits.size} onClear=${clear} />`}
            </div>
            ${circuit && html`<${Detail} key=${opened} circuit=${circuit} version=${circuit.version} now=${now} theme=${theme} takesFocus=${takesFocus.current}
                onAct=${startAct} onOpen=${open} onClose=${close} />`}
        </main>
        ${missing && html`<p class="toast">There is no circuit ${opened}.</p>`}
        <div class="toasts" role="status">${toast && html`<p class="toast">${toast}</p>`}</div>
        <div class="unseen" role="status" aria-live="polite">${said}</div>
        ${act && html`<${ActDialog} circuit=${act.circuit} act=${act.act} onClose=${() => setAct(null)} onDone=${done} onToken=${ask} />`}
        ${asked && html`<${TokenDialog} message=${asked.message} onClose=${() => setAsked(null)} onToken=${gotToken} />`}
        ${help && html`<${Help} onClose=${() => setHelp(false)} />`}`;
}

render(html`<${App} />`, document.getElementById('app'));
start();
