// Messages that may have been lost with a stream: Converse forgets what was on
// its way when a stream cannot be resumed (the server was restarted), and over
// BOSH it never knew. What was sent shortly before is sent again, marked as
// delayed; the server knows by their ids which of them it has.

// How long before the loss a message may have been sent. A BOSH request that
// nobody answers is noticed after a minute.
const WINDOW = 2 * 60 * 1000; // ms

/** Whether a stanza is a message that says something. */
const says = (stanza) => stanza.nodeName === 'message' && Boolean(stanza.querySelector('body'));

/** @param {Converse.Private} _converse */
export function resendUnacknowledged(_converse) {
    const { api } = _converse;
    /** @type {{at: number, raw: string}[]} */
    let recent = [];

    api.listen.on('send', (stanza) => {
        const element = stanza?.tree?.() ?? stanza;
        const now = Date.now();
        recent = recent.filter(({ at }) => now - at < WINDOW);
        if (element instanceof Element && says(element)) {
            recent.push({ at: now, raw: new XMLSerializer().serializeToString(element) });
        }
    });
    api.listen.on('reconnected', () => {
        // A resumed stream has lost nothing (XEP-0198 §5).
        if (api.connection.get().restored) return;
        const now = Date.now();
        const again = recent.filter(({ at }) => now - at < WINDOW);
        recent = [];
        for (const { raw } of again) {
            const stanza = new DOMParser().parseFromString(raw, 'text/xml').documentElement;
            if (!stanza.querySelector('delay')) {
                const delay = stanza.ownerDocument.createElementNS('urn:xmpp:delay', 'delay');
                delay.setAttribute('xmlns', 'urn:xmpp:delay'); // Strophe writes attributes only
                delay.setAttribute('from', _converse.session.get('bare_jid'));
                delay.setAttribute('stamp', new Date().toISOString());
                stanza.append(delay);
            }
            api.send(stanza);
        }
    });
}
