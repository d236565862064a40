// Starts Converse once per document, for the person the page was made for.

import { ignoreAddress } from './address.js';
import { beginStream, joinStream } from './connection/early.js';
import { noteWhoIsHere } from './signin/forget.js';
import { askConversations } from './list/ask.js';
import { prepareTab } from './connection/tabs.js';
import { panel } from './panel.js';
import { recordEarlyClick } from './keys/earlyClick.js';
import { settings } from './settings.js';
import { transport } from './connection/transport.js';
import { plugin } from './plugin.js';
import { rewordConverse } from './words.js';

/** Resolves when a module has run. @param {string} src */
function load(src) {
    return new Promise((resolve, reject) => {
        const script = Object.assign(document.createElement('script'), { type: 'module', src });
        script.onload = resolve;
        script.onerror = () => reject(new Error(`${src} did not load`));
        document.head.append(script);
    });
}

/** Plugins that others name, and of which nothing is there (scripts/converse.mjs). */
const LEFT_OUT = ['converse-adhoc', 'converse-version', 'converse-rosterview', 'converse-adhoc-views', 'converse-dragresize'];

/** Whether a style sheet of the page has come: one that failed has no rules, or none that may be read. @param {string} href */
function hasCome(href) {
    try {
        return /** @type {HTMLLinkElement} */ (document.querySelector(`link[href="${href}"]`)).sheet?.cssRules.length !== 0;
    } catch {
        return false;
    }
}

/**
 * Resolves with Converse when its module has run. Its style sheets are the page's own, so that the browser computes all
 * styles once.
 */
async function loadConverse(config) {
    const missing = config.chatStyles.find((href) => !hasCome(href));
    if (missing) throw new Error(`${missing} did not load`);
    // Converse finds its own files by the address of this element.
    await load(config.converseJS);
    return window.converse;
}

/** @param {import('./types.js').ChatConfig} config */
async function start(config) {
    ignoreAddress();
    const stream = beginStream(config);
    try {
        await startConverse(config, stream);
    } catch (cause) {
        stream?.close(); // nobody is there to use it
        throw cause;
    }
}

/**
 * @param {import('./types.js').ChatConfig} config
 * @param {ReturnType<typeof beginStream>} stream
 */
async function startConverse(config, stream) {
    const conversations = askConversations();
    conversations.catch(() => {}); // the list says so
    const loading = loadConverse(config);
    const [converse] = await Promise.all([
        loading,
        prepareTab(config.user),
        config.login === 'password' ? transport.probe(config) : null,
    ]);
    joinStream(stream);
    rewordConverse(converse);
    // Patch: left-out
    for (const name of LEFT_OUT) converse.plugins.add(name, {});
    converse.plugins.add('foyer', plugin(config, conversations));
    await converse.initialize(settings(config, converse));
}

/** @param {import('./types.js').ChatConfig} config */
export async function startChat(config) {
    panel.prepare();
    recordEarlyClick();
    noteWhoIsHere(config);
    if (!window.isSecureContext) {
        panel.notice('The chat needs a secure connection: the address of this site should begin with https.');
        return;
    }
    try {
        await start(config);
    } catch (cause) {
        console.error('The chat did not start.', cause);
        panel.notice('The chat did not start.', { href: location.pathname, label: 'Reload' });
    }
}
