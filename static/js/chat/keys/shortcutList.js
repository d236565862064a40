// The dialog that lists the keys.

import { closeBeside } from '../../dom.js';
import { showModal } from '../dialogs/overlayHistory.js';

/** How keys are called. */
const NAMES = { ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc', Slash: '/' };
const NAMES_ON_MAC = { ...NAMES, Ctrl: '⌘', Alt: '⌥', Shift: '⇧' };

export class ShortcutList {
    /**
     * @param {[string, import('./shortcuts.js').Shortcut[]][]} groups
     * @param {boolean} mac whether keys are called as on a Mac
     * @param {string} off under which the browser keeps that ? does not open the list
     */
    constructor(groups, mac, off) {
        const names = mac ? NAMES_ON_MAC : NAMES;
        this.nameOf = (key) => names[key] ?? key.replace(/^Key/, '');
        this.groups = groups;
        this.off = off;
        this.dialog = Object.assign(document.createElement('dialog'), { id: 'shortcuts', className: 'shortcuts' });
        this.dialog.setAttribute('aria-labelledby', 'shortcuts-title');
        document.body.append(this.dialog);
        closeBeside(this.dialog);
    }

    toggle() {
        if (this.dialog.open) return this.dialog.close();
        this.#draw();
        showModal(this.dialog);
        return undefined;
    }

    #draw() {
        const { html, render } = window.converse.env;
        const combination = (keys) => keys.split('+').map((key) => html`<kbd>${this.nameOf(key)}</kbd>`);
        render(html`
            <header><h2 id="shortcuts-title">Keyboard shortcuts</h2>
                <button type="button" class="shortcuts__close" aria-label="Close" @click=${() => this.dialog.close()}></button></header>
            <div class="shortcuts__groups" tabindex="0" role="group" aria-label="All shortcuts">
                ${this.groups.map(([group, entries]) => html`<section><h3>${group}</h3><dl>
                    ${entries.map(({ keys, what }) => html`<div><dt>${what}</dt><dd>${keys.map((each, i) => html`${i ? ' or ' : ''}${combination(each)}`)}</dd></div>`)}
                </dl></section>`)}
            </div>
            <label class="room-choice"><input type="checkbox" .checked=${!localStorage.getItem(this.off)} @change=${(event) => this.#keep(event.target.checked)}>
                <span>The key ? opens this list</span></label>`, this.dialog);
    }

    #keep(on) {
        if (on) localStorage.removeItem(this.off);
        else localStorage.setItem(this.off, '1');
    }
}
