// Starts Converse once per document, for the person the page was made for.

import { prepareTab } from './tabs.js';
import { panel } from './panel.js';
import { settings } from './settings.js';
import { transport } from './transport.js';
import { plugin } from './plugin.js';

/** Resolves with Converse when its module has run. */
function converseLoaded() {
    if (window.converse) return Promise.resolve(window.converse);
    return new Promise((resolve) => {
        window.addEventListener('converse-loaded', (event) => resolve(event.detail.converse), { once: true });
    });
}

function load(tag, attributes) {
    const element = Object.assign(document.createElement(tag), attributes);
    document.head.append(element);
}

/** @param {import('./types.js').ChatConfig} config */
export async function startChat(config) {
    panel.prepare();
    const tab = prepareTab(config.user);
    load('link', { rel: 'stylesheet', href: config.converseCSS });
    load('link', { rel: 'stylesheet', href: config.chatCSS });
    // Converse finds its own files by the address of this element.
    load('script', { type: 'module', src: config.converseJS });
    await tab;
    if (config.login === 'password') await transport.probe(config);
    const converse = await converseLoaded();
    converse.plugins.add('foyer', plugin(config));
    await converse.initialize(settings(config, converse));
}
