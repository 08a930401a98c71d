// Requests to the agent that served this page. The token travels in a header and lives in this tab only; no URL ever carries it.

const KEY = 'switchgear.token';
let token = null;

try {
    token = sessionStorage.getItem(KEY);
} catch {
    // Storage may be forbidden: then the token lasts until the page is left.
}

export class Problem extends Error {
    constructor(status, body) {
        super(body.detail || body.message || body.title || `the agent answered ${status}`);
        this.status = status;
        this.code = body.code ?? '';
    }
}

export const hasToken = () => token !== null;

export function keepToken(value) {
    token = value;
    try {
        if (value === null) sessionStorage.removeItem(KEY);
        else sessionStorage.setItem(KEY, value);
    } catch {
        // As above.
    }
}

export const authorization = (value = token) => (value ? { Authorization: `Bearer ${value}` } : {});

async function problemOf(response) {
    let body = {};
    try {
        body = await response.json();
    } catch {
        // Not ours: a proxy's page, perhaps. The status says enough.
    }
    return new Problem(response.status, body && typeof body === 'object' ? body : {});
}

// Paths are relative, so that the page works below a prefix of a reverse proxy.
export async function request(path, { method = 'GET', body, token: other, timeout = 10000 } = {}) {
    const headers = { Accept: 'application/json', ...authorization(other) };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const response = await fetch(path, {
        method, headers, body: body === undefined ? undefined : JSON.stringify(body),
        cache: 'no-store', credentials: 'omit', redirect: 'error', signal: AbortSignal.timeout(timeout),
    });
    if (!response.ok) throw await problemOf(response);
    return response.json();
}

export const circuitPath = (name, rest = '') => `v1/circuits/${encodeURIComponent(name)}${rest}`;

export async function open(path, headers, signal) {
    const response = await fetch(path, {
        headers: { Accept: 'text/event-stream', ...authorization(), ...headers },
        cache: 'no-store', credentials: 'omit', redirect: 'error', signal,
    });
    if (!response.ok) throw await problemOf(response);
    return response.body;
}
