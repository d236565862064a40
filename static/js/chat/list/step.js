// Going from one conversation to the next without the list, by its order.

/**
 * @param {() => import('./entries.js').Entry[]} all
 * @param {(jid: string) => unknown} go
 */
export function goByKeys(all, go) {
    document.addEventListener('foyer:step', ({ detail: { by, unread } }) => {
        const list = all();
        const at = list.findIndex(({ open }) => open);
        const ahead = by > 0 ? list.slice(at + 1) : list.slice(0, at < 0 ? undefined : at).reverse();
        const next = ahead.find((entry) => !unread || entry.unread > 0) ?? (unread ? list.find((entry) => entry.unread > 0) : undefined);
        if (next) go(next.jid);
    });
}
