// The keyboard: everything works without a pointer. Single keys can be turned off, for those whose software speaks in them.
const KEY = 'switchgear.keys';

export const HELP = [
    ['/', 'filter by text; Enter goes to the first that matches'],
    ['j / k', 'next / previous circuit (also ↓ / ↑)'],
    ['g / G', 'first / last circuit (also Home / End)'],
    ['Enter', 'open the circuit'],
    ['Esc', 'close what is open, clear the filter'],
    ['t r p', 'trip, reset, probe'],
    ['i d s n', 'isolate, disable, shadow, back to normal'],
    ['w', 'worst first again'],
    ['?', 'this list'],
];

let isOn = true;
try {
    isOn = localStorage.getItem(KEY) !== 'off';
} catch {
    // No storage: on.
}

export const areKeysOn = () => isOn;
export function turnKeys(on) {
    isOn = on;
    try {
        localStorage.setItem(KEY, on ? 'on' : 'off');
    } catch {
        // Until the page is left, then.
    }
}

const isTyping = (target) => target.closest?.('input, textarea, select, [contenteditable]');

// actions: key -> function(event) that returns false where it does not apply. Escape is no single-key shortcut and always works.
export function listen(actions) {
    const pressed = (event) => {
        if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || document.querySelector('dialog[open]')) return;
        if (isTyping(event.target) && event.key !== 'Escape') return;
        const isPlain = event.key.length === 1;
        if (isPlain && !isOn) return;
        const action = actions[event.key];
        if (action && action(event) !== false) event.preventDefault();
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
}
