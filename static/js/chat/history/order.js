// Messages stand in the order in which they were said. Converse goes by their times alone,
// which count milliseconds: of two of the same one, which pages of the archive may bring in
// any order, the ids in the archive say which came first.

import { inOrder } from '../unread/serverUnread.js';
import { withoutHoles } from './gaps.js';
import { mendTimes } from './times.js';

const compare = (a, b) => Number(a > b) - Number(a < b);

/** @param {Converse.Private} _converse @param {import('../unread/readMarkers.js').Markers} markers */
export function keepOrder({ exports }, markers) {
    for (const { prototype } of [exports.ChatBox, exports.MUC]) {
        const { getMessagesCollection } = prototype;
        prototype.getMessagesCollection = function () {
            const messages = getMessagesCollection.call(this);
            const key = markers.key(this);
            // Patch: order
            messages.comparator = (a, b) => compare(a.get('time'), b.get('time')) || compareIds(a.get(key), b.get(key));
            messages.on('change:time', () => messages.sort());
            /** @type {Map<string, string>} */
            let mended = new Map();
            // Patch: times-mended
            messages.parse = (stored) => {
                const kept = withoutHoles(this, stored);
                mended = mendTimes(kept, key);
                return kept;
            };
            const mend = (/** @type {unknown} */ of) => {
                if (of !== messages) return; // one message was saved, before all were read
                messages.off('sync', mend);
                const times = new Set(mended.values());
                for (const message of messages.models) if (times.has(message.get('time'))) message.save({ time: message.get('time') });
                const seen = mended.get(this.get('seen_until'));
                if (seen) this.save({ seen_until: seen });
            };
            messages.on('sync', mend);
            return messages;
        };
    }
}

/** What is not in the archive yet stays where it came. */
const compareIds = (a, b) => (a && b && inOrder(a) && inOrder(b) ? compare(a, b) : 0);
