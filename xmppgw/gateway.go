// Package xmppgw is the web gateway: it turns WebSocket (RFC 7395) and BOSH
// (XEP-0124, XEP-0206) into streams, knows from the site's cookie who is
// calling, and hands each stream to a stream.Server: the embedded one or a
// relay to another.
package xmppgw

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"foyer/internal/stream"
)

// ErrNoSession is returned by an Authenticator when a request has no site
// session, or one that ended.
var ErrNoSession = errors.New("xmppgw: no site session")

// Header reads the headers of an HTTP request; names are case-insensitive.
type Header interface{ Get(name string) string }

// Authenticator is what the gateway asks of the site.
type Authenticator interface {
	// FromRequest returns the site session behind a request, from its cookie.
	// ErrNoSession: nobody is signed in. Any other error: the database cannot
	// be asked; the client should come back.
	FromRequest(ctx context.Context, h Header) (stream.Identity, error)

	// Upstream returns a fresh credential for an external server.
	Upstream(ctx context.Context, id stream.Identity) (user, secret string, err error)
}

// Config is what a Gateway needs. Zero limits take the documented default.
type Config struct {
	Domain  string // XMPP_DOMAIN
	Auth    Authenticator
	Server  stream.Server
	Logger  *slog.Logger
	BaseURL func() string          // the site's public URL, known once it listens
	Origin  func(string) bool      // whether an Origin header's value is the site's own
	Address func(h Header, peer string) string // the client's IP behind trusted proxies

	External bool // a site session may sign in by SASL EXTERNAL (XMPP_LOGIN session, prebind)
	Password bool // browsers may use SASL PLAIN (XMPP_LOGIN token, signed, password)

	Limits          stream.Limits // of one stanza
	Queue           int           // bytes queued towards one client; default 4 MiB
	MaxWait         time.Duration // BOSH wait; default and most 59 s (nginx gives up at 60)
	Inactivity      time.Duration // BOSH session without a request; default 60 s
	PrebindUnused   time.Duration // prebound session nobody attached to; default 30 s
	Unauthenticated time.Duration // time to sign in; default 30 s
	PerAddress      int           // streams per client address; default 200
	PerIdentity     int           // streams per account; default 50
	CreateRate      float64       // new streams per second and address, burst 10 times that; default 10
}

// Prebound is a BOSH session that is signed in and bound, for a page to attach
// to.
type Prebound struct {
	JID string `json:"jid"` // full
	SID string `json:"sid"`
	RID int64  `json:"rid"` // the next request id to use
}
