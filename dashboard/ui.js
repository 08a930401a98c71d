// The small parts that the rest of the page is put together from. Text from the agent becomes text nodes, here as everywhere.
import { html, useEffect, useReducer, useRef } from './vendor/htm-preact.js';
import { subscribe } from './store.js';
import { localTime, utcTime } from './words.js';

export { Component, h, html, render, useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from './vendor/htm-preact.js';

export const Icon = ({ name, size = 16, label }) =>
    label
        ? html`<svg class="icon" width=${size} height=${size} role="img" aria-label=${label}><use href=${`#i-${name}`} /></svg>`
        : html`<svg class="icon" width=${size} height=${size} aria-hidden="true"><use href=${`#i-${name}`} /></svg>`;

export const StateBadge = ({ shown, large }) => html`
    <span class=${`state tone-${shown.tone}${large ? ' large' : ''}`} title=${shown.says}>
        <${Icon} name=${`state-${shown.tone}`} size=${large ? 20 : 16} />
        <span class="state-word">${shown.word.replace('_', ' ')}</span>
    </span>`;

export const Time = ({ ms }) => html`<time datetime=${new Date(ms).toISOString()} title=${utcTime(ms)}>${localTime(ms)}</time>`;

// Links go to the web or nowhere: an address from a configuration might say javascript:.
export function Link({ to, children }) {
    let url = null;
    try {
        url = new URL(to);
    } catch {
        // Not an address: shown as it is.
    }
    if (!url || !/^https?:$/.test(url.protocol)) return html`<span>${children ?? to}</span>`;
    return html`<a href=${url.href} target="_blank" rel="noopener noreferrer">${children ?? to}<${Icon} name="out" size=${12} label="(opens in a new tab)" /></a>`;
}

// What draws on a canvas reads its colours from the style sheet, once for each theme.
const colors = new Map();
export function color(name) {
    if (!colors.has(name)) colors.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
    return colors.get(name);
}
export const forgetColors = () => colors.clear();

// Renders anew with every change of the store.
export function useStore() {
    const [, again] = useReducer((n) => n + 1, 0);
    useEffect(() => subscribe(again), []);
}

// A <dialog> that is modal as long as it exists; the browser keeps the focus inside, and Escape closes it.
export function Modal({ class: name, labelledby, onClose, children }) {
    const dialog = useRef(null);
    useEffect(() => {
        const element = dialog.current, before = document.activeElement;
        element.showModal();
        return () => {
            element.close(); // what lies behind can take no focus as long as it is open
            if (before?.isConnected) before.focus();
        };
    }, []);
    const outside = (event) => event.target === dialog.current && onClose();
    const cancelled = (event) => {
        event.preventDefault();
        onClose();
    };
    return html`<dialog ref=${dialog} class=${name} aria-labelledby=${labelledby} onCancel=${cancelled} onMouseDown=${outside}>
        ${children}
    </dialog>`;
}
