// Tabs of one browser share what Converse keeps, and each hears every message. In a
// conversation that begins with one, another tab may have kept it before this tab hears
// it: Converse finds it there, and takes it for heard. It is as new as it would be alone.

/**
 * @param {Converse.Private} _converse
 * @param {Promise<unknown>} restored when what this tab had counted is known again
 */
export function countAnotherTabsUnread({ api, exports }, restored) {
    let begun = false;
    restored.then(() => (begun = true));
    /** @type {WeakMap<object, Set<unknown>>} by conversation: the messages that it began with */
    const kept = new WeakMap();
    api.listen.on('chatBoxInitialized', (box) => {
        if (begun && box.messages?.length) kept.set(box, new Set(box.messages.models));
    });

    const { prototype } = exports.ChatBox;
    const { onMessage } = prototype;
    // Patch: another-tab
    prototype.onMessage = async function (attrs) {
        const mayBe = kept.has(this) && attrs.sender === 'them' && !attrs.is_archived;
        const message = mayBe ? await this.getDuplicateMessage(attrs) : undefined;
        await onMessage.call(this, attrs);
        if (message && kept.get(this)?.delete(message)) this.handleUnreadMessage(message);
    };
}
