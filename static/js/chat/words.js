// The words of this site, where Converse speaks English: rooms, people, names.
// Its own are those of the protocol.

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
    contacts: 'people',
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
};
const PATTERN = new RegExp(`\\b(${Object.keys(WORDS).join('|')})\\b`, 'gi');

const capitalised = (word) => word[0].toUpperCase() + word.slice(1);

/** @param {string} text */
function reword(text) {
    return text.replace(PATTERN, (found) => {
        const word = WORDS[found.toLowerCase()];
        return /^[A-Z][a-z]/.test(found) ? capitalised(word) : word;
    });
}

/** @param {Converse.Public} converse */
export function speakPlainly(converse) {
    const { i18n } = converse.env;
    const { translate } = i18n;
    // Patch: words
    i18n.translate = (text, args) => {
        if (!/^en\b/.test(i18n.getLocale())) return translate(text, args);
        return translate(reword(text), args);
    };
}
