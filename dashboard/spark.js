// Sparklines: up to two minutes in a strip of a few pixels.
import { Component, html } from './ui.js';
import { newest, span } from './history.js';

const SECONDS = [30, 120];
const WIDTH = 72;
const HEIGHT = 22;
const FLOOR = HEIGHT - 1;

const scratch = [[], []];

function peak(values, seconds) {
    let most = 0;
    for (let i = 0; i < seconds && i < values.length; i++) if (values[i] > most) most = values[i];
    return most;
}

// The paths of line and area, with a gap where nothing is known.
function paths(values, seconds, top) {
    let line = '', area = '', from = -1;
    for (let i = 0; i <= seconds; i++) {
        const isKnown = i < seconds && !Number.isNaN(values[i]);
        const x = (((i + 1) / seconds) * WIDTH).toFixed(1);
        if (!isKnown) {
            if (from >= 0) area += `V${FLOOR}H${from}`;
            from = -1;
            continue;
        }
        const y = (FLOOR - (Math.min(values[i], top) / top) * (HEIGHT - 3)).toFixed(1);
        if (from < 0) area += `M${x} ${FLOOR}V${y}`;
        else area += `L${x} ${y}`;
        line += from < 0 ? `M${x} ${y}h.1` : `L${x} ${y}`;
        if (from < 0) from = x;
    }
    return { line, area };
}

export class Spark extends Component {
    shouldComponentUpdate(next) {
        return next.version !== this.props.version || next.series !== this.props.series;
    }
    curve(values, seconds, top, tone) {
        const { line, area } = paths(values, seconds, top);
        return html`<g class=${`tone-${tone}`}><path class="spark-area" d=${area} /><path class="spark-line" d=${line} /></g>`;
    }
    render({ series, main, second, tone, secondTone, least = 1e-9 }) {
        const seconds = span(...SECONDS);
        const values = newest(series[main], seconds, scratch[0]);
        const others = second ? newest(series[second], seconds, scratch[1]) : [];
        const secondPeak = peak(others, seconds);
        const top = Math.max(peak(values, seconds), secondPeak, least);
        return html`<svg class="spark" width=${WIDTH} height=${HEIGHT} aria-hidden="true">
            <path class="spark-floor" d=${`M0 ${FLOOR}.5H${WIDTH}`} />
            ${secondPeak > 0 && this.curve(others, seconds, top, secondTone)}${this.curve(values, seconds, top, tone)}
        </svg>`;
    }
}
