// The plugin that joins Converse to the site: signing in, presence on the
// pages, unread messages, signing out.

import { LoginGuard } from './loginGuard.js';
import { signIn } from './signin.js';
import { bindByTab } from './resource.js';
import { followPresence } from './presence.js';
import { countUnread } from './unread.js';
import { countWhatAnotherTabKept } from './anotherTab.js';
import { syncWhatIsRead } from './readMarkers.js';
import { handleSignOut } from './signout.js';
import { openChats } from './pageButtons.js';
import { listConversations } from './list/list.js';
import { openOnlyWhatIsAsked } from './conversation.js';
import { offerBeginning, offerSearch } from './openers.js';
import { fetchAtFirstTouch } from './onDemand.js';
import { pressAgain } from './pressed.js';
import { askAboutRequests, befriend } from './befriend.js';
import { keepContactPresence } from './contactPresence.js';
import { receiveInvitations } from './invitations.js';
import { sendWellFormed } from './xml.js';
import { deliverAll } from './outbox.js';
import { followNetwork } from './connectivity.js';
import { hideAddresses } from './names.js';
import { offerComposer } from './composer/offer.js';
import { blockPeople } from './blocking.js';
import { comeBackToRooms } from './rejoin.js';
import { offerRoomMenu } from './roomMenu.js';
import { noticeDeletedRooms } from './roomEnd.js';
import { showPrivateMessages } from './privately.js';
import { showPeopleByName } from './dialogs.js';
import { workByKeyboard } from './keyboard.js';
import { enterRoomsByName } from './roomEntry.js';
import { enterWhenOpened } from './lateEntry.js';
import { assertInternals } from './internals.js';
import { closeMenus, showBarFirst } from './menus.js';
import { knowOccupants } from './occupants.js';
import { awaitBookmarks, enterBookmarkedUnseen } from './bookmarked.js';
import { oneChatEach } from './chats.js';
import { saveOnlyWhatIsKept } from './removed.js';
import { askRoomsInTurn, leaveOutLateAnswers } from './disco.js';
import { failOnce, noteWhatIsCutOff } from './failures.js';
import { publishAnyway } from './published.js';
import { keepOrder } from './order.js';
import { keepTimes } from './times.js';
import { keepEditedInPlace } from './edited.js';
import { knowVersions } from './versions.js';
import { knowAuthorsByAccount } from './authors.js';
import { rememberGaps } from './gaps.js';
import { makeKeysLater, readOnce } from './encrypted.js';
import { keepBeforeResuming } from './kept.js';
import { paintIcons } from './icons.js';
import { showWhatIsAnswered } from './answered.js';
import { drawAvatars } from './avatars.js';
import { showWhoLeft } from './left.js';
import { drawWhatIsNear } from './historyView.js';
import { announceMessages } from './announce.js';
import { showMessages } from './messages.js';
import { tellWhatIsShown } from './shown.js';
import { showBeginnings } from './beginning.js';
import { markNewMessages } from './newMessages.js';
import { showHeaders } from './header.js';
import { offerMessageSheet } from './held.js';
import { followDelivery } from './delivery.js';
import { enlargeEmoji, loadEmojiAgain } from './emoji.js';
import { askWithVerbs } from './questions.js';
import { notifyPeople } from './notifications.js';
import { offerLevels } from './levels.js';
import { offerNotifications } from './notificationOffer.js';
import { tellWhoLooks } from './looking.js';
import { receiveShared } from './shared.js';
import { offerShortcuts } from './shortcuts.js';
import { workInTabs } from './tabKeys.js';
import { followTyping } from './typing.js';

/**
 * Who and what there is to talk with.
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 * @param {import('./readMarkers.js').Markers} markers
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
 * @param {import('./readMarkers.js').Markers} markers
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
 * @param {import('./readMarkers.js').Markers} markers
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
 * @param {import('./readMarkers.js').Markers} markers
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
            const outbox = deliverAll(_converse, config.user);
            followNetwork(_converse, guard);
            followTyping(_converse);
            offerConversation(_converse, config);
            workByHand();
            keepWhatIsSaid(_converse, config, markers);
            showWhatIsSaid(_converse, config, markers);
            notify(_converse, config, markers);
            handleSignOut(_converse, guard, outbox);
            fetchAtFirstTouch();
            pressAgain();
        },
    };
}
