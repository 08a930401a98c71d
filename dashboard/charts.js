// The charts of one circuit: uPlot over its last minutes, with one cursor for all of them.
import { HISTORY, columns, newest, span } from './history.js';
import { Component, color, html } from './ui.js';
import { STATES, clockTime, latency, localTime, perSecond, share, shortCount } from './words.js';

const uPlot = window.uPlot;
const LEAST_S = 60;

export const CHARTS = [
    { title: 'Calls per second', format: perSecond, least: 1, series: [['calls', 'made', 'series-1'], ['rejected', 'rejected', 'open']] },
    { title: 'Failing calls', format: share, least: 0.1, most: 1, series: [['failing', 'of the last minute', 'series-2']] },
    { title: 'Latency', format: latency, least: 1e-6, series: [['p50', 'p50', 'series-5'], ['p99', 'p99', 'series-3']] },
    { title: 'Calls in flight', format: shortCount, least: 2, series: [['inFlight', 'in flight', 'series-4']] },
];

function options({ format, least: floor, most = Infinity, series }, width, height, atCursor) {
    const axis = { stroke: color('muted'), font: '11px system-ui, sans-serif', grid: { stroke: color('line'), width: 1 }, ticks: { show: false } };
    return {
        width, height, padding: [8, 10, 0, 0], legend: { show: false }, hooks: { setCursor: [(chart) => atCursor(chart.cursor.idx ?? null)] },
        cursor: { y: false, drag: { setScale: false, x: false, y: false }, sync: { key: 'circuit' }, points: { size: 5 } },
        scales: {
            x: { time: true, range: (_, least, latest) => [latest - span(LEAST_S, HISTORY), latest] },
            y: { range: (_, least, largest) => [0, Math.min(most, Math.max(largest || 0, floor)) * 1.08] },
        },
        axes: [
            { ...axis, space: 72, size: 22, values: (_, marks) => marks.map((s) => clockTime(s * 1000).slice(0, span(LEAST_S, HISTORY) < 180 ? 8 : 5)) },
            { ...axis, space: 26, size: 52, values: (_, marks) => marks.map((value) => format(value)) },
        ],
        series: [{}, ...series.map(([, label, tone]) => ({ label, stroke: color(tone), fill: `${color(tone)}1f`, width: 1.5, points: { show: false } }))],
    };
}

class Chart extends Component {
    componentDidMount() {
        this.build();
        this.resized = new ResizeObserver(() => this.plot.setSize({ width: this.host.clientWidth, height: this.props.height }));
        this.resized.observe(this.host);
    }
    componentDidUpdate(before) {
        if (before.theme !== this.props.theme || before.series !== this.props.series) this.build();
        else this.plot.setData(this.data());
    }
    componentWillUnmount() {
        this.resized.disconnect();
        this.plot.destroy();
    }
    shouldComponentUpdate(next, state) {
        return next.version !== this.props.version || next.theme !== this.props.theme || next.series !== this.props.series || state.at !== this.state.at;
    }
    data() {
        this.shown = columns(this.props.series, this.props.chart.series.map(([name]) => name));
        return this.shown;
    }
    build() {
        this.plot?.destroy();
        const at = (index) => index !== this.state.at && this.setState({ at: index });
        this.plot = new uPlot(options(this.props.chart, this.host.clientWidth, this.props.height, at), this.data(), this.host);
    }
    value(i) {
        const values = this.shown?.[i + 1] ?? [];
        return this.props.chart.format(values[this.state.at ?? values.length - 1]);
    }
    render({ chart }) {
        const when = this.state.at === null || this.state.at === undefined ? '' : this.shown?.[0][this.state.at];
        return html`<figure class="chart">
            <figcaption><span class="chart-title">${chart.title}</span>
                <span class="legend">${chart.series.map(([, label, tone], i) => html`<span class=${`key tone-${tone}`}>${label} <b>${this.value(i)}</b></span>`)}
                    ${when ? html`<span class="when">at ${localTime(when * 1000)}</span>` : null}</span></figcaption>
            <div class="plot" aria-hidden="true" ref=${(host) => (this.host = host)}></div>
        </figure>`;
    }
}

export const Charts = ({ circuit, theme }) =>
    CHARTS.map((chart) => html`<${Chart} key=${chart.title} chart=${chart} series=${circuit.series} version=${circuit.version} theme=${theme} height=${104} />`);

// The states of the last minutes as a band; the words for it are in the list of events.
export class Band extends Component {
    componentDidMount() {
        this.paint();
    }
    componentDidUpdate() {
        this.paint();
    }
    paint() {
        const { canvas } = this;
        const width = canvas.clientWidth, height = 14, scale = window.devicePixelRatio || 1;
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
        const context = canvas.getContext('2d');
        context.scale(scale, scale);
        const tones = Object.values(STATES).map((state) => state.tone);
        const seconds = span(LEAST_S, HISTORY);
        const states = newest(this.props.circuit.series.state, seconds);
        for (let from = 0, to; from < seconds; from = to) {
            for (to = from + 1; to < seconds && Object.is(states[to], states[from]); to++);
            const tone = tones[states[from]];
            context.fillStyle = color(tone ?? 'line');
            context.fillRect((from / seconds) * width, tone ? 0 : height - 1, ((to - from) / seconds) * width, height);
        }
    }
    render() {
        return html`<canvas class="band" aria-hidden="true" ref=${(canvas) => (this.canvas = canvas)}></canvas>`;
    }
}
