// The resource that a tab asks for when it binds (RFC 6120 §7.7.1) is the tab's name, and so
// the same on all its pages. What an earlier page left on the server, because this one
// could not go on with it or did not know of it, gives way to it there (§7.7.2.2): what it
// had not acknowledged is handed on, and nobody stays in a room by it.

import { renameTab, tabName } from './tabs.js';

const CONFLICT = 'conflict';

/** @param {Converse.Api} api */
export function bindByTab(api) {
    const { Connection, getBareJidFromJid } = window.converse.env.Strophe;
    const { bind } = Connection.prototype;
    // Patch: tab-resource
    Connection.prototype.bind = function () {
        if (this.do_bind) this.jid = `${getBareJidFromJid(this.jid)}/${tabName()}`;
        return bind.call(this);
    };
    api.listen.on('connectionInitialized', () => giveWay(api.connection.get()));
}

/**
 * Takes another name where somebody else has this one: a copy of the tab that was taken for it, to which
 * the stream was lost, or an earlier page where the server lets the first one stay (§7.7.2.2).
 * @param {Converse.Connection} connection
 */
function giveWay(connection) {
    const { AUTHFAIL, CONNECTED } = window.converse.env.Strophe.Status;
    const { onConnectStatusChanged } = connection;
    let isNew = false; // the name, since the last stream
    connection.onConnectStatusChanged = (status, condition, ...more) => {
        if (status === CONNECTED) isNew = false;
        if (condition === CONFLICT) {
            const again = status === AUTHFAIL && !isNew; // it was the answer to binding
            isNew = true;
            renameTab();
            if (again) return connection.bind();
        }
        return onConnectStatusChanged.call(connection, status, condition, ...more);
    };
}
