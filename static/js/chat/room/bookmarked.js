// Rooms that are bookmarked are entered where another chat server is behind the site, since
// that tells of what is said in them only then. None of them opens by itself: nobody asked
// for it, and what somebody had open is somewhere else.

/**
 * What is told of bookmarks waits for those of its own session: Converse has none of them once a session has ended, and
 * goes on as if it had.
 * @param {Converse.Private} _converse
 */
export function awaitBookmarks({ api }) {
    // Patch: bookmarks-awaited
    api.listen.on('clearSession', () => api.promises.add('bookmarksInitialized'));
}

/** @param {Converse.Private} _converse */
export function joinBookmarkedHidden(_converse) {
    const { api, exports } = _converse;
    // Patch: bookmarked-unseen
    exports.Bookmarks.prototype.openBookmarkedRoom = async function (bookmark) {
        if (api.settings.get('muc_respect_autojoin') && bookmark.get('autojoin'))
            await api.rooms.create(bookmark.get('jid'), { nick: bookmark.get('nick'), password: bookmark.get('password') });
        return bookmark;
    };
}
