// The plugin that joins Converse to the site: signing in, presence on the
// pages, unread messages, signing out.

import { LoginGuard } from './signin/loginGuard.js';
import { signIn } from './signin/signin.js';
import { bindByTab } from './connection/resource.js';
import { followPresence } from './people/presence.js';
import { countUnread } from './unread/unread.js';
import { countWhatAnotherTabKept } from './connection/anotherTab.js';
import { syncWhatIsRead } from './unread/readMarkers.js';
import { handleSignOut } from './signin/signout.js';
import { openChats } from './pageButtons.js';
import { listConversations } from './list/list.js';
import { openOnlyWhatIsAsked } from './conversation.js';
import { offerBeginning, offerSearch } from './dialogs/openers.js';
import { prefetchOnFirstInput } from './lazy.js';
import { pressAgain } from './keys/pressed.js';
import { askAboutRequests, befriend } from './people/befriend.js';
import { keepContactPresence } from './people/contactPresence.js';
import { receiveInvitations } from './room/invitations.js';
import { sendWellFormed } from './connection/xml.js';
import { deliverAll } from './connection/outbox.js';
import { deleteForEverybody } from './messages/deletions.js';
import { followNetwork } from './connection/connectivity.js';
import { hideAddresses } from './people/names.js';
import { offerComposer } from './composer/offer.js';
import { blockPeople } from './people/blocking.js';
import { comeBackToRooms } from './room/rejoin.js';
import { offerRoomMenu } from './room/roomMenu.js';
import { hearOfTopics } from './room/topic.js';
import { noticeDeletedRooms } from './room/roomEnd.js';
import { showPrivateMessages } from './room/privately.js';
import { showPeopleByName } from './dialogs/dialogs.js';
import { workByKeyboard } from './keys/keyboard.js';
import { enterRoomsByName } from './room/roomEntry.js';
import { enterWhenOpened } from './room/lateEntry.js';
import { assertInternals } from './internals.js';
import { closeMenus, showBarFirst } from './dialogs/menus.js';
import { knowOccupants } from './room/occupants.js';
import { awaitBookmarks, enterBookmarkedUnseen } from './room/bookmarked.js';
import { oneChatEach } from './chats.js';
import { saveOnlyWhatIsKept } from './signin/removed.js';
import { askRoomsInTurn, leaveOutLateAnswers } from './connection/disco.js';
import { failOnce, noteWhatIsCutOff } from './connection/failures.js';
import { publishAnyway } from './connection/published.js';
import { keepOrder } from './history/order.js';
import { keepTimes } from './history/times.js';
import { keepEditedInPlace } from './messages/edited.js';
import { knowVersions } from './messages/versions.js';
import { knowAuthorsByAccount } from './messages/authors.js';
import { rememberGaps } from './history/gaps.js';
import { makeKeysLater, readOnce } from './messages/encrypted.js';
import { keepBeforeResuming } from './connection/resume.js';
import { paintIcons } from './icons.js';
import { showWhatIsAnswered } from './messages/replies.js';
import { drawAvatars } from './people/avatars.js';
import { showWhoLeft } from './room/formerMembers.js';
import { drawWhatIsNear } from './history/historyView.js';
import { announceMessages } from './unread/announce.js';
import { showMessages } from './messages/messages.js';
import { tellWhatIsShown } from './shown.js';
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
import { tellWhoLooks } from './connection/looking.js';
import { receiveShared } from './share/shared.js';
import { offerShortcuts } from './keys/shortcuts.js';
import { workInTabs } from './keys/tabKeys.js';
import { followTyping } from './composer/typing.js';

/**
 * Who and what there is to talk with.
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 * @param {import('./unread/readMarkers.js').Markers} markers
 * @param {ReturnType<typeof import('./list/ask.js').askConversations>} conversations
 */
function offerPeopleAndRooms(_converse, config, markers, conversations) {
    openChats(_converse);
    openOnlyWhatIsAsked(_converse);
    listConversations(_converse, config, markers, conversations);
    offerSearch(_converse, config);
    offerBeginning(_converse, config);
    askAboutRequests(_converse);
    if (config.befriend) befriend(_converse, config);
    receiveInvitations(_converse);
}

/**
 * What can be done in a conversation, and with a room and its people.
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 */
function offerConversation(_converse, config) {
    offerComposer(_converse, config);
    blockPeople(_converse, config);
    comeBackToRooms(_converse);
    offerRoomMenu(_converse);
    noticeDeletedRooms(_converse);
    hearOfTopics(_converse);
    enterRoomsByName(_converse, config);
    if (config.follow) enterWhenOpened(_converse);
    else enterBookmarkedUnseen(_converse);
    awaitBookmarks(_converse);
    showPeopleByName(_converse, config);
    showPrivateMessages(_converse);
}

/** Menus and keys. */
function workByHand() {
    closeMenus();
    showBarFirst();
    workByKeyboard();
    workInTabs();
    offerShortcuts();
}

/**
 * What Converse keeps of conversations, where it loses some of it.
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 * @param {import('./unread/readMarkers.js').Markers} markers
 */
function keepWhatIsSaid(_converse, config, markers) {
    oneChatEach(_converse);
    leaveOutLateAnswers(_converse);
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
    readOnce(_converse);
    makeKeysLater(_converse);
}

/**
 * How conversations look.
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 * @param {import('./unread/readMarkers.js').Markers} markers
 */
function showWhatIsSaid(_converse, config, markers) {
    paintIcons();
    askWithVerbs(_converse);
    drawWhatIsNear(_converse);
    showMessages(_converse, config);
    announceMessages(_converse);
    drawAvatars(_converse);
    showWhoLeft(_converse, config);
    showWhatIsAnswered(_converse);
    offerMessageSheet(_converse);
    tellWhatIsShown(_converse);
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
function notify(_converse, config, markers) {
    notifyPeople(_converse, config, markers);
    offerNotifications(_converse, config);
    offerLevels(_converse);
    tellWhoLooks(_converse);
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
            saveOnlyWhatIsKept(window.converse.env);
            const guard = new LoginGuard(config);

            failOnce(_converse);
            publishAnyway(_converse);
            noteWhatIsCutOff(_converse, guard);
            signIn(_converse, guard, config);
            bindByTab(_converse.api);
            const heardAgain = keepBeforeResuming(_converse);
            hideAddresses(_converse, config);
            keepContactPresence(_converse);
            followPresence(_converse, config);
            const restored = countUnread(_converse, config.user, heardAgain);
            countWhatAnotherTabKept(_converse, restored);
            const markers = syncWhatIsRead(_converse, config, restored);
            offerPeopleAndRooms(_converse, config, markers, conversations);
            sendWellFormed(_converse);
            const outbox = deliverAll(_converse, config.jid);
            deleteForEverybody(_converse, outbox);
            followNetwork(_converse, guard);
            followTyping(_converse);
            offerConversation(_converse, config);
            workByHand();
            keepWhatIsSaid(_converse, config, markers);
            showWhatIsSaid(_converse, config, markers);
            notify(_converse, config, markers);
            handleSignOut(_converse, guard, outbox);
            prefetchOnFirstInput();
            pressAgain();
        },
    };
}
