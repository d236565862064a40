// What a text's marks will do to it (XEP-0393), shown while it is written. The text in
// the field stays as it is typed, by the browser's own hand; behind it lies a copy in
// which only what the marks add is painted: weight, lines and grounds, nothing that is
// wider than the text itself. A copy on top, in place of the text, would show more and
// break more: the caret, the selection, spelling marks and what input methods compose.

const MAX_STYLED_LENGTH = 5000; // characters; beyond, nobody looks at marks

/** @type {Record<string, string>} */
const SPANS = { '*': 'strong', _: 'emphasis', '~': 'strike', '`': 'code' };
const FENCE = '```';

const span = (kind, ...content) => {
    const element = Object.assign(document.createElement('span'), { className: `styled styled--${kind}` });
    element.append(...content);
    return element;
};

/** Where a span that opens at a place ends; -1: it is none (§6.2). */
function spanEnd(line, at) {
    const sign = line[at];
    const opens = at === 0 || /\s/.test(line[at - 1]) || (line[at - 1] in SPANS && line[at - 1] !== sign);
    if (!opens || !line[at + 1] || /\s/.test(line[at + 1])) return -1;
    for (let end = line.indexOf(sign, at + 2); end >= 0; end = line.indexOf(sign, end + 1)) {
        if (!/\s/.test(line[end - 1])) return end;
    }
    return -1;
}

/** The spans of one line. @returns {(Node | string)[]} */
function spansOf(line) {
    const parts = [];
    let plain = 0;
    for (let at = 0; at < line.length; at++) {
        const end = line[at] in SPANS ? spanEnd(line, at) : -1;
        if (end < 0) continue;
        const inner = line.slice(at + 1, end);
        parts.push(line.slice(plain, at), span(SPANS[line[at]], line[at], ...(line[at] === '`' ? [inner] : spansOf(inner)), line[end]));
        plain = end + 1;
        at = end;
    }
    return [...parts, line.slice(plain)];
}

/** A line without the marks of its spans. @param {string} line @returns {string} */
function plainLine(line) {
    let text = '';
    let plain = 0;
    for (let at = 0; at < line.length; at++) {
        const end = line[at] in SPANS ? spanEnd(line, at) : -1;
        if (end < 0) continue;
        const inner = line.slice(at + 1, end);
        text += line.slice(plain, at) + (line[at] === '`' ? inner : plainLine(inner));
        plain = end + 1;
        at = end;
    }
    return text + line.slice(plain);
}

/** A text without marks, for where it stands in one line; as the site does it (internal/stanza/line.go). @param {string} text */
export function unstyled(text) {
    if (!/[*_~`>]/.test(text)) return text;
    let fenced = false;
    return text.slice(0, MAX_STYLED_LENGTH).split('\n').flatMap((line) => {
        if (!line.startsWith(FENCE)) return fenced ? [line] : [plainLine(line.replace(/^(?:> ?)+/, ''))];
        fenced = !fenced;
        return [];
    }).join('\n');
}

/** A text with its marks painted. @param {string} text @returns {(Node | string)[]} */
function styled(text) {
    let fenced = false;
    return text.split('\n').flatMap((line) => {
        const fence = line.startsWith(FENCE); // §5.1.2
        const code = fenced || fence;
        if (fence) fenced = !fenced;
        if (code) return [span('code', line), '\n'];
        return [...(line.startsWith('>') ? [span('quote', ...spansOf(line))] : spansOf(line)), '\n']; // §5.1.3
    });
}

/**
 * Paints what a text's marks do.
 * @param {HTMLElement} copy behind the field
 * @param {HTMLTextAreaElement} textarea
 */
export function paintStyling(copy, { value, scrollTop }) {
    const marked = value.length <= MAX_STYLED_LENGTH && /[*_~`>]/.test(value);
    copy.replaceChildren(...(marked ? styled(value) : []));
    copy.scrollTop = scrollTop;
}
