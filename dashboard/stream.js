// Server-sent events by fetch: EventSource can send no Authorization header. Resumes after the last event it saw, for ever.
import { open } from './api.js';

const SILENCE_MS = 8000; // ticks come every second: a stream that says nothing for so long is dead
const OPENING_MS = 8000;
const BACKOFF_MS = [250, 5000];
const LINE_MAX = 8 * 1024 * 1024; // a tick of a few thousand circuits is under one

// Feeds text in, calls `on` with { id, event, data } for each message, and `alive` for anything at all.
export function createParser(on) {
    let rest = '', event = '', data = [], id;
    const field = (name, value) => {
        if (name === 'event') event = value;
        else if (name === 'data') data.push(value);
        else if (name === 'id' && !value.includes('\0')) id = value;
    };
    const line = (text) => {
        if (text === '') {
            if (data.length) on({ id, event: event || 'message', data: data.join('\n') });
            event = '';
            data = [];
            id = undefined;
            return;
        }
        const colon = text.indexOf(':');
        if (colon === 0) return;
        if (colon < 0) field(text, '');
        else field(text.slice(0, colon), text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1));
    };
    return (text) => {
        const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
        rest = lines.pop();
        if (rest.length > LINE_MAX) throw new Error('a line of the stream is too long');
        lines.forEach(line);
    };
}

// on.message({ id, event, data }), on.opened(), on.lost(error, next try in ms). Returns { again(), stop() }.
export function follow(path, on) {
    let lastId, failures = 0, timer = 0, controller = null, stopped = false;

    const wait = () => {
        const [least, most] = BACKOFF_MS;
        return Math.min(most, least * 2 ** Math.min(failures, 10)) * (0.75 + Math.random() / 2);
    };
    const receive = async (body, abort) => {
        const reader = body.pipeThrough(new TextDecoderStream()).getReader();
        const parse = createParser((message) => {
            if (message.id !== undefined) lastId = message.id;
            on.message(message);
        });
        for (;;) {
            const dog = setTimeout(() => abort('the stream fell silent'), SILENCE_MS);
            const { done, value } = await reader.read().finally(() => clearTimeout(dog));
            if (done) throw new Error('the agent closed the stream');
            failures = 0;
            parse(value);
        }
    };
    const run = async () => {
        const mine = new AbortController();
        controller = mine;
        const abort = (why) => mine.abort(new Error(why));
        const dog = setTimeout(() => abort('the agent does not answer'), OPENING_MS);
        try {
            const body = await open(path, lastId === undefined ? {} : { 'Last-Event-ID': lastId }, mine.signal);
            clearTimeout(dog);
            on.opened();
            await receive(body, abort);
        } catch (error) {
            clearTimeout(dog);
            mine.abort(); // whatever else it was that failed, the connection is not to linger
            if (stopped || controller !== mine) return;
            const delay = wait();
            failures++;
            timer = setTimeout(run, delay);
            on.lost(error, delay);
        }
    };
    const again = () => {
        if (stopped) return;
        clearTimeout(timer);
        controller?.abort();
        controller = null;
        failures = 0;
        run();
    };
    run();
    return {
        again,
        stop() {
            stopped = true;
            clearTimeout(timer);
            controller?.abort();
        },
    };
}
