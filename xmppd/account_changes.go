package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stream"
)

// What the site tells of its accounts: somebody is new, changed their name or their
// picture, or is gone.

// AccountChanged tells the server of a new account, or that an account's name,
// picture or standing at the site changed.
func (srv *Server) AccountChanged(ctx context.Context, user string) {
	srv.vcards.forget(user)
	srv.rostersChanged(ctx, user)
	for _, svc := range srv.services {
		if w, ok := svc.(ChangeWatcher); ok {
			w.AccountChanged(ctx, user)
		}
	}
	acc, err := srv.stores.Accounts.Account(ctx, user)
	if err != nil {
		if !errors.Is(err, ErrNotFound) {
			srv.log.Error("a changed picture was not announced", "user", user, "err", err)
		}
		return
	}
	for _, s := range srv.registry.lookup(user).available() {
		s.announcePicture(ctx, acc.AvatarHash)
	}
	for _, w := range srv.mounted.profiles {
		w.ProfileChanged(ctx, acc)
	}
}

// announcePicture broadcasts the session's presence again if its hash changed.
func (s *session) announcePicture(ctx context.Context, hash string) {
	p, _ := s.available()
	if p == nil {
		return
	}
	if x, ok := p.Find(nsVCardUpdate, "x"); ok {
		if photo, ok := x.Find(nsVCardUpdate, "photo"); ok && photo.Text() == hash {
			return
		}
	}
	own, err := s.stampPhoto(ctx, p, s.flag(func(s *session) *bool { return &s.ownPhoto }))
	if err != nil {
		s.log().Error("a changed picture was not announced", "err", err)
		return
	}
	s.mu.Lock()
	if s.presence != p { // the client spoke meanwhile, with the new hash
		s.mu.Unlock()
		return
	}
	s.presence = own
	s.mu.Unlock()
	s.toSubscribers(ctx, own.Raw)
}

// AccountRemoved tells the server that an account is gone or blocked: its
// streams end and it leaves the rosters.
func (srv *Server) AccountRemoved(ctx context.Context, user string) {
	srv.vcards.forget(user)
	srv.End(stream.Scope{User: user}, &stream.Error{Condition: stream.NotAuthorized, Text: "signed out"})
	srv.lastActivity.forget(user)
	for _, svc := range srv.services {
		if w, ok := svc.(AccountWatcher); ok {
			w.AccountRemoved(ctx, user)
		}
	}
	srv.rostersChanged(ctx, user)
}
