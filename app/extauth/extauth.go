// Package extauth is how another XMPP server asks the site whether a login is good. Each
// listener speaks what such servers speak already; none decides anything: the Site does.
//
//	dovecot.go   Dovecot's authentication protocol (Prosody's mod_auth_dovecot)
//	http.go      GET /check_password and /user_exists (MongooseIM, Prosody, ejabberd)
//	pipe.go      ejabberd's external-authentication pipe, a separate program that asks by http.go
//	listen.go    where a listener is: a unix socket, whose peers are checked, or loopback
//
// Passwords come in here. They are neither logged nor kept, and requests are not logged
// at all. Each listener serves one XMPP domain.
package extauth

import (
	"context"
	"errors"
	"strings"
	"time"

	"foyer/app/auth"
	"foyer/internal/stanza"
)

// Site decides. It is safe for concurrent use.
type Site interface {
	// CheckForServer returns the local part of the address of the account whose login
	// this is. auth.ErrInvalidCredentials: it is no good. *auth.ThrottledError: nothing was
	// checked. Any other error means that the site could not tell just now.
	CheckForServer(ctx context.Context, user, password string) (name string, err error)

	// UserExists reports whether there is somebody of that name.
	UserExists(ctx context.Context, user string) (bool, error)
}

// How long the site may take to answer one question. It is longer than a password waits
// for its turn to be hashed.
const answerTimeout = 15 * time.Second

// maxPassword is the maximum length of what may be a password, in bytes. Signed tokens
// have at most 1023.
const maxPassword = 4096

// maxLogin is the maximum length of a login name, in bytes (RFC 7622 §3.1).
const maxLogin = 3071

// checker is one listener's way to the Site: logins are within the one domain, and bounded.
type checker struct {
	site   Site
	domain string
}

// verdict is what a listener answers.
type verdict int

const (
	refused   verdict = iota
	good              // it is this account's
	throttled         // too many wrong passwords: nothing was checked
	unknown           // the site cannot tell just now
)

// check decides on a login: user, or user@domain. server is the domain that the asking
// server names as well; empty: it names none. name is whose it is, when it is good; err
// says why the site cannot tell.
func (g checker) check(ctx context.Context, login, server, password string) (v verdict, name string, err error) {
	user, ok := g.user(login, server)
	if !ok || len(password) > maxPassword {
		return refused, "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	name, err = g.site.CheckForServer(ctx, user, password)
	_, slower := errors.AsType[*auth.ThrottledError](err)
	switch {
	case err == nil:
		return good, name, nil
	case errors.Is(err, auth.ErrInvalidCredentials):
		return refused, "", nil
	case slower:
		return throttled, "", nil
	}
	return unknown, "", err
}

// exists decides whether there is somebody of that name.
func (g checker) exists(ctx context.Context, login, server string) (verdict, error) {
	user, ok := g.user(login, server)
	if !ok {
		return refused, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	there, err := g.site.UserExists(ctx, user)
	switch {
	case err != nil:
		return unknown, err
	case there:
		return good, nil
	}
	return refused, nil
}

// user returns the local part of a login within the domain.
func (g checker) user(login, server string) (user string, ok bool) {
	user, domain, named := strings.Cut(login, "@")
	ok = user != "" && len(login) <= maxLogin
	return user, ok && (!named || g.ours(domain)) && (server == "" || g.ours(server))
}

func (g checker) ours(domain string) bool {
	prepared, err := stanza.PrepareDomain(domain)
	return err == nil && prepared == g.domain
}
