// When somebody was last around.

import { shortTime } from '../list/time.js';
import { siteTime } from '../siteTime.js';

const LAST = 'jabber:iq:last';
const DAY_S = 24 * 60 * 60;

/** When somebody was last around, in words (XEP-0012 §4); empty if the server does not say. */
export async function lastSeen(api, jid) {
    const { stx, u } = window.converse.env;
    const ask = stx`<iq type="get" to="${jid}" id="${u.getUniqueId('last')}" xmlns="jabber:client"><query xmlns="${LAST}"/></iq>`;
    const answer = await api.sendIQ(ask).catch(() => null);
    const seconds = Number.parseInt(answer?.querySelector('query')?.getAttribute('seconds') ?? '', 10);
    if (!(seconds > 0)) return '';
    const then = shortTime(new Date(siteTime.now() - seconds * 1000).toISOString());
    if (then === 'Yesterday') return 'Last seen yesterday';
    return seconds < 7 * DAY_S ? `Last seen ${then}` : `Last seen on ${then}`;
}
