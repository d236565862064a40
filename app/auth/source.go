package auth

import (
	"context"
	"errors"
	"time"
)

// Source is where people come from: the site's own accounts (local.go), a proxy in front
// (header.go), a directory or an identity provider (separate packages). Each proves who
// somebody is within the source, and nothing else: which account that opens, what it is
// called and what ends it is the Service's.
//
// Signing in has two steps, Start and Finish, with a redirect of the browser in between where
// the method is ByRedirect. Inactive is asked again while people are signed in. A Source is safe for
// concurrent use.
type Source interface {
	// Name tells sources apart, in addresses, settings and records: lower-case letters,
	// digits and hyphens. Records name it, so it never changes.
	Name() string

	// Label is what people call it, as in "Sign in with LABEL".
	Label() string

	// Method says how people prove themselves there.
	Method() SignInMethod

	// Start begins a redirect. Only sources with the method ByRedirect are asked. Errors: ErrUnreachable; any
	// other means that the source's settings are wrong.
	Start(ctx context.Context, b RedirectRequest) (Redirect, error)

	// Finish says who it is, from what the browser brought. Errors: ErrInvalidCredentials, also as a
	// *HiddenReasonError; a Refusal, whose sentence the person may see; ErrUnreachable; *ThrottledError; ErrBusy.
	Finish(ctx context.Context, a Answer) (Person, error)

	// Inactive returns those of list who are no longer somebody there or are kept out, by one
	// question for all of them where that can be. It is asked for at most recheckBatch at
	// once, of this source. A source that cannot know returns nil. An error means that it
	// could not tell of anybody: nobody is put out by it.
	Inactive(ctx context.Context, list []Identity) (gone []Identity, err error)
}

// LogoutRedirector is a Source with a session of its own in the browser that can be ended, too.
type LogoutRedirector interface {
	// SignOut returns where the browser goes for that; empty: nowhere. hint is
	// Person.SignOutHint of the session, empty if none is known; callback is where the source
	// sends the browser back to.
	SignOut(ctx context.Context, hint, callback string) (url string, err error)
}

// LogoutReceiver is a Source that says by itself that somebody is out (OpenID Connect Back-Channel
// Logout 1.0). Service.LogOut acts on it.
type LogoutReceiver interface {
	// Logout checks what was sent. Errors: a Refusal: it does not count; ErrUnreachable.
	Logout(ctx context.Context, token string) (Logout, error)
}

// BatchRechecker is a Source that tells of all who are signed in by it at once whether they are
// still there, and what it says of them now. It is asked instead of Inactive, so that it sees how
// many would go.
type BatchRechecker interface {
	// RecheckAll returns those of list who are no longer there or are kept out, and what is to
	// be said now of the others. With an error, those who are gone are so nevertheless, and
	// nothing was told of the rest.
	RecheckAll(ctx context.Context, list []Identity) (gone []Identity, now []Person, err error)
}

// LockoutPolicy is a Source that locks its accounts after too many wrong passwords.
type LockoutPolicy interface {
	// LocksAfter returns how many wrong passwords for a name may reach the source within a
	// window, from wherever they come. account is the same for all names that mean one account.
	LocksAfter(name string) (account string, failures int, window time.Duration)
}

// SubjectNormalizer is a Source that knows how it writes who somebody is: for what operators type.
type SubjectNormalizer interface {
	// NormalizeSubject returns issuer and subject as Finish does, of what was typed; an issuer may be left
	// out. The error says what is wrong with it.
	NormalizeSubject(issuer, subject string) (issuerSaid, subjectSaid string, err error)
}

// ErrNoIssuer: the source speaks for nobody but itself.
const ErrNoIssuer = Refusal("an issuer is for an OpenID Connect provider; this source has none")

// Checker is a Source that `foyer doctor` can try from end to end. The error says what to
// change, and on whose side.
type Checker interface {
	Check(ctx context.Context) error
}

// SiteChecker is a Checker that has to know the address of this site, as people type it, and
// also tells what works and could be better.
type SiteChecker interface {
	CheckFor(ctx context.Context, site string) ([]Advice, error)
}

// Advice is what could be better, and what to change for it.
type Advice struct{ Text, Mend string }

// SignInMethod is how people prove themselves to a Source.
type SignInMethod string

// The methods.
const (
	ByForm     SignInMethod = "form"     // they type user name and password into the site's form
	ByRedirect SignInMethod = "redirect" // the browser goes to the source's own pages, and comes back
	ByHeader   SignInMethod = "header"   // a proxy in front tells it with every request
)

// ErrUnreachable: the source cannot be asked just now.
var ErrUnreachable = errors.New("auth: the source does not answer")

// RedirectRequest is what a redirect is for.
type RedirectRequest struct {
	Callback string // absolute URL that the source sends the browser back to
	Fresh    bool   // the person has to prove themselves again, though the source may know them
	Hint     string // who it may be, as a name that the source knows; empty: nobody said

	// Query is the query of the request that began the redirect, for redirects that begin at the
	// source's. Nothing of it is checked.
	Query func(name string) string
}

// Redirect is where the browser goes to prove who somebody is.
type Redirect struct {
	URL string

	// State is what Finish has to know: secrets that must come back with the answer, and
	// others. It is kept sealed, in that browser alone, for RedirectLifetime, at most 2 KiB.
	State string

	// AnswerState is the state that the answer brings in its address (RFC 6749 §4.1.2): by it the
	// redirect is found among those that the browser has begun. It proves nothing; Finish checks it.
	AnswerState string
}

// Answer is what a browser brought back.
type Answer struct {
	Form     func(name string) string // fields of the form, or of the address
	Header   func(name string) string // of the request, from trusted proxies alone; nil: there are none
	State    string                   // of the Redirect
	Callback string                   // of the RedirectRequest
	Fresh    bool                     // of the RedirectRequest: the source makes sure of it
	From     Client
}

// Client is who is asking, as far as it is known before anything is proved.
type Client struct {
	Address string // IP address, as the trusted proxies tell it
	App     bool   // no browser; what is known of it is its address
	Server  bool   // another chat server asks for it, which does not tell the address
	Device  string // secret of the browser's long-lived cookie (SignedIn.Device); empty: none
}

// Person is who somebody is, as a source says. Issuer and Subject together are never given
// to anybody else by the source: by nothing else is an account found.
type Person struct {
	Issuer  string // who says so, where a source speaks for several; else empty
	Subject string // who it is there, for ever

	// What else the source says. Nothing of it opens an account.
	Login   string   // what the person is called there: the user name that they would like here
	Name    string   // as people see it; empty: says nothing
	Picture string   // URL, https; empty: says nothing
	Groups  []string // nil: says nothing
	Admin   *bool    // whether they run the site; nil: says nothing

	Session     string // the source's own session, by which it may be ended (sid); empty: none
	SignOutHint string // what the source wants to see at sign-out; kept under the browser's cookie only
}

// Identity is who somebody is at a source, as the site keeps it.
type Identity struct {
	ID      string // the record's, a UUID
	Issuer  string
	Subject string
	Login   string // as the source said last
}
