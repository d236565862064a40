package xmppgw

// Trust is how far the pages of an origin are trusted (RFC 6454; W-02).
type Trust int

// The degrees.
const (
	TrustNone    Trust = iota // they are refused
	TrustTokens               // they may chat, and prove by a token or a password for whom
	TrustCookies              // the site's cookie proves it as well
)
