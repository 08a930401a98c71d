// One circuit in full: why it is as it is, what happened, who holds it, what was done by whom.
import { Component, Icon, Link, StateBadge, Time, html } from './ui.js';
import { ACTS } from './acts.js';
import { circuitPath, request } from './api.js';
import { Band, Charts } from './charts.js';
import { onEvent, store } from './store.js';
import { age, count, duration, evidence, eventWords, latency, measured, nextStep, ruleWords, share } from './words.js';

const WHY_MS = 2000;
const AUDIT_MS = 15000;
const AUDIT_AFTER_MS = [300, 1500, 4000]; // its rows are written behind the events
const AUDIT_ROWS = 30;
const RECENT = 6;
const KINDS_SHOWN = new Set(['transition', 'trip', 'reset', 'probe', 'mode', 'config', 'created', 'rejected']);

// "OPEN for 2 min: failures in a row, measured 5, limit 5 over 37 calls".
function reasonWords(circuit, why) {
    if (why.mode !== 'normal')
        return `By hand${why.mode_user ? `, by ${why.mode_user}` : ''}${why.mode_reason ? `: ${why.mode_reason}` : ''}.`;
    const { trip } = why;
    if (circuit.state === 'CLOSED') return trip ? `Last tripped ${age(why.last_trip_age_seconds)}: ${tripWords(trip)}.` : 'It has not tripped.';
    if (trip) return `Tripped ${age(why.last_trip_age_seconds)}: ${tripWords(trip)}.`;
    return why.trip_evidence_lost ? 'What tripped it has been overwritten by later events.' : why.rule ? `Tripped: ${ruleWords(why.rule)}.` : '';
}

function tripWords(trip) {
    if (trip.kind === 'trip' || trip.rule === 'hand') return `by hand${trip.user ? `, by ${trip.user}` : ''}${trip.text ? `: ${trip.text}` : ''}`;
    return [ruleWords(trip.rule), evidence(trip)].filter(Boolean).join(', ');
}

const Bar = ({ part, tone, label }) => html`<div class=${`bar tone-${tone}`} role="meter" aria-label=${label} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(part * 100)}>
    <span style=${{ width: `${part * 100}%` }}></span></div>`;

function Rule({ rule }) {
    const asShare = rule.text.includes('%');
    const part = rule.threshold > 0 ? Math.min(1, Math.max(0, rule.value / rule.threshold)) : 0;
    const tone = rule.met ? 'open' : part >= 0.8 ? 'half' : 'closed';
    const short = rule.calls_min > rule.calls ? `${count(rule.calls)} of the ${count(rule.calls_min)} calls it needs` : rule.calls ? `over ${count(rule.calls)} calls` : '';
    return html`<li class="rule">
        <span class="rule-text">${rule.text}${rule.met ? html` <b class="met tone-open">met</b>` : null}</span>
        <${Bar} part=${part} tone=${tone} label=${`how near: ${rule.text}`} />
        <span class="rule-value">${measured(rule.value, asShare)} of ${measured(rule.threshold, asShare)}${short && html` <span class="muted">${short}</span>`}</span>
    </li>`;
}

function Event({ event }) {
    const { title, words, reason, tone } = eventWords(event);
    return html`<li class=${`event tone-${tone}`}>
        <span class="dot" aria-hidden="true"></span><${Time} ms=${event.wall_ms} />
        <span class="what"><b>${title}</b>${words && html` <span>${words}</span>`}${reason && html` <q>${reason}</q>`}</span>
    </li>`;
}

// Events of the stream and those that `why` remembers, each once, newest first.
function timeline(circuit, why) {
    const all = [...circuit.events, ...(why?.last_transitions ?? [])].filter((event) => KINDS_SHOWN.has(event.kind));
    const seen = new Map(all.map((event) => [`${event.kind} ${event.id}`, event]));
    return [...seen.values()].sort((a, b) => b.wall_ms - a.wall_ms || b.id - a.id).slice(0, 25);
}

const Events = ({ events }) => html`<ol class="events">${events.map((event) => html`<${Event} event=${event} key=${`${event.kind} ${event.id}`} />`)}</ol>`;

function Timeline({ events }) {
    const [recent, older] = [events.slice(0, RECENT), events.slice(RECENT)];
    return html`<${Section} title="Timeline" id="d-timeline">
        ${recent.length ? html`<${Events} events=${recent} />` : html`<p class="muted">Nothing has happened yet.</p>`}
        ${older.length > 0 && html`<details class="older"><summary>${older.length} older</summary><${Events} events=${older} /></details>`}
    <//>`;
}

const Section = ({ title, children, id }) => html`<section aria-labelledby=${id}><h3 id=${id}>${title}</h3>${children}</section>`;

function Why({ circuit, why }) {
    return html`<${Section} title="Why" id="d-why">
        <p class="reason">${reasonWords(circuit, why)}</p>
        ${why.rules.length > 0 && html`<ul class="rules">${why.rules.map((rule) => html`<${Rule} rule=${rule} key=${rule.rule} />`)}</ul>`}
        ${why.last_errors.length > 0 && html`<h4>Last errors</h4>
            <${Events} events=${why.last_errors} />`}
    <//>`;
}

function Holders({ why }) {
    const all = [...why.probe_holders.map((holder) => ({ ...holder, what: 'a probe' })), ...why.permit_holders.map((holder) => ({ ...holder, what: 'a permit' }))];
    if (!all.length) return null;
    return html`<${Section} title="Who holds it" id="d-holders"><table class="small">
        <thead><tr><th scope="col">Process</th><th scope="col" class="number">pid</th><th scope="col">Holds</th><th scope="col" class="number">For</th></tr></thead>
        <tbody>${all.map((holder) => html`<tr><td>${holder.process}${holder.alive ? null : html` <b class="tone-open">dead</b>`}</td>
            <td class="number">${String(holder.pid)}</td><td>${holder.what}</td><td class="number">${duration(holder.age_seconds)}</td></tr>`)}</tbody>
    </table><//>`;
}

// Figures as [term, value] where there is one.
function figures(status) {
    const { measures: m, latency: l, bulkhead: b, limiter: r, retry, rejected } = status;
    const parts = Object.entries(rejected).filter(([name, n]) => n > 0 && name !== 'total').map(([name, n]) => `${count(n)} ${name.replace('_', ' ')}`);
    return [
        ['Calls', `${count(status.calls)}: ${count(status.successes)} good, ${count(status.failures)} failed, ${count(status.timeouts)} timed out`],
        ['Rejected', rejected.total ? `${count(rejected.total)}: ${parts.join(', ')}` : 'none'],
        ['Last success', age(status.last_success_age_seconds)],
        ['Last failure', age(status.last_failure_age_seconds)],
        ['Trips', `${count(status.trips)}, ${count(status.trips_in_a_row)} in a row; ${count(m?.transitions_10m)} transitions in 10 min`],
        ['Last recovery', m?.last_recovery_s >= 0 && m.last_recovery_s !== null ? `took ${duration(m.last_recovery_s)}` : null],
        ['Latency', l?.count ? `p50 ${latency(l.p50_seconds)}, p90 ${latency(l.p90_seconds)}, p99 ${latency(l.p99_seconds)}, max ${latency(l.max_seconds)}` : null],
        ['Bulkhead', b && `${count(b.held)} of ${b.limit === null ? 'any' : count(b.limit)}${b.adaptive ? ', adaptive' : ''}${b.queue_max ? `; queue ${count(b.queue)} of ${count(b.queue_max)}` : ''}`],
        ['Limiter', r && `${count(r.rate)} per ${duration(r.per_seconds)}, ${count(r.left)} left`],
        ['Retries', retry && `${count(retry.retries)}, ${count(retry.refused)} refused by the budget, ${share(retry.budget_left)} of it left`],
        ['Nearest rule', m && `${share(m.near)} of its threshold`],
        ['Trend', m && `${m.failure_trend > 0 ? '+' : ''}${measured(m.failure_trend * 100)} points of failure rate a minute`],
        ['Anomaly', m && `${measured(m.anomaly)} robust deviations from its last hour`],
        ['SLO', m?.slo_budget_left !== null && m?.slo_budget_left !== undefined && m.slo_budget_left >= 0 ? `${share(m.slo_budget_left)} of the error budget left, burning ${measured(m.slo_burn_rate)}×` : null],
        ['Preset', status.preset],
    ].filter(([, value]) => value !== null && value !== undefined && value !== false);
}

const Figures = ({ status, origin }) => html`<${Section} title="Figures" id="d-figures"><dl class="figures">
    ${[...figures(status), ...(origin ? [['Configured by', origin]] : [])].map(([term, value]) => html`<div key=${term}><dt>${term}</dt><dd>${value}</dd></div>`)}
</dl><//>`;

function Neighbours({ title, names, onOpen }) {
    if (!names.length) return null;
    const one = (name) => {
        const circuit = store.circuits.get(name);
        return html`<li>${circuit
            ? html`<button type="button" class=${`chip tone-${circuit.shown.tone}`} onClick=${() => onOpen(name)}>
                <${Icon} name=${`state-${circuit.shown.tone}`} size=${14} />${name}<span class="unseen"> ${circuit.shown.word}</span></button>`
            : html`<span class="chip">${name}</span>`}</li>`;
    };
    return html`<div><dt>${title}</dt><dd><ul class="chips">${names.map(one)}</ul></dd></div>`;
}

function About({ status, onOpen }) {
    const dependents = [...store.circuits.values()].filter((other) => other.status?.depends_on?.includes(status.name)).map((other) => other.name);
    const plain = [['Owner', status.owner], ['Group', status.group], ['Alias', status.alias]].filter(([, value]) => value);
    if (!plain.length && !status.runbook && !status.depends_on?.length && !dependents.length) return null;
    return html`<dl class="about">
        ${plain.map(([term, value]) => html`<div key=${term}><dt>${term}</dt><dd>${value}</dd></div>`)}
        ${status.runbook && html`<div><dt>Runbook</dt><dd><${Link} to=${status.runbook} /></dd></div>`}
        <${Neighbours} title="Depends on" names=${status.depends_on ?? []} onOpen=${onOpen} />
        <${Neighbours} title="Needed by" names=${dependents} onOpen=${onOpen} />
    </dl>`;
}

const Audit = ({ rows }) => html`<${Section} title="Audit" id="d-audit">
    ${rows.length ? html`<table class="small">
        <thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">Who</th><th scope="col">Reason</th></tr></thead>
        <tbody>${rows.map((row) => html`<tr key=${row.id}><td><${Time} ms=${row.timestamp} /></td><td>${row.action}</td>
            <td>${row.user}${row.source && html` <span class="muted">${row.source}</span>`}</td><td class="wrap">${row.reason}</td></tr>`)}</tbody>
    </table>` : html`<p class="muted">Nothing yet.</p>`}
<//>`;

const Alerts = ({ name }) => {
    const firing = store.alerts.filter((alert) => alert.firing && alert.circuit === name);
    return firing.length ? html`<ul class="alerts inside">${firing.map((alert) => html`<${Alert} alert=${alert} key=${alert.name} />`)}</ul>` : null;
};

export const Alert = ({ alert, onOpen }) => html`<li class=${`alert severity-${alert.severity}`}>
    <${Icon} name="warn" /><b class="severity">${alert.severity}</b>
    <span class="alert-text">${alert.summary || alert.name}${alert.inhibited_by ? html` <span class="muted">silenced by ${alert.inhibited_by}</span>` : null}</span>
    ${onOpen && alert.circuit && store.circuits.has(alert.circuit) ? html`<button type="button" class="link" onClick=${() => onOpen(alert.circuit)}>${alert.circuit}</button>` : null}
    ${alert.runbook && html`<${Link} to=${alert.runbook}>runbook<//>`}
    <span class="since">since <${Time} ms=${alert.since_unix_ms} /></span>
</li>`;

const Buttons = ({ circuit, onAct }) => html`<div class="acts" role="group" aria-label="Acts">
    ${ACTS.filter((act) => act.name !== 'normal' || act.fits(circuit)).map((act) => html`<button type="button" key=${act.name}
        class=${`act tone-${act.tone}`} disabled=${!act.fits(circuit)} title=${act.says} aria-keyshortcuts=${act.key} onClick=${() => onAct(act)}>
        ${act.word}<kbd aria-hidden="true">${act.key}</kbd></button>`)}
</div>`;

export class Detail extends Component {
    constructor(props) {
        super(props);
        this.state = { why: null, audit: null, error: '' };
    }
    componentDidMount() {
        this.ask();
        this.askAudit();
        this.timer = setInterval(() => this.ask(), WHY_MS);
        this.auditTimer = setInterval(() => this.askAudit(), AUDIT_MS);
        this.forget = onEvent((event) => {
            if (event.circuit !== this.props.circuit.name || !event.to) return;
            this.ask();
            AUDIT_AFTER_MS.forEach((ms) => setTimeout(() => this.isGone || this.askAudit(), ms));
        });
        if (this.props.takesFocus) this.heading.focus();
    }
    componentWillUnmount() {
        clearInterval(this.timer);
        clearInterval(this.auditTimer);
        this.forget();
        this.isGone = true;
    }
    async ask() {
        if (this.asking || store.connection.state !== 'live' || document.hidden) return;
        this.asking = true;
        try {
            const why = await request(circuitPath(this.props.circuit.name, '/why'));
            if (!this.isGone) this.setState({ why, error: '' });
        } catch (error) {
            if (!this.isGone) this.setState({ error: error.message });
        } finally {
            this.asking = false;
        }
    }
    async askAudit() {
        try {
            const { rows } = await request(`v1/audit?circuit=${encodeURIComponent(this.props.circuit.name)}&limit=${AUDIT_ROWS}`);
            if (!this.isGone) this.setState({ audit: rows });
        } catch {
            // Without a database there is no audit; the events above tell most of it.
        }
    }
    head({ circuit, now, onClose }) {
        const next = nextStep(circuit, now);
        const status = circuit.status;
        const since = status && circuit.mode === 'normal' && status.state === circuit.state ? `for ${duration(status.state_age_seconds + (now - circuit.statusAt) / 1000)}` : '';
        return html`<header class=${`detail-head tone-${circuit.shown.tone}`}>
            <h2 id="detail-title" tabindex="-1" ref=${(heading) => (this.heading = heading)}>${circuit.name}</h2>
            <button type="button" class="close" aria-label="Close the details" title="Close (Esc)" onClick=${onClose}><${Icon} name="close" /></button>
            <p class="now"><${StateBadge} shown=${circuit.shown} large=${true} /> <span>${[since, next].filter(Boolean).join(', ')}</span></p>
            <p class="muted">${circuit.shown.says}${circuit.mode !== 'normal' ? `; the breaker itself is ${circuit.state}` : ''}</p>
        </header>`;
    }
    render(props, { why, audit, error }) {
        const { circuit, theme, onAct, onOpen } = props;
        return html`<aside class="detail" aria-labelledby="detail-title">
            ${this.head(props)}
            <${Buttons} circuit=${circuit} onAct=${onAct} />
            <div class="detail-body" tabindex="0" role="region" aria-label="Details">
                ${error && html`<p class="answer" role="alert"><${Icon} name="warn" /> ${error}</p>`}
                <${Alerts} name=${circuit.name} />
                ${why ? html`<${Why} circuit=${circuit} why=${why} />` : html`<p class="muted">Asking why…</p>`}
                ${circuit.status && html`<${About} status=${circuit.status} onOpen=${onOpen} />`}
                <${Timeline} events=${timeline(circuit, why)} />
                <${Section} title="The last minutes" id="d-minutes">
                    <${Band} circuit=${circuit} theme=${theme} />
                    <div class="charts"><${Charts} circuit=${circuit} theme=${theme} /></div>
                <//>
                ${why && html`<${Holders} why=${why} />`}
                ${circuit.status && html`<${Figures} status=${why ? { ...circuit.status, ...why, measures: circuit.status.measures } : circuit.status} origin=${why?.origin} />`}
                ${audit && html`<${Audit} rows=${audit} />`}
            </div>
        </aside>`;
    }
}
