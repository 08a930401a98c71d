// The table of all circuits. Of many, only the rows around the visible part exist, so that five hundred cost no more than fifty.
import { Component, Icon, StateBadge, html } from './ui.js';
import { Spark } from './spark.js';
import { latency, nextStep, perSecond, share, shortCount } from './words.js';

const RESORT_MS = 4000;
const ROW_PX = 40; // as the style sheet says
const ALL = 100; // so many rows at most are made whether they can be seen or not
const SPARE = 12; // rows beyond the visible part, above and below
const STEP = 6; // rows by which the part moves
const collator = new Intl.Collator(undefined, { numeric: true });

// How bad a closed circuit is, in steps, so that order does not follow every flicker. Of the others the state says enough.
const trouble = ({ state, failing }) => (state !== 'CLOSED' || failing >= 0.1 ? 0 : failing >= 0.01 ? 1 : 2);
const byName = (a, b) => collator.compare(a.name, b.name);
const byNumber = (of) => (a, b) => (of(b) ?? -1) - (of(a) ?? -1) || byName(a, b);

export const COLUMNS = [
    { key: 'state', title: 'State', hint: 'worst first', compare: (a, b) => a.shown.rank - b.shown.rank || trouble(a) - trouble(b) || byName(a, b) },
    { key: 'name', title: 'Circuit', compare: byName, rises: true },
    { key: 'calls', title: 'Calls/s', compare: byNumber((c) => c.callsPerS) },
    { key: 'failing', title: 'Failing', hint: 'share of calls, last minute', compare: byNumber((c) => c.failing) },
    { key: 'p99', title: 'p99', hint: 'latency, 99 of 100 calls are faster', compare: byNumber((c) => c.p99) },
    { key: 'inflight', title: 'In flight', compare: byNumber((c) => c.inFlight) },
    { key: 'rejected', title: 'Rejected/s', compare: byNumber((c) => c.rejectedPerS) },
    { key: 'next', title: 'Next', fixed: true },
];

const NUMBERS = new Set(['calls', 'failing', 'p99', 'inflight', 'rejected']);

export function matches(circuit, words, states) {
    if (states.size && !states.has(circuit.shown.word)) return false;
    const { status } = circuit;
    const text = `${circuit.name} ${status?.alias ?? ''} ${status?.group ?? ''} ${status?.owner ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
}

export function sorted(circuits, { key, down }) {
    const { compare } = COLUMNS.find((column) => column.key === key);
    circuits.sort(down ? (a, b) => compare(b, a) : compare);
    return circuits;
}

const failingTone = (circuit) => (circuit.failing >= 0.1 ? ' bad' : circuit.failing >= 0.01 ? ' warn' : '');

class Row extends Component {
    shouldComponentUpdate(next) {
        return ['version', 'now', 'word', 'index', 'selected', 'current'].some((name) => next[name] !== this.props[name]);
    }
    cell(key, text, spark, tone = '') {
        const { circuit } = this.props;
        return html`<td class=${`c-${key} number`}>
            <span class="measure">
                ${spark && html`<${Spark} series=${circuit.series} version=${circuit.version} ...${spark} />`}
                <span class=${`figure${tone}`}>${text}</span>
            </span>
        </td>`;
    }
    render({ circuit, selected, current, onOpen, now, index }) {
        const { shown, status } = circuit;
        const isNew = now - circuit.changedAt < 2500 && circuit.changedAt > 0;
        const sub = status?.group ?? '';
        return html`<tr ref=${(element) => (this.element = element)} class=${`row tone-${shown.tone}${selected ? ' selected' : ''}${isNew ? ' changed' : ''}`}
            aria-rowindex=${index + 2} onClick=${() => onOpen(circuit.name)}>
            <td class="c-state"><${StateBadge} shown=${shown} /></td>
            <th scope="row" class="c-name">
                <button type="button" class="name" data-circuit=${circuit.name} tabindex=${current ? 0 : -1} aria-expanded=${selected}>${circuit.name}</button>
                ${sub && html`<span class="sub">${sub}</span>`}
            </th>
            ${this.cell('calls', perSecond(circuit.callsPerS), { main: 'calls', tone: 'series-1', second: 'rejected', secondTone: 'open' })}
            ${this.cell('failing', share(circuit.failing), { main: 'failing', tone: 'series-2', least: 0.1 }, failingTone(circuit))}
            ${this.cell('p99', latency(circuit.p99), { main: 'p99', tone: 'series-3' })}
            ${this.cell('inflight', shortCount(circuit.inFlight), { main: 'inFlight', tone: 'series-4', least: 1 })}
            ${this.cell('rejected', perSecond(circuit.rejectedPerS), null, circuit.rejectedPerS > 0 ? ' bad' : circuit.rejectedPerS === 0 ? ' nil' : '')}
            <td class="c-next">${nextStep(circuit, now)}</td>
        </tr>`;
    }
}

const arrow = (sort, column) => (sort.key !== column.key ? 'none' : sort.down === Boolean(column.rises) ? 'descending' : 'ascending');

function Head({ sort, onSort }) {
    const head = (column) => {
        const direction = sort.key === column.key ? arrow(sort, column) : undefined;
        return html`<th scope="col" class=${`c-${column.key}${NUMBERS.has(column.key) ? ' number' : ''}`} aria-sort=${direction}>
            ${column.fixed
                ? column.title
                : html`<button type="button" class="sort" title=${column.hint ?? ''} onClick=${() => onSort(column.key)}>
                    ${column.title}${direction && html`<${Icon} name=${sort.down ? 'up' : 'down'} size=${12} />`}
                </button>`}
        </th>`;
    };
    return html`<thead><tr aria-rowindex="1">${COLUMNS.map(head)}</tr></thead>`;
}

const Gap = ({ rows }) => (rows > 0 ? html`<tr class="gap" aria-hidden="true"><td colspan=${COLUMNS.length} style=${{ height: `${rows * ROW_PX}px` }}></td></tr>` : null);

export class Table extends Component {
    constructor(props) {
        super(props);
        this.order = [];
        this.orderedAt = 0;
        this.state = { first: 0, last: ALL };
    }
    componentDidMount() {
        this.list = this.element.closest('.list');
        this.look = () => this.setState(this.part());
        this.list.addEventListener('scroll', this.look, { passive: true });
        this.resized = new ResizeObserver(this.look);
        this.resized.observe(this.list);
    }
    componentWillUnmount() {
        this.list.removeEventListener('scroll', this.look);
        this.resized.disconnect();
    }
    shouldComponentUpdate(next, state) {
        return next !== this.props || state.first !== this.state.first || state.last !== this.state.last;
    }
    part() {
        const top = Math.floor(this.list.scrollTop / ROW_PX);
        const first = Math.max(0, Math.floor((top - SPARE) / STEP) * STEP);
        return { first, last: first + Math.ceil(this.list.clientHeight / ROW_PX) + 2 * SPARE + STEP };
    }
    // Brings a row into view, makes it if need be, and then gives it the focus.
    focus(name) {
        const index = this.order.findIndex((circuit) => circuit.name === name);
        if (index < 0) return;
        const { list } = this;
        const head = this.element.tHead.offsetHeight;
        const top = index * ROW_PX, bottom = top + ROW_PX + head;
        if (list.scrollTop > top) list.scrollTop = top;
        else if (list.scrollTop + list.clientHeight < bottom) list.scrollTop = bottom - list.clientHeight;
        this.setState(this.part(), () => this.element.querySelector(`[data-circuit="${CSS.escape(name)}"]`)?.focus({ preventScroll: true }));
    }
    // Figures change too often to click on what is sorted by them: the order is renewed now and then, and never under the pointer.
    ordered() {
        const { circuits, sort } = this.props;
        const key = `${sort.key} ${sort.down}`;
        const held = new Set(this.order);
        const isSame = key === this.key && held.size === circuits.length && circuits.every((circuit) => held.has(circuit));
        const ranks = sort.key === 'state' ? circuits.map((circuit) => circuit.shown.rank).join('') : '';
        const isDue = !this.isPointed && (ranks !== this.ranks || performance.now() - this.orderedAt > RESORT_MS);
        if (isSame && !isDue) return this.order;
        Object.assign(this, { order: sorted([...circuits], sort), orderedAt: performance.now(), ranks, key });
        return this.order;
    }
    render({ selected, current, now, sort, onSort, onOpen, stale }, { first, last }) {
        const order = this.ordered();
        const from = order.length <= ALL ? 0 : Math.min(first, Math.max(0, order.length - (last - first)));
        const rows = order.length <= ALL ? order : order.slice(from, last);
        const tabStop = rows.some((circuit) => circuit.name === current) ? current : rows[0]?.name;
        return html`<table ref=${(element) => (this.element = element)} class=${`circuits${stale ? ' stale' : ''}`} aria-rowcount=${order.length + 1}
            onMouseEnter=${() => (this.isPointed = true)} onMouseLeave=${() => (this.isPointed = false)}>
            <caption class="unseen">Circuits, ${order.length} shown</caption>
            <${Head} sort=${sort} onSort=${onSort} />
            <tbody>
                <${Gap} rows=${from} key="above" />
                ${rows.map((circuit, i) => html`<${Row} key=${`/${circuit.name}`} circuit=${circuit} version=${circuit.version} word=${circuit.shown.word}
                    index=${from + i} selected=${circuit.name === selected} current=${circuit.name === tabStop} now=${now} onOpen=${onOpen} />`)}
                <${Gap} rows=${order.length - from - rows.length} key="below" />
            </tbody>
        </table>`;
    }
}
