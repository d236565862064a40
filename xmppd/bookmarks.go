package xmppd

// Bookmarks of rooms (XEP-0402).

const (
	nodeBookmarks    = "urn:xmpp:bookmarks:1"
	nodeOldBookmarks = "storage:bookmarks"
)
