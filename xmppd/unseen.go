package xmppd

import "foyer/internal/stream"

// Messages that nobody sees just now: the site may tell the person by other means (web
// push, docs/NOTIFICATIONS.md).

// Notifier is told of messages to people no client of whom is looked at.
type Notifier interface {
	// Wants reports whether it wants to be told of an account's messages. It is asked for
	// every message: it must cost next to nothing.
	Wants(user string) bool

	// Unseen tells of a message to an account. It must not block.
	Unseen(user string, m *stream.Element)
}

// notifyUnseen tells of a message that was delivered or kept, if nobody sees it.
func (srv *Server) notifyUnseen(user string, m *stream.Element) {
	n := srv.cfg.Notifier
	if n == nil || !n.Wants(user) || !storesOffline(m) || srv.LookedAt(user) {
		return
	}
	n.Unseen(user, m)
}

// LookedAt reports whether somebody looks at a client of an account: it is available, its
// stream is there, and it has not said that nobody does (XEP-0352).
func (srv *Server) LookedAt(user string) bool {
	for _, s := range srv.registry.lookup(user).all() {
		s.mu.Lock()
		looked := s.presence != nil && s.stream != nil && !s.inactive
		s.mu.Unlock()
		if looked {
			return true
		}
	}
	return false
}
