// The plugin that joins Converse to the site: signing in, presence on the
// pages, unread messages, signing out.

import { LoginGuard } from './signin/loginGuard.js';
import { signIn } from './signin/signin.js';
import { bindByTab } from './connection/resource.js';
import { followPresence } from './people/presence.js';
import { countUnread } from './unread/unread.js';
import { countAnotherTabsUnread } from './connection/anotherTab.js';
import { syncReadMarkers } from './unread/readMarkers.js';
import { handleSignOut } from './signin/signout.js';
import { openChats } from './pageButtons.js';
import { listConversations } from './list/list.js';
import { preventAutoOpen } from './conversation.js';
import { offerBeginning, offerSearch } from './dialogs/openers.js';
import { prefetchOnFirstInput } from './lazy.js';
import { replayEarlyClick } from './keys/earlyClick.js';
import { showContactRequests, autoSubscribe } from './people/autoSubscribe.js';
import { keepContactPresence } from './people/contactPresence.js';
import { receiveInvitations } from './room/invitations.js';
import { sendWellFormed } from './connection/xml.js';
import { deliverAll } from './connection/outbox.js';
import { deleteForEverybody } from './messages/deletions.js';
import { followNetwork } from './connection/connectivity.js';
import { hideAddresses } from './people/names.js';
import { installComposer } from './composer/composerPlugin.js';
import { blockPeople } from './people/blocking.js';
import { allowRejoin } from './room/rejoin.js';
import { offerRoomMenu } from './room/roomMenu.js';
import { watchTopics } from './room/topic.js';
import { noticeDeletedRooms } from './room/roomEnd.js';
import { showPrivateMessages } from './room/privateMessages.js';
import { showPeopleByName } from './dialogs/dialogs.js';
import { installKeyboardAccess } from './keys/keyboard.js';
import { enterRoomsByName } from './room/roomEntry.js';
import { joinWhenOpened } from './room/lazyJoin.js';
import { assertInternals } from './internals.js';
import { closeMenus, closeReactions, showBarFirst } from './dialogs/menus.js';
import { knowOccupants } from './room/occupants.js';
import { awaitBookmarks, joinBookmarkedHidden } from './room/bookmarked.js';
import { dedupeChats } from './chats.js';
import { ignoreDetachedModels } from './signin/detachedModels.js';
import { askRoomsInTurn, dropLateDiscoReplies } from './connection/disco.js';
import { failOnce, logAbortedWork } from './connection/connectionErrors.js';
import { retryWithoutOption } from './connection/publishOptions.js';
import { keepOrder } from './history/order.js';
import { keepTimes } from './history/times.js';
import { keepEditedInPlace } from './messages/edited.js';
import { knowVersions } from './messages/versions.js';
import { knowAuthorsByAccount } from './messages/authors.js';
import { rememberGaps } from './history/gaps.js';
import { deferKeyGeneration, decryptOnce } from './messages/encrypted.js';
import { trackForResume } from './connection/resume.js';
import { paintIcons } from './icons.js';
import { showQuotedMessages } from './messages/replies.js';
import { drawAvatars } from './people/avatars.js';
import { showWhoLeft } from './room/formerMembers.js';
import { installHistoryView } from './history/historyView.js';
import { announceMessages } from './unread/announce.js';
import { showMessages } from './messages/messages.js';
import { reflectState } from './stateAttributes.js';
import { showBeginnings } from './history/beginning.js';
import { markNewMessages } from './history/newMessages.js';
import { showHeaders } from './header.js';
import { offerMessageSheet } from './messages/longPress.js';
import { followDelivery } from './messages/delivery.js';
import { enlargeEmoji, loadEmojiAgain } from './messages/emoji.js';
import { askWithVerbs } from './dialogs/questions.js';
import { notifyPeople } from './unread/notifications.js';
import { offerLevels } from './unread/levels.js';
import { offerNotifications } from './unread/notificationOffer.js';
import { reportClientState } from './connection/clientState.js';
import { receiveShared } from './share/shared.js';
import { offerShortcuts } from './keys/shortcuts.js';
import { handleTabKeys } from './keys/tabKeys.js';
import { followTyping } from './composer/typing.js';

/**
 * Who and what there is to talk with.
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 * @param {import('./unread/readMarkers.js').Markers} markers
 * @param {ReturnType<typeof import('./list/ask.js').askConversations>} conversations
 */
function installConversationList(_converse, config, markers, conversations) {
    openChats(_converse);
    listConversations(_converse, config, markers, conversations);
    offerSearch(_converse, config);
    offerBeginning(_converse, config);
    showContactRequests(_converse);
    if (config.befriend) autoSubscribe(_converse, config);
    receiveInvitations(_converse);
}

/**
 * What can be done in a conversation, and with a room and its people.
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 */
function installConversation(_converse, config) {
    installComposer(_converse, config);
    blockPeople(_converse, config);
    allowRejoin(_converse);
    preventAutoOpen(_converse); // which is told first what is asked for
    offerRoomMenu(_converse);
    noticeDeletedRooms(_converse);
    watchTopics(_converse);
    enterRoomsByName(_converse, config);
    if (config.follow) joinWhenOpened(_converse);
    else joinBookmarkedHidden(_converse);
    awaitBookmarks(_converse);
    showPeopleByName(_converse, config);
    showPrivateMessages(_converse);
}

/** Menus and keys. */
function installKeyboard() {
    closeMenus();
    closeReactions(); // before what else is done by keys
    showBarFirst();
    installKeyboardAccess();
    handleTabKeys();
    offerShortcuts();
}

/**
 * What Converse keeps of conversations, where it loses some of it.
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 * @param {import('./unread/readMarkers.js').Markers} markers
 */
function mendHistory(_converse, config, markers) {
    dedupeChats(_converse);
    dropLateDiscoReplies(_converse);
    askRoomsInTurn(_converse);
    knowOccupants(_converse, config);
    rememberGaps(_converse, markers);
    keepTimes(_converse, markers);
    keepOrder(_converse, markers);
    knowAuthorsByAccount(_converse, config);
    enlargeEmoji(_converse);
    loadEmojiAgain(_converse);
    keepEditedInPlace(_converse);
    knowVersions(_converse);
    decryptOnce(_converse);
    deferKeyGeneration(_converse);
}

/**
 * How conversations look.
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 * @param {import('./unread/readMarkers.js').Markers} markers
 */
function installMessageViews(_converse, config, markers) {
    paintIcons();
    askWithVerbs(_converse);
    installHistoryView(_converse);
    showMessages(_converse, config);
    announceMessages(_converse);
    drawAvatars(_converse);
    showWhoLeft(_converse, config);
    showQuotedMessages(_converse);
    offerMessageSheet(_converse);
    reflectState(_converse);
    showBeginnings(_converse);
    markNewMessages(_converse, markers);
    showHeaders(_converse, config);
    followDelivery(_converse);
}

/**
 * Who is told of what, and what comes from other apps.
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 * @param {import('./unread/readMarkers.js').Markers} markers
 */
function installNotifications(_converse, config, markers) {
    notifyPeople(_converse, config, markers);
    offerNotifications(_converse, config);
    offerLevels(_converse);
    reportClientState(_converse);
    receiveShared(_converse, config);
}

/**
 * @param {import('./types.js').ChatConfig} config
 * @param {ReturnType<typeof import('./list/ask.js').askConversations>} conversations
 */
export function plugin(config, conversations) {
    return {
        dependencies: ['converse-chat', 'converse-roster', 'converse-chatboxes'],
        initialize() {
            const { _converse } = this;
            assertInternals(_converse);
            ignoreDetachedModels(window.converse.env);
            const guard = new LoginGuard(config);

            failOnce(_converse);
            retryWithoutOption(_converse);
            logAbortedWork(_converse, guard);
            signIn(_converse, guard, config);
            bindByTab(_converse.api);
            const heardAgain = trackForResume(_converse);
            hideAddresses(_converse, config);
            keepContactPresence(_converse);
            followPresence(_converse, config);
            const restored = countUnread(_converse, config.user, heardAgain);
            countAnotherTabsUnread(_converse, restored);
            const markers = syncReadMarkers(_converse, config, restored);
            installConversationList(_converse, config, markers, conversations);
            sendWellFormed(_converse);
            const outbox = deliverAll(_converse, config.jid);
            deleteForEverybody(_converse, outbox);
            followNetwork(_converse, guard);
            followTyping(_converse);
            installConversation(_converse, config);
            installKeyboard();
            mendHistory(_converse, config, markers);
            installMessageViews(_converse, config, markers);
            installNotifications(_converse, config, markers);
            handleSignOut(_converse, guard, outbox);
            prefetchOnFirstInput();
            replayEarlyClick();
        },
    };
}
