// What may be meant by what stands before the caret: names after an @, emoji after a colon.

import { fold, nearestFirst } from '../search/fold.js';

/** @typedef {{label: string, sign: string, text: string}} Suggestion what is read, the sign before it, and what is put into the field */

const MAX_SUGGESTIONS = 8; // that are offered

const { compare } = new Intl.Collator();

/** Names of the people of a room that begin so, or one of whose words does; those who are there before others. */
function namesLike(chat, typed) {
    const own = chat.get('nick');
    const start = fold(typed);
    const names = (chat.getAllKnownNicknames?.() ?? []).filter((name) => name !== own);
    if (names.some((name) => fold(name) === start.trimEnd())) return []; // it is complete
    const here = new Set(chat.occupants?.map((occupant) => occupant.get('nick')));
    const like = names
        .filter((name) => fold(name).startsWith(start) || (start && fold(name).split(/\s+/).some((word) => word.startsWith(start))))
        .sort((a, b) => Number(here.has(b)) - Number(here.has(a)) || compare(a, b));
    return nearestFirst(like.map((name) => ({ name })), typed).map(({ name }) => ({ label: name, sign: '', text: `@${name} ` }));
}

const character = (codes) => String.fromCodePoint(...codes.split('-').map((code) => Number.parseInt(code, 16)));

/** Emoji by their short names: those that begin so, then those that have it within. */
async function emojiLike(api, typed) {
    await api.emojis.initialize();
    const name = typed.toLowerCase();
    const found = window.converse.emojis.list.filter(({ sn, cp }) => cp && sn.includes(name));
    const begins = ({ sn }) => (sn.startsWith(`:${name}`) ? 0 : 1);
    return found
        .sort((a, b) => begins(a) - begins(b) || a.sn.length - b.sn.length)
        .map(({ sn, cp }) => ({ label: sn.replaceAll(':', '').replaceAll('_', ' '), sign: character(cp), text: `${character(cp)} ` }));
}

/**
 * What is offered, and where what it completes begins.
 * @param {Converse.Api} api
 * @param {any} chat
 * @param {string} before the caret
 * @returns {Promise<{from: number, suggestions: Suggestion[]}>}
 */
export async function suggestionsFor(api, chat, before) {
    const [, name] = /(?:^|\s)@([^\n@]{0,40})$/.exec(before) ?? [];
    const [, emoji] = /(?:^|\s):([\w+-]{2,30})$/.exec(before) ?? [];
    const names = name === undefined ? [] : namesLike(chat, name);
    const suggestions = names.length || emoji === undefined ? names : await emojiLike(api, emoji);
    return { from: before.length - ((names.length ? name : emoji) ?? '').length - 1, suggestions: suggestions.slice(0, MAX_SUGGESTIONS) };
}
