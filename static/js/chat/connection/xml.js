// What XML forbids (XML 1.0 §2.2) and people paste all the same, from documents and
// terminals. Strophe throws on it, and Converse then says nothing and sends nothing.

// A document's line and page breaks.
const BREAKS = /[\u000B\u000C]/g;

// Everything else outside of Char; unpaired surrogates are.
const FORBIDDEN = /[^\t\n\r -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** @param {string} text */
export const allowedInXML = (text) => text.replace(BREAKS, '\n').replace(FORBIDDEN, '');

/** @param {Element} element */
function cleanTree(element) {
    for (const each of [element, ...element.querySelectorAll('*')]) {
        for (const attribute of each.attributes) {
            const value = allowedInXML(attribute.value);
            if (value !== attribute.value) attribute.value = value;
        }
        for (const node of each.childNodes) {
            if (node.nodeType !== Node.TEXT_NODE) continue;
            const value = allowedInXML(node.nodeValue ?? '');
            if (value !== node.nodeValue) node.nodeValue = value;
        }
    }
}

/**
 * Cleans everything that is sent, and messages before they are shown: messages,
 * corrections, topics, names, forms.
 * @param {Converse.Private} _converse
 */
// Patch: well-formed
export function sendWellFormed({ api }) {
    const { Stanza, Strophe } = window.converse.env;
    const { toString } = Stanza.prototype;
    Stanza.prototype.toString = function () {
        return allowedInXML(toString.call(this));
    };
    const { _queueData } = Strophe.Connection.prototype; // what is built without Stanza
    Strophe.Connection.prototype._queueData = function (element) {
        if (element instanceof Element) cleanTree(element);
        return _queueData.call(this, element);
    };
    api.listen.on('getOutgoingMessageAttributes', (chat, attributes) =>
        Object.fromEntries(
            Object.entries(attributes).map(([name, value]) => [name, typeof value === 'string' ? allowedInXML(value) : value]),
        ),
    );
}
