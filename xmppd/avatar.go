package xmppd

// Pictures of people (XEP-0084).

const (
	nodeAvatarData     = "urn:xmpp:avatar:data"
	nodeAvatarMetadata = "urn:xmpp:avatar:metadata"
)
