package app

import (
	"context"

	"foyer/xmppd"
	"foyer/xmppd/muc"
	"foyer/xmppgw"
)

// newChat makes the chat server with its services, and the gateway to it.
func (s *Server) newChat(ctx context.Context) error {
	var err error
	s.xmpp, err = xmppd.New(xmppd.Config{
		Domain: s.cfg.Domain, Authority: s, Stores: s.db.Stores(s.cfg.Domain, s.cfg.Roster), FAST: s.fast, Logger: s.log, Version: Version,
	})
	if err != nil {
		return err
	}
	if err := s.mountRooms(ctx); err != nil {
		return err
	}
	if s.cfg.UploadMaxSize > 0 {
		s.xmpp.Mount(xmppd.NewUploads(uploadDomain+s.cfg.Domain, int64(s.cfg.UploadMaxSize), s))
	}
	login := s.cfg.Login
	s.gateway, err = xmppgw.New(xmppgw.Config{
		Domain: s.cfg.Domain, Auth: s, Server: s.xmpp, Logger: s.log, BaseURL: s.BaseURL, Origin: s.isOrigin,
		Address: func(h xmppgw.Header, peer string) string {
			return clientAddress(s.proxies, peer, h.Get("X-Forwarded-For"))
		},
		Secure:   func(h xmppgw.Header, peer string) bool { return secure(s.proxies, peer, h.Get("X-Forwarded-Proto")) },
		External: login == LoginSession || login == LoginPrebind,
		Password: login == LoginToken || login == LoginSigned || login == LoginPassword,
	})
	return err
}

// mountRooms adds group chat.
func (s *Server) mountRooms(ctx context.Context) error {
	key, err := s.db.SiteKey(ctx, "occupants", freshKey())
	if err != nil {
		return err
	}
	s.rooms, err = muc.New(muc.Config{
		Domain: s.cfg.RoomsDomain(), Server: s.xmpp, Store: s.db.RoomStore(), Key: key, Hats: s.hats, Steward: s.isAdmin, Logger: s.log,
	})
	if err != nil {
		return err
	}
	s.xmpp.Mount(s.rooms)
	return nil
}

// hats shows in every room who runs the site (XEP-0317).
func (s *Server) hats(ctx context.Context, user string) ([]muc.Hat, error) {
	if admin, err := s.isAdmin(ctx, user); err != nil || !admin {
		return nil, err
	}
	return []muc.Hat{{URI: "urn:foyer:hats:admin", Title: "Site admin"}}, nil
}

// isAdmin reports whether somebody runs the site. They look after rooms that
// nobody owns any more.
func (s *Server) isAdmin(ctx context.Context, user string) (bool, error) {
	a, err := s.db.AccountByName(ctx, user)
	return a.Admin, err
}
