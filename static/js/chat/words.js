// The words of this site (docs/GLOSSARY.md), where Converse speaks English: rooms, people,
// names. Its own are those of the protocol. What it can say is gone over, string by string,
// by e2e/page/words.test.mjs.

/**
 * What needs more than one word for another; a function is told what is said in it.
 * @type {Record<string, string | ((who?: string, what?: string) => string)>}
 */
const SENTENCES = {
    // Signing in.
    'The XMPP server rejected the connection because of a policy violation': 'The chat refused the connection.',
    'The XMPP server did not offer a supported authentication mechanism': 'The chat offers no way to sign in.',

    // Who may do what in rooms.
    '%1$s has been given a voice': '%1$s may write now',
    '%1$s have been given voices': '%1$s may write now',
    '%1$s has been muted': '%1$s has been stopped from writing',
    '%1$s have been muted': '%1$s have been stopped from writing',
    '%1$s is no longer an admin of this groupchat': '%1$s is no longer a moderator of this room',
    '%1$s is now an %2$s of this groupchat': (who, what) => (what === 'admin' ? '%1$s is now a moderator of this room' : '%1$s is now an owner of this room'),
    'Forbidden: you do not have the necessary affiliation in order to do that.': 'You are not allowed to do that in this room.',
    'Forbidden: you do not have the necessary role in order to do that.': 'You are not allowed to do that in this room.',

    // Who is out, and why.
    '%1$s has been kicked out by %2$s': '%1$s has been removed by %2$s',
    '%1$s has been kicked out': '%1$s has been removed',
    'You have been kicked from this groupchat': 'You have been removed from this room',
    '%1$s has been removed because of an affiliation change': '%1$s is no longer a member, and has been removed',
    'You have been removed from this groupchat because of an affiliation change': 'You have been removed from this room: you are no longer a member of it',
    'You have been removed from this groupchat because it has changed to members-only and you\'re not a member': 'You have been removed from this room: only people who are invited can be in it now',
    'You have been removed from this groupchat because the service hosting it is being shut down': 'You have been removed from this room: the chat was shut down',

    // Entering.
    'You are not on the member list of this groupchat.': 'Only people who are invited can enter this room.',
    'Your nickname doesn\'t conform to this groupchat\'s policies.': 'This room does not accept your name.',
    'This groupchat has reached its maximum number of participants.': 'This room is full.',
    'Remote server not found': 'This room cannot be found.',
    Configure: 'Settings', 'Configure this groupchat': 'Settings of this room', Destroy: 'Delete the room',
    'The groupchat configuration has changed': 'The settings of this room have changed',

    // Messages.
    'Message delivery failed.': 'Not sent.',
    'Sorry, an error occurred while trying to send your message.': 'It could not be delivered.',
    'Your retraction was not delivered because you\'re not present in the groupchat.': 'Your message was not deleted: you are not in this room.',
    'Your message was not delivered because you\'re not present in the groupchat.': 'Your message was not sent: you are not in this room.',
    'Your message was not delivered because you weren\'t allowed to send it.': 'Your message was not sent: you are not allowed to write here.',
    'Be aware that other XMPP/Jabber clients (and servers) may not yet support retractions and that this message may not be removed everywhere.': 'Some apps may still show it.',
    'A timeout happened while trying to retract your message.': 'Your message was not deleted. Please try again.',
    'A timeout occurred while trying to retract the message': 'The message was not deleted. Please try again.',
    'Timeout while trying to fetch archived messages.': 'Older messages could not be fetched.',
    'An error occurred while querying for archived messages.': 'Older messages could not be fetched.',
    'The server did not return your bookmarks within the allowed time. You can reload the page to request them again.': 'Your rooms could not be fetched. Reload the page to try again.',
    'Timeout Error': 'That took too long',

    // What is encrypted.
    'This is an OMEMO encrypted message which your client doesn’t seem to support. Find more information on https://conversations.im/omemo': 'This message is encrypted, and cannot be read here.',
    'Undecryptable OMEMO message': 'This message is encrypted, and cannot be read here.',
    'Received an OMEMO encrypted message which could not be decrypted, because it was not encrypted for this device.': 'This message was not encrypted for this device, and cannot be read here.',
    'Sorry, could not decrypt a received OMEMO message due to an error.': 'This encrypted message could not be read.',
    'Sorry, could not decrypt a received OMEMO message because we don\'t have the XMPP address for that user.': 'This encrypted message could not be read: it is not known who wrote it.',
    'Sorry, we\'re unable to send an encrypted message because %1$s requires you to be subscribed to their presence in order to see their OMEMO information': 'It was not sent: %1$s does not let you see their devices, for which it would be encrypted.',
    'Sorry, we\'re unable to send an encrypted message because the remote server for %1$s could not be found': 'It was not sent: the devices of %1$s could not be found, for which it would be encrypted.',
    'Unable to send an encrypted message due to an unexpected error.': 'It was not sent: it could not be encrypted.',
    'Sorry, no devices found to which we can send an OMEMO encrypted message.': 'It was not sent: no device was found that could read it.',
    '%1$s doesn\'t appear to have a client that supports OMEMO. Encrypted chat will no longer be possible in this grouchat.': '%1$s has no device that can read encrypted messages. This room cannot be encrypted any more.',
    'Cannot use end-to-end encryption because %1$s uses a client that doesn\'t support OMEMO.': '%1$s has no device that can read encrypted messages.',
    'Cannot use end-to-end encryption in this groupchat, either the groupchat has some anonymity or not all participants support OMEMO.': 'This room cannot be encrypted: it is not by invitation, or somebody has no device that can read encrypted messages.',
    'Cannot use OMEMO in this groupchat — it must be non-anonymous and members-only.': 'Only rooms by invitation can be encrypted',
    'This groupchat needs to be members-only and non-anonymous in order to support OMEMO encrypted messages': 'Only rooms by invitation can be encrypted',
    'OMEMO encryption is not supported': 'Messages cannot be encrypted here',
    'Messages are being sent in plaintext': 'Messages are not encrypted',
    'Messages are sent encrypted': 'Messages are encrypted',

    // Who is around.
    Online: 'Around', Offline: 'Away', Unavailable: 'Away', Chatty: 'Around', 'Extended Away': 'Away',
    '%1$s is online': '%1$s is around', '%1$s has gone offline': '%1$s is away',
    'This contact is online': 'Around', 'This contact is offline': 'Away', 'This contact is unavailable': 'Away',
    'This contact is away': 'Away', 'This contact is away for an extended period': 'Away', 'This contact is busy': 'Busy',
    'This client does not allow presence subscriptions': 'That cannot be done here.',
};

/** What is replaced as a whole: for a test, which finds out when Converse says it otherwise. */
export const sentences = Object.keys(SENTENCES);

// From the longer to the shorter.
/** @type {Record<string, string>} */
const WORDS = {
    'xmpp address and/or password': 'password',
    'xmpp address': 'address',
    users: 'people',
    user: 'person',
    'xmpp server': 'server',
    'log in': 'sign in',
    'my contacts': 'everybody',
    groupchats: 'rooms',
    groupchat: 'room',
    muc: 'room',
    affiliations: 'memberships',
    affiliation: 'membership',
    participants: 'people',
    participant: 'person',
    occupants: 'people',
    occupant: 'person',
    nicknames: 'names',
    nickname: 'name',
    'chat client': 'chat',
    retractions: 'deletions',
    retraction: 'deletion',
    retract: 'delete',
};
const PATTERN = new RegExp(`\\b(${Object.keys(WORDS).join('|')})\\b`, 'gi');

const capitalised = (word) => word[0].toUpperCase() + word.slice(1);

/**
 * What Converse says, in words of this site.
 * @param {string} text
 * @param {any[]} [args] what is said in it
 */
export function reword(text, args = []) {
    const sentence = SENTENCES[text];
    if (sentence) return typeof sentence === 'string' ? sentence : sentence(...args);
    return text.replace(PATTERN, (found) => {
        const word = WORDS[found.toLowerCase()];
        return /^[A-Z][a-z]/.test(found) ? capitalised(word) : word;
    });
}

/** @param {Converse.Public} converse */
export function rewordConverse(converse) {
    const { i18n } = converse.env;
    const { translate } = i18n;
    // Patch: words
    i18n.translate = (text, args) => {
        if (!/^en\b/.test(i18n.getLocale())) return translate(text, args);
        return translate(reword(text, args), args);
    };
}
