// The plugin that joins Converse to the site: signing in, presence on the
// pages, unread messages, signing out.

import { LoginGuard } from './loginGuard.js';
import { followPresence } from './presence.js';
import { countUnread } from './unread.js';
import { handleSignOut } from './signout.js';
import { openChats } from './people.js';
import { receiveInvitations } from './invitations.js';
import { resendUnacknowledged } from './resend.js';
import { hideAddresses } from './names.js';
import { explainFailedFiles } from './upload.js';
import { blockPeople } from './blocking.js';
import { comeBackToRooms } from './rejoin.js';
import { closeMenus } from './menus.js';
import { oneChatEach } from './chats.js';
import { rememberGaps } from './gaps.js';
import { paintIcons } from './icons.js';
import { panel } from './panel.js';

/** @param {import('./types.js').ChatConfig} config */
export function plugin(config) {
    return {
        dependencies: ['converse-chat', 'converse-roster', 'converse-chatboxes'],
        initialize() {
            const { _converse } = this;
            const { api } = _converse;
            const guard = new LoginGuard(config);

            guardLogin(api, guard, config);
            api.listen.on('connected', () => guard.connected());
            api.listen.on('reconnected', () => guard.connected());
            api.listen.on('will-reconnect', () => panel.notice('Reconnecting …'));

            hideAddresses(_converse);
            followPresence(_converse);
            countUnread(_converse);
            openChats(_converse);
            receiveInvitations(_converse);
            resendUnacknowledged(_converse);
            explainFailedFiles(_converse);
            blockPeople(_converse, config);
            comeBackToRooms(_converse);
            closeMenus();
            oneChatEach(_converse);
            rememberGaps(_converse);
            paintIcons();
            handleSignOut(_converse, guard);
        },
    };
}

/**
 * Lets every attempt to sign in pass the guard, the first one included.
 * @param {Converse.Api} api
 * @param {LoginGuard} guard
 * @param {import('./types.js').ChatConfig} config
 */
function guardLogin(api, guard, config) {
    const login = api.user.login.bind(api.user);
    api.user.login = async (...args) => {
        const [jid, , automatic] = args;
        // Converse's form names nobody; its reconnections do, and its start is
        // automatic.
        await guard.pass(api, !jid && !automatic);
        // A first stream that comes about late is no reconnection, whatever
        // Converse thinks: everything is still to be set up.
        const connection = api.connection.get();
        if (connection && !guard.worked) delete connection.reconnecting;
        return login(...args);
    };
    if (config.login === 'token' || config.login === 'signed') {
        api.listen.on('beforeAttemptNonPreboundSession', async (context, data) => ({
            ...data,
            credentials: await guard.credentials(),
        }));
    }
    // Converse has given up, for example because it was never connected.
    api.listen.on('disconnected', () => {
        if (guard.closed) return;
        if (config.login === 'password') guard.givenUp();
        else api.user.login(config.jid, undefined, true);
    });
}
