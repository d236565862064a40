// People by their names. Nobody here needs to see an address.

const AROUND = new Set(['online', 'chat', 'away', 'xa', 'dnd']);

/** Whether somebody is signed in to the chat, by what is known of their presence. */
export const isAround = (presence) => AROUND.has(presence?.get('show') ?? presence?.get('presence'));

/** Who belongs to an address, among those that the person knows. */
export const byAddress = (_converse, jid) => _converse.state.roster?.get(jid) ?? null;

/** What Converse calls somebody or a room; nothing if it has no name for them. */
export function knownName(model) {
    const name = model?.getDisplayName?.();
    return name && name !== SOMEBODY ? name : undefined;
}

/** The name that belongs to an address: from the list of people, or from their card. */
export async function nameOf(_converse, jid) {
    const listed = knownName(byAddress(_converse, jid));
    if (listed) return listed;
    const card = await _converse.api.vcard.get(jid).catch(() => null);
    return card?.fullname || card?.nickname || SOMEBODY;
}

/** The picture in somebody's card, as an address. */
export function pictureOf(card) {
    const image = card?.get('image');
    return image ? `data:${card.get('image_type') || 'image/png'};base64,${image}` : undefined;
}

export const SOMEBODY = 'Somebody';
