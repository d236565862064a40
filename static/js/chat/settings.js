// Converse's settings: how this site signs in, and what is left out because it
// does not work here or would ask third parties.

import { language } from '../language.js';
import { bringsKeyboard } from './composer/composer.js';
import { transport } from './connection/transport.js';

/** How each mode signs in. */
const ways = {
    session: (config, env) => ({
        authentication: 'external',
        connection_options: { mechanisms: [env.Strophe.SASLExternal] },
    }),
    prebind: (config) => ({ authentication: 'prebind', prebind_url: config.prebindURL }),
    token: () => ({ authentication: 'login' }),
    signed: () => ({ authentication: 'login' }),
    typed: () => ({ authentication: 'login' }),
    password: (config) => ({
        authentication: 'login',
        auto_login: false,
        locked_domain: config.domain,
        allow_user_trust_override: false,
    }),
};

/** What a room says of itself: not who comes and goes, which the list shows, nor that it keeps what is said and shows who said it, as all here do. */
const unsaid = ['join_leave_events', 'muc_logging_changes', 'visibility_changes'];
const LOST = ['332', '333']; // somebody's connection, or the server: they come back by themselves, and the page says what goes on
const quietRooms = (converse) =>
    Object.entries(converse.MUC.INFO_CODES).flatMap(([kind, codes]) => (unsaid.includes(kind) ? [] : codes.filter((code) => !LOST.includes(code))));

/**
 * How somebody signs in.
 * @param {import('./types.js').ChatConfig} config
 * @param {Converse.Public} converse
 */
const signingIn = (config, converse) => ({
    // Who, and by which way. Without jid a previous user's session could
    // be restored.
    jid: config.jid,
    nickname: config.name,
    auto_login: true,
    auto_reconnect: true,
    keepalive: true,
    reuse_scram_keys: false,
    discover_connection_methods: false,
    bosh_service_url: location.origin + config.boshURL,
    ...(transport.wantsWebSocket(config)
        ? { websocket_url: location.origin.replace(/^http/, 'ws') + config.websocketURL }
        : {}),
    ...ways[config.login](config, converse.env),
    clear_cache_on_logout: !config.trusted,
    whitelisted_plugins: ['foyer'],
    blacklisted_plugins: [], // what is not used is not there: scripts/converse.mjs
});

/** Where its files are. @param {import('./types.js').ChatConfig} config */
const files = (config) => ({
    assets_path: config.assetsPath,
    notification_icon: config.icon,
});

/** Looks. */
const looks = () => ({
    auto_focus: !bringsKeyboard(),
    view_mode: 'embedded',
    theme: 'foyer', // none that Converse has: all its colours are in chat.css, for both themes
    dark_theme: 'foyer',
    i18n: language().replace('-', '_'),
    // Converse reports every error stanza as an error of its own; what matters
    // reaches people through its interface.
    loglevel: 'fatal',
    roster_groups: false,
    show_self_in_roster: false,
    show_client_info: false,
    show_connection_url_input: false,
    show_retraction_warning: false, // everybody here sees it retracted
    show_controlbox_by_default: true,
    show_toolbar: true,
    visible_toolbar_buttons: { call: false, emoji: true, spoiler: false, toggle_occupants: false },
    popular_emojis: [':thumbsup:', ':heart:', ':joy:', ':open_mouth:', ':cry:', ':pray:'], // until one has taken others
    send_chat_markers: ['displayed'], // see delivery.js
    time_format: 'HH:mm',
    // Notifications are the site's own (notifications.js), which asks who wants them.
    play_sounds: false,
    show_desktop_notifications: false,
});

/** People come from the site. @param {import('./types.js').ChatConfig} config */
const people = (config) => ({
    allow_contact_requests: config.roster === 'none',
    allow_contact_removal: config.roster === 'none',
    allow_adhoc_commands: false,
    allow_logout: false,
    allow_registration: false,
    enable_muc_push: false,
});

/**
 * Rooms are made on the site's pages, and known by their names.
 * @param {import('./types.js').ChatConfig} config
 * @param {Converse.Public} converse
 */
const rooms = (config, converse) => ({
    allow_muc_invitations: false, // it would ask for an address; see invitations.js
    muc_domain: config.roomsDomain,
    muc_respect_autojoin: !config.follow, // else they are followed until they are opened: list/follow.js
    locked_muc_domain: 'hidden',
    locked_muc_nickname: true,
    muc_disable_slash_commands: true, // what somebody types is what they say
    auto_register_muc_nickname: false,
    muc_show_info_messages: quietRooms(converse),
    muc_hats: [], // what somebody is on the site stands on their card, not at each of their messages
    hide_muc_participants: true, // the panel of a room has them (room/members.js)
});

/** No third party is asked for anything. @param {import('./types.js').ChatConfig} config */
const thirdParties = (config) => ({
    autocomplete_providers_url: '',
    xmpp_providers_url: '',
    muc_search_service: '',
    embed_3rd_party_media_players: false,
    fetch_url_headers: false,
    render_media: [location.hostname, ...config.fileHosts],
    // Pictures by their endings, besides those that Converse knows.
    image_urls_regex: /\/upload\/[\w-]+\/[^/]+\.(?:webp|avif)$/i,
});

/**
 * @param {import('./types.js').ChatConfig} config
 * @param {Converse.Public} converse
 */
export const settings = (config, converse) => ({
    ...signingIn(config, converse),
    ...files(config),
    ...looks(),
    ...people(config),
    ...rooms(config, converse),
    ...thirdParties(config),
});
