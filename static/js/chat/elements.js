// Elements that several parts of the chat show.

/** An element of a class, with what is in it. */
export const make = (tag, className, ...content) => {
    const element = Object.assign(document.createElement(tag), { className });
    element.append(...content);
    return element;
};

/** What stands in for a picture: of the first two words that have any, a letter or digit; app/text.go does the same. */
export const initials = (name) =>
    name.split(/\s+/u).flatMap((word) => word.match(/[\p{L}\p{N}]/u) ?? []).slice(0, 2).join('').toUpperCase() || [...name.trim()][0] || '?';

/** A picture of a person or a room, or what stands in for it. @param {Pick<import('./list/entries.js').Entry, 'name' | 'picture' | 'around'> & {room?: boolean}} entry */
export function picture(entry) {
    const holder = make('span', 'conversation-picture');
    holder.setAttribute('aria-hidden', 'true');
    if (entry.picture) holder.append(Object.assign(new Image(44, 44), { src: entry.picture, alt: '', loading: 'lazy', decoding: 'async' }));
    else holder.append(make('span', 'conversation-initials', entry.room ? '#' : initials(entry.name)));
    if (entry.around) holder.append(make('span', 'conversation-around'));
    return holder;
}

/** The path of the sign of what is pinned, 24 by 24. */
export const PIN = 'M16 3v2l-1 1v5l3 3v2h-5v6h-2v-6H6v-2l3-3V6L8 5V3z';
