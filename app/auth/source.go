package auth

import (
	"context"

	"foyer/models"
)

// Source is where people come from: the site's own accounts (local.go), and later
// a directory or an identity provider, each in one file.
//
// Signing in has two steps, Start and Finish, with a trip of the browser in
// between: to a form of this site, or to the source's own pages. Still is asked
// again while somebody is signed in.
type Source interface {
	// Name tells sources apart, in addresses and in records: lower-case letters.
	Name() string

	// Start begins to sign somebody in. callback is where the source sends the
	// browser back to.
	Start(ctx context.Context, callback string) (Trip, error)

	// Finish says who it is, from what the browser brought back. Errors:
	// ErrNotProved; *ThrottledError; ErrBusy; any other means that the source could not
	// tell just now.
	Finish(ctx context.Context, a Answer) (Person, error)

	// Still returns nil while somebody may still be who they were, and ErrGone
	// when they left or are kept out.
	Still(ctx context.Context, p Person) error
}

// Trip is where the browser goes to prove who somebody is.
type Trip struct {
	URL   string // empty: the site's form for user name and password
	State string // a secret that must come back with the answer, kept in a cookie meanwhile; empty: none
}

// Answer is what a browser brought back.
type Answer struct {
	Form  func(name string) string // fields of the form or of the address
	State string                   // of the Trip
	From  Client
}

// Client is who is asking, as far as it is known before anything is proved.
type Client struct {
	Address string // IP address, as the trusted proxies tell it
	App     bool   // no browser; what is known of it is its address
	Server  bool   // another chat server asks for it, which does not tell the address
	Device  string // secret of the browser's long-lived cookie (SignedIn.Device); empty: none
}

// Person is who somebody is, as a source says.
type Person struct {
	Source  string
	Subject string   // who it is, for ever, within the source; for local accounts the user name
	Groups  []string // nil: the source knows of none, and the site keeps its own
	Admin   bool

	// Account is theirs here, as it was when they proved who they are. What is
	// written on the strength of that is written only while it is so still.
	Account models.Account
}
