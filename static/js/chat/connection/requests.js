// The requests of BOSH that are under way when a page goes away. Nobody knows whether
// they reached the server, and what it answered is lost with the page. So the tab keeps
// them, and the next page makes them again, by the same ids: the server takes in what
// it does not have, and repeats what it answered (XEP-0124 §14.3).

import { keepInTab } from './tabStore.js';

const KEY = 'foyer-requests';

const parse = (xml) => new DOMParser().parseFromString(xml, 'text/xml').documentElement;

/** Whether the connection is BOSH's, with a session that goes on after a reload. */
const isKept = (connection) => connection.isType('bosh') && connection.authenticated && Boolean(connection._proto.sid);

let noted = false; // whether this page has noted any

/** Notes which are under way; while this page has made none they are those of the page before. */
function note(connection) {
    if (!isKept(connection)) return;
    const { sid, _requests } = connection._proto;
    if (!noted && _requests.length === 0) return;
    noted = true;
    const made = _requests.map(({ rid, data }) => ({ rid, data }));
    keepInTab(KEY, JSON.stringify({ sid, made }));
}

export const requests = {
    /**
     * Notes them from now on: whenever one was answered, and before one is made. Firefox makes none for a page that is
     * on its way out, and says so by an exception; Strophe has counted it by then, and the next page goes on from that count.
     */
    watch() {
        const { prototype } = window.converse.env.Strophe.Bosh;
        const { _throttledRequestHandler } = prototype;
        // Patch: requests-noted
        prototype._throttledRequestHandler = function () {
            note(this._conn);
            return _throttledRequestHandler.call(this);
        };
    },

    forget: () => sessionStorage.removeItem(KEY),

    /**
     * Makes those of the page before again, if they are of this session and none is
     * missing between them and the next.
     */
    repeat(connection) {
        const { sid, made } = JSON.parse(sessionStorage.getItem(KEY) ?? '{}');
        const proto = connection._proto;
        if (!isKept(connection) || sid !== proto.sid) return;
        const next = Number(proto.rid);
        if (!made.every(({ rid }, i) => rid === next - made.length + i)) return;
        const later = connection._data;
        proto.rid = next - made.length;
        for (const { data } of made) {
            const stanzas = [...parse(data).children];
            connection._data = stanzas.length ? stanzas : [null];
            proto._onIdle();
        }
        connection._data = later;
    },
};
