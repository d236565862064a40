// The rows that are in sight. Of thousands of conversations only those are elements.

import { isComposing } from '../../dom.js';
import { fill, shown } from './row.js';

const OVERSCAN_ROWS = 6; // rows above and below those in sight

/** Rows of one height, in an element that scrolls. */
export class Rows {
    /** @type {any[]} each known by its jid */
    #entries = [];
    /** @type {Map<string, {row: HTMLElement, shown: string}>} */
    #rows = new Map();
    #waiting = false;
    #height = 0; // of a row, once it is known

    /**
     * @param {HTMLElement} scroller
     * @param {(entry: any) => string} address of a conversation
     * @param {{fill: (row: HTMLElement, entry: any, address: string) => void, shown: (entry: any) => string, lostFocus?: () => void, drawn?: (next: any) => void}} row how one is filled, what it shows, what happens when the one that had the focus is gone, and after some are drawn, with what comes below them
     */
    constructor(scroller, address, row = { fill, shown }) {
        this.scroller = scroller;
        this.address = address;
        this.row = row;
        this.list = document.createElement('ul');
        this.list.className = 'conversations-rows';
        this.list.setAttribute('role', 'list');
        scroller.append(this.list);
        scroller.addEventListener('scroll', () => this.#later(), { passive: true });
        scroller.addEventListener('focusin', () => this.#stop());
        new ResizeObserver(() => {
            this.#height = 0;
            this.#later();
        }).observe(scroller);
    }

    /** @param {any[]} entries */
    show(entries) {
        this.#entries = entries;
        this.#later();
    }

    /** Puts the focus on a row, in sight or not. @param {number} index */
    focus(index) {
        const entry = this.#entries.at(index);
        if (!entry) return;
        if (!this.#rows.has(entry.jid)) {
            this.scroller.scrollTop = this.#entries.indexOf(entry) * this.height;
            this.#draw();
        }
        this.#rows.get(entry.jid)?.row.querySelector('a, button')?.focus();
    }

    /**
     * Arrow keys go through the rows, from the field before them on, Home and End to their ends.
     * @param {KeyboardEvent} event
     * @param {HTMLElement} field
     * @returns {boolean} whether it was such a key
     */
    move(event, field) {
        const { key, target } = event;
        if (isComposing(event)) return false; // the key is for what is being written
        const at = target === field ? -1 : Number(/** @type {HTMLElement} */ (target).parentElement?.dataset.index); // no number elsewhere
        if (key === 'ArrowDown' && at >= -1) this.focus(at + 1);
        else if (key === 'ArrowUp' && at > 0) this.focus(at - 1);
        else if (key === 'ArrowUp' && at === 0) field.focus();
        else if (key === 'Home' && at >= 0) this.focus(0);
        else if (key === 'End' && at >= 0) this.focus(-1);
        else return false;
        event.preventDefault();
        return true;
    }

    /** Tab comes to the row that has the focus, or is open, or is the first; the arrow keys go to the others. */
    #stop() {
        const all = /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll('a, button')]);
        const stop = all.find((each) => each === document.activeElement) ?? all.find((each) => each.ariaCurrent) ?? all[0];
        for (const each of all) each.tabIndex = each === stop ? 0 : -1;
    }

    /** The height of a row, in pixels: that of the style sheet. */
    get height() {
        this.#height ||= Number.parseFloat(getComputedStyle(this.list).getPropertyValue('--row-height')) * Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 64;
        return this.#height;
    }

    #later() {
        if (this.#waiting) return;
        this.#waiting = true;
        requestAnimationFrame(() => {
            this.#waiting = false;
            this.#draw();
        });
    }

    #draw() {
        const { height } = this;
        const from = Math.max(0, Math.floor(this.scroller.scrollTop / height) - OVERSCAN_ROWS);
        const to = Math.min(this.#entries.length, Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / height) + OVERSCAN_ROWS);
        this.list.style.height = `${this.#entries.length * height}px`;
        const gone = new Set(this.#rows.keys());
        for (let i = from; i < to; i++) {
            const entry = this.#entries[i];
            this.#place(entry, i, height);
            gone.delete(entry.jid);
        }
        for (const jid of gone) {
            const { row } = /** @type {{row: HTMLElement}} */ (this.#rows.get(jid));
            const focused = row.contains(document.activeElement);
            if (focused && this.#entries.some((entry) => entry.jid === jid)) continue; // the focus is not taken away by scrolling
            row.remove();
            this.#rows.delete(jid);
            if (focused) this.row.lostFocus?.();
        }
        this.#inOrder();
        this.#stop();
        this.row.drawn?.(this.#entries[to]);
    }

    #place(entry, index, height) {
        let known = this.#rows.get(entry.jid);
        if (!known) {
            known = { row: document.createElement('li'), shown: '' };
            this.#rows.set(entry.jid, known);
            this.list.append(known.row);
        }
        const now = this.row.shown(entry);
        if (now !== known.shown) {
            const focused = known.row.contains(document.activeElement);
            this.row.fill(known.row, entry, this.address(entry));
            known.shown = now;
            if (focused) known.row.querySelector('a, button')?.focus({ preventScroll: true });
        }
        known.row.style.transform = `translateY(${index * height}px)`;
        known.row.dataset.index = String(index);
        known.row.setAttribute('aria-posinset', String(index + 1));
        known.row.setAttribute('aria-setsize', String(this.#entries.length));
    }

    /** They are read as they are seen. */
    #inOrder() {
        const rows = [...this.list.children];
        const sorted = rows.toSorted((a, b) => Number(/** @type {HTMLElement} */ (a).dataset.index) - Number(/** @type {HTMLElement} */ (b).dataset.index));
        sorted.forEach((row, i) => {
            if (this.list.children[i] !== row) this.list.insertBefore(row, this.list.children[i]);
        });
    }
}
