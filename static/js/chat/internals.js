// Every internal of Converse 14 that this site relies on. They are no promise of
// Converse's; so each is looked for when the page starts, and one that is missing is
// said loudly, instead of failing later and quietly. An upgrade begins here, and with
// e2e/page/internals.test.mjs, which starts Converse without a browser and looks for them.

import { panel } from './panel.js';

/** Methods that are replaced or called, by where they are. */
export const METHODS = {
    // The chat's models.
    'exports.ChatBox.prototype': ['createMessage', 'isChatMessage', 'getNotificationsText', 'getMessagesCollection', 'getMostRecentMessage', 'getVCard', 'queueMessage', 'onMessage', 'getDuplicateMessage', 'handleCorrection', 'handleRetraction', 'getReferencedMessage', 'isHidden', 'clearUnreadMsgCounter', 'getDisplayName', 'close', 'maybeShow', 'handleChatMarker', 'handleUnreadMessage', 'incrementUnreadMsgsCounter', 'sendMarkerForMessage', 'sendMessage', 'addReplyFallback', 'getOutgoingMessageAttributes', 'sendFiles', 'setChatState', 'retractOwnMessage'],
    'exports.MUC.prototype': [
        'getMessagesCollection', 'getMostRecentMessage', 'getUpdatedMessageAttributes', 'handleCorrection', 'handleRetraction', 'getReferencedMessage', 'queueMessage', 'isHidden', 'clearUnreadMsgCounter', 'getAndPersistNickname', 'onErrorPresence', 'createInfoMessageFromPresence', 'setDisconnectionState', 'join', 'rejoin', 'rejoinIfNecessary', 'onReconnection', 'handleDisconnection', 'handleMessageFromMUCHost',
        'createMessage', 'isChatMessage', 'getNotificationsText', 'getOccupant', 'isEntered', 'setNickname', 'setRole', 'getOwnOccupant', 'getOwnAffiliation', 'sendDestroyIQ', 'getDisplayName', 'handleUnreadMessage', 'incrementUnreadMsgsCounter', 'isUserMentioned',
        'sendMessage', 'addReplyFallback', 'getOutgoingMessageAttributes', 'sendFiles', 'setChatState', 'getAllKnownNicknames', 'getReferenceURIFromNickname',
        'fetchRoomConfiguration', 'initOccupants', 'initDiscoModels', 'removeHandlers', 'refreshDiscoInfo', 'setSubject', 'close', 'maybeShow', 'sendTimedMessage', 'retractOtherMessage', 'sendRetractionIQ',
    ],
    'exports.MUCMessage.prototype': ['getVCard'],
    'exports.Message.prototype': ['getDisplayName', 'getMessageText', 'isFollowup', 'isRetracted', 'isEphemeral'],
    'exports.MUCOccupant.prototype': ['createMessage', 'getNotificationsText', 'getDisplayName', 'isSelf', 'sendMessage', 'addReplyFallback', 'getOutgoingMessageAttributes', 'sendFiles'],
    'exports.MUCOccupants.prototype': ['fetchMembers'],
    'exports.RosterContact.prototype': ['getDisplayName', 'authorize', 'subscribeToPresence'],
    'exports.RosterContacts.prototype': ['handleIncomingSubscription', 'sendContactAddIQ', 'presenceHandler'],
    'exports.Presences.prototype': ['fetch'],
    'exports.Bookmarks.prototype': ['openBookmarkedRoom'],
    'exports.DiscoEntity.prototype': ['onDiscoItems'],
    'exports.Presence.prototype': ['onResourcesChanged'],
    'exports.VCard.prototype': ['getDisplayName', 'trigger'],
    'exports.MAMPlaceholderMessage.prototype': ['fetchMissingMessages'],
    exports: ['handleMAMResult'],
    'exports.ControlBox': [],
    // What they are kept with.
    'state.config.storage': ['save'],
    // The interface for plugins.
    'api': ['send', 'sendIQ', 'confirm', 'alert', 'waitUntil', 'hook'],
    'api.user': ['login', 'logout'],
    'api.user.settings': ['clear', 'getModel'],
    'api.connection': ['get', 'connected', 'authenticated', 'reconnect', 'isType'],
    'api.chats': ['open', 'get'],
    'api.chatboxes': ['create'],
    'api.contacts': ['add'],
    'api.rooms': ['open', 'get', 'create'],
    'api.rooms.affiliations': ['get'],
    'api.archive': ['query'],
    'api.bookmarks': ['set'],
    'api.pubsub': ['publish'],
    'api.promises': ['add'],
    'api.disco.own.features': ['add'],
    'api.blocklist': ['get', 'add', 'remove'],
    'api.disco': ['supports', 'getIdentity', 'info'],
    'api.vcard': ['get', 'update'],
    'api.modal': ['show', 'get'],
    'api.elements': ['define'],
    'api.emojis': ['initialize'],
    'api.disco.features': ['get'],
    'api.settings': ['get', 'set'],
    // The connection.
    'env.Strophe.Connection.prototype': ['_queueData', '_dataRecv', 'setProtocol', 'bind', 'xmlInput', 'xmlOutput', 'addHandler', 'deleteHandler', 'pause', 'resume', 'restore'],
    'env.Strophe.Bosh.prototype': ['_onIdle', '_doDisconnect', '_throttledRequestHandler'],
    'env.Strophe.Websocket.prototype': ['_connect', '_closeSocket', '_onOpen', '_onInitialMessage', '_onError', '_onClose', '_doDisconnect'],
    'env.Stanza.prototype': ['toString', 'tree'],
    'env.Strophe': ['getBareJidFromJid', 'getDomainFromJid', 'SASLExternal', 'serialize'],
    'env': ['stx', 'html', 'render', '$iq', '$pres'],
    'env.u': ['getUniqueId', 'prefixMentions'],
    'env.u.emojis': ['getEmojisByAttribute'],
    'env.u.muc': ['setAffiliation'],
    'env.u.reactions': ['getOwnReactionJID'],
    'env.utils.mam': ['fetchArchivedMessages'],
    'env.Model.prototype': ['sync'],
    'env.Collection.prototype': ['sync'],
    'env.i18n': ['translate', 'getLocale'],
    // The elements.
    'elements.converse-message-form': ['initialize', 'onFormSubmitted', 'onEscapePressed', 'onKeyDown', 'onKeyUp', 'onPaste', 'insertIntoTextArea'],
    'elements.converse-muc-message-form': ['onFormSubmitted', 'onEscapePressed', 'initMentionAutoComplete', 'shouldAutoComplete'],
    'elements.converse-chat-toolbar': [],
    'elements.converse-chat-message': ['getExtraMessageClasses', 'getRetractionText', 'renderMessageText', 'showUserModal'],
    'elements.converse-message-actions': ['initialize', 'getActionButtons', 'onMessageEditButtonClicked'],
    'elements.converse-message-actions.constructor': ['getActionsDropdownItem'],
    'elements.converse-reaction-picker': ['open', 'close', 'onEmojiSelected'],
    'elements.converse-chat-heading': ['getHeadingButtons', 'showUserDetailsModal'],
    'elements.converse-muc-heading': ['getHeadingButtons'],
    'elements.converse-chat-message-body': ['render'],
    'elements.converse-message-history': ['renderMessage'],
    'elements.converse-reply-context': ['getRepliedMessage', 'render'],
    'elements.converse-reply-preview': ['getReplyToMessage', 'cancelReply', 'render'],
    'elements.converse-avatar': ['render', 'getInitials'],
    'elements.converse-chats': ['updated'],
    'elements.converse-controlbox': ['setModel', 'updated'],
    'elements.converse-muc-chatarea': ['updated'],
    'elements.converse-muc-sidebar': ['updated'],
    'elements.converse-muc-occupant': ['initialize', 'closeSidebar', 'showOccupantModal'],
    'elements.converse-icon': ['getStyles'],
    'elements.converse-dropdown': ['show', 'hide', 'toggle'],
    'elements.converse-emoji-dropdown': ['show', 'hide', 'toggle'],
    'elements.converse-contact-approval-alert': ['initialize', 'acceptRequest', 'showAddContactModal'],
    'elements.converse-confirm-modal': ['initialize', 'renderModal', 'getModalTitle', 'onConfirmation'],
};

/**
 * Names that are found on the page, drawn or understood: names alone, and so for the test alone.
 * No page fetches them.
 */
export const NAMES = {
    /** Converse's own elements. */
    elements: ['converse-chat', 'converse-muc', 'converse-login-form', 'converse-emoji-picker', 'converse-emoji-picker-content', 'converse-controlbox-navback', 'converse-occupant-bottom-panel', 'converse-texture'],
    /** What its templates draw, and is not Converse's here, or is nothing. */
    drawn: ['converse-chat-content', 'converse-muc-chat-content', 'converse-rooms-list'],
    /** Dialogs that it asks for, and the site has others (dialogs.js). */
    dialogs: [
        'converse-user-details-modal', 'converse-profile-modal', 'converse-muc-occupant-modal', 'converse-muc-details-modal', 'converse-muc-config-modal',
        'converse-add-contact-modal', 'converse-accept-contact-request-modal',
    ],
    /** Plugins. */
    plugins: ['converse-chat', 'converse-roster', 'converse-chatboxes', 'converse-adhoc', 'converse-version', 'converse-rosterview', 'converse-adhoc-views', 'converse-dragresize'],
    /** Methods of a message's text, which is made when it is drawn. */
    texts: ['addTemplateResult', 'addMentions'],
    /** A database of the browser's. */
    databases: ['converse-persistent'],
};

/** What a connection has, once there is one. */
const CONNECTION = ['_data', 'handlers', 'addHandlers', 'removeHandlers', 'timedHandlers', 'addTimeds', 'removeTimeds', '_proto', 'do_bind', 'do_session', 'features', 'debouncedReconnect.flush', 'debouncedReconnect.cancel', 'finishDisconnection', 'onConnectStatusChanged', 'reconnect', 'restored', 'send', 'service', 'jid'];
// A connection has "reconnecting" only while it does.

/** What Converse keeps of somebody who is signed in, once its lists were read. */
const STATE = ['chatboxes.get', 'chatboxviews.get', 'roster.get', 'presences.get', 'vcards.get', 'profile.get', 'popular_emojis.getPopularEmojis', 'disco_entities.models.0.dataforms.fetch'];

/** And its transport, where that is BOSH. */
const BOSH = ['_proto.sid', '_proto.rid', '_proto._requests'];

/** The same, on devices that encrypt. */
export const ENCRYPTION = { 'exports.Device.prototype': ['getRandomPreKey'], 'api.omemo.session': ['restore'] };

/** Values that are compared with. */
const VALUES = ['converse.emojis.initialized', 'converse.ROOMSTATUS.ENTERED', 'converse.ROOMSTATUS.DESTROYED', 'converse.ROOMSTATUS.BANNED', 'converse.MUC.INFO_CODES', 'env.errors.ItemNotFoundError', 'env.Strophe.Status.AUTHFAIL', 'env.Strophe.Status.CONNECTED', 'env.Strophe.ErrorCondition.NO_AUTH_MECH'];

/** What stands at a path, an element's prototype for "elements.NAME". */
function at(roots, path) {
    return path.split('.').reduce((object, name) => object?.[name], roots);
}

/**
 * What Converse does not have.
 * @param {Converse.Private} _converse
 * @returns {string[]}
 */
export function missing(_converse) {
    const { registry } = _converse.api.elements ?? {};
    const elements = Object.fromEntries(Object.entries(registry ?? {}).map(([name, type]) => [name, type.prototype]));
    const roots = { ...{ converse: window.converse, env: window.converse.env, elements }, api: _converse.api, exports: _converse.exports, state: _converse.state };
    const methods = Object.entries({ ...METHODS, ...(_converse.exports.Device && ENCRYPTION) }).flatMap(([path, names]) => {
        const object = at(roots, path);
        if (!object) return [path];
        return names.filter((name) => typeof object[name] !== 'function').map((name) => `${path}.${name}`);
    });
    return [...methods, ...VALUES.filter((path) => at(roots, path) === undefined)];
}

/** What a connection does not have. */
export function missingOf(connection) {
    const paths = connection.isType('bosh') ? [...CONNECTION, ...BOSH] : CONNECTION;
    return paths.filter((path) => at(connection, path) === undefined).map((path) => `connection.${path}`);
}

/** @param {Converse.Private} _converse */
export function assertInternals(_converse) {
    const { api } = _converse;
    say(missing(_converse));
    api.listen.on('connectionInitialized', () => say(missingOf(api.connection.get())));
    const { waitUntil } = /** @type {{waitUntil: (event: string) => Promise<unknown>}} */ (api);
    const read = ['chatBoxesFetched', 'rosterContactsFetched', 'VCardsInitialized', 'discoInitialized'];
    Promise.all(read.map((event) => waitUntil(event))).then(() => {
        say(STATE.filter((path) => at(_converse.state, path) === undefined).map((path) => `state.${path}`));
    });
}

/** @param {string[]} names of what is missing */
function say(names) {
    if (names.length === 0) return;
    console.error(`Converse has no ${names.join(', no ')}: see static/js/chat/internals.js.`);
    panel.warn('internals', 'Parts of the chat do not work: it was made for another version of Converse. Please tell the people who run this site.');
}
