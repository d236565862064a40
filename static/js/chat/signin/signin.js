// Signing in to the chat: every attempt of Converse's passes the guard, and what
// becomes of it is told to the guard.

import { never } from './loginGuard.js';
import { keepLoginForm, WRONG_PASSWORD } from './loginForm.js';

/** Conditions of stream errors (RFC 6120 §4.9.3) that mean no. */
const REFUSALS = new Set(['host-unknown', 'not-authorized', 'policy-violation', 'improper-addressing', 'conflict', 'unsupported-version']);

/**
 * @param {Converse.Private} _converse
 * @param {import('./loginGuard.js').LoginGuard} guard
 * @param {import('../types.js').ChatConfig} config
 */
export function signIn(_converse, guard, config) {
    const { api } = _converse;
    guardLogin(api, guard);
    startAgain(api, guard, config);
    keepOpenChats(api, guard);
    listenToServer(api, guard);
    acknowledgeNothingOverBOSH(_converse);
    askForNoSession(api);
    if (config.login === 'password') keepLoginForm(_converse, guard);
    forgiveSettings(api);
    // Patch: tokens
    if (['token', 'signed', 'typed'].includes(config.login)) {
        api.listen.on('beforeAttemptNonPreboundSession', async (context, data) => ({
            ...data,
            credentials: await guard.credentials(api),
        }));
    }
    api.listen.on('connected', () => guard.connected());
    api.listen.on('reconnected', () => guard.connected());
    api.listen.on('will-reconnect', () => guard.away());
}

/** Lets every attempt to sign in pass the guard, the first one included. */
// Patch: login-guard
function guardLogin(api, guard) {
    const login = api.user.login.bind(api.user);
    let waiting = false; // whether an attempt waits for its time
    api.user.login = async (...args) => {
        const [jid, , automatic] = args;
        // Converse's form names nobody, and its start is automatic. Nor do its
        // reconnections once the session is forgotten: only where there is a form has
        // somebody asked for this, and need not wait.
        const typed = guard.config.login === 'password' && !jid && !automatic;
        // Several find out that a stream is lost. One attempt is enough: two would make
        // two streams, and Converse knows one.
        if ((waiting || guard.fetching) && !typed) return never;
        waiting = true;
        await guard.awaitTurn(api, typed);
        waiting = false;
        // A first stream that comes about late is no reconnection, whatever
        // Converse thinks: everything is still to be set up.
        const connection = api.connection.get();
        if (connection && !guard.worked) delete connection.reconnecting;
        if (connection?.reconnecting && api.connection.isType('websocket')) forgetOldStream(connection);
        return login(...args);
    };
}

/**
 * Takes away who listened to a stream that was given up, and what it had not sent, as Strophe does where one ends. Otherwise
 * all of them hear what comes over the next one twice: Converse would send again twice what the server has not acknowledged.
 * A session of BOSH may go on, with all of it.
 * @param {Converse.Connection} connection
 */
export function forgetOldStream(connection) {
    for (const list of /** @type {const} */ (['handlers', 'addHandlers', 'removeHandlers', 'timedHandlers', 'addTimeds', 'removeTimeds', '_data'])) connection[list] = [];
}

/** Starts again when Converse has given up, for example because it was never connected. */
// Patch: start-again
function startAgain(api, guard, config) {
    const again = () => {
        if (guard.closed) return;
        if (config.login === 'password') guard.handleGiveUp();
        else api.user.login(config.jid, undefined, true);
    };
    api.listen.on('disconnected', again);
    api.listen.on('noResumeableBOSHSession', again); // the site did not prebind
}

/**
 * Converse gives up at the first refusal, as while the site's database is away, and closes all conversations; or it makes
 * another connection, with which it enters no room again. Who was in the chat goes on with what is open, unless they sign out.
 * Where it has found twice that a stream is lost, it begins another one three seconds later: not where one works by then.
 */
// Patch: all-stays-open
function keepOpenChats(api, guard) {
    /** @type {Converse.Connection | undefined} */
    let connection;
    const works = () => connection?.debouncedReconnect.cancel();
    api.listen.on('connected', works);
    api.listen.on('reconnected', works);
    api.listen.on('connectionInitialized', () => {
        works(); // of the one before
        connection = api.connection.get();
        const { finishDisconnection } = connection;
        if (guard.worked) connection.reconnecting = true;
        connection.finishDisconnection = function () {
            if (guard.worked && !guard.closed && !guard.isPasswordWrong) return api.connection.reconnect();
            guard.worked = false;
            return finishDisconnection.call(this);
        };
    });
}

/**
 * BOSH acknowledges by itself. After a change from WebSocket Converse goes on with stream
 * management that nobody has agreed to, asks for what it has sent, and some servers end the
 * stream for that.
 */
// Patch: no-acks
function acknowledgeNothingOverBOSH(_converse) {
    const { api } = _converse;
    api.listen.on('beforeResourceBinding', () => {
        if (!api.connection.isType('bosh')) return;
        _converse.session.save({
            smacks_enabled: false,
            smacks_stream_id: null,
            num_stanzas_handled: 0,
            num_stanzas_handled_by_server: 0,
            num_stanzas_since_last_ack: 0,
            unacked_stanzas: [],
        });
    });
}

/**
 * After binding a resource there is nothing else to ask for (RFC 6121 §1.4); a server that
 * offers RFC 3921's session says that it is optional. Strophe would ask, and wait.
 */
// Patch: no-session
function askForNoSession(api) {
    api.listen.on('beforeResourceBinding', () => {
        const connection = api.connection.get();
        const optional = [...connection.features.children].find(({ localName }) => localName === 'session')?.getElementsByTagName('optional').length;
        if (optional) connection.do_session = false;
    });
}

/** Tells the guard whether the server says anything, and what it refuses. */
// Patch: refusals
function listenToServer(api, guard) {
    api.listen.on('connectionInitialized', () => {
        const connection = api.connection.get();
        const { Status, ErrorCondition } = window.converse.env.Strophe;
        const { xmlInput, onConnectStatusChanged } = connection;
        connection.xmlInput = (element) => {
            guard.heard = true;
            xmlInput.call(connection, element);
        };
        connection.onConnectStatusChanged = (status, condition, failure) => {
            if (status === Status.AUTHFAIL) guard.refused(condition || failure?.firstElementChild?.localName || 'not-authorized');
            if (status === Status.CONNFAIL && REFUSALS.has(condition)) guard.refused(condition);
            if (status === Status.CONNFAIL && condition === ErrorCondition.NO_AUTH_MECH) guard.refused('no way to sign in was offered');
            return onConnectStatusChanged.call(connection, status, status === Status.AUTHFAIL && guard.isPasswordWrong ? WRONG_PASSWORD : condition);
        };
    });
}

/**
 * Converse clears a person's settings after a sign-in that failed before they were there,
 * and throws. So it does when what it shows asks for them while the person signs out: that
 * waits for the next one.
 */
// Patch: settings-forgiven
function forgiveSettings(api) {
    const { settings } = api.user;
    const { clear, getModel } = settings;
    const nextPerson = () => new Promise((resolve) => api.listen.once('setUserJID', resolve));
    settings.clear = () => clear.call(settings).catch(() => {});
    settings.getModel = () => getModel.call(settings).catch(() => nextPerson().then(() => settings.getModel()));
}
