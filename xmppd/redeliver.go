package xmppd

import (
	"bytes"
	"context"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// redeliver stores for later the messages that an ended session did not
// acknowledge, unless another of the account's resources got them as well
// (XEP-0198 §6, S-95). A session that is there by now gets them at once.
func (off *offlineMessages) redeliver(ctx context.Context, s *session, unacked []sentStanza) {
	kept := false
	for _, u := range unacked {
		if !isMessage(u) {
			continue
		}
		m, err := stream.Parse(u.raw, stream.Limits{Bytes: len(u.raw)})
		if err != nil || !storesOffline(m) || off.isPassingWord(m) || off.deliveredElsewhere(s, m, u.at) {
			continue
		}
		if err := off.add(ctx, s.user, offlineAgain(m, s, u.at)); err != nil {
			s.log().Error("an undelivered message could not be kept offline", "id", m.ID, "err", err)
			continue
		}
		kept = true
	}
	if kept {
		off.flushArrived(ctx, s.user)
	}
}

// refuseUnanswered answers the requests that an ended session did not acknowledge, as if
// nobody had been there: every request gets an answer (RFC 6120 §8.2.3, XEP-0198 §6, S-10;
// XEP-0206 §7, B-53). Who has one already takes no other.
func (srv *Server) refuseUnanswered(ctx context.Context, s *session, unacked []sentStanza) {
	for _, u := range unacked {
		if !bytes.HasPrefix(u.raw, []byte("<iq")) {
			continue
		}
		iq, err := stream.Parse(u.raw, stream.Limits{Bytes: len(u.raw)})
		if err != nil || (iq.Type != "get" && iq.Type != "set") {
			continue
		}
		asker, err := stanza.ParseAddress(iq.From)
		if err != nil { // the server itself asked
			continue
		}
		refusal := stanza.ErrorReply(iq, s.full, iq.From, stanza.ErrServiceUnavailable)
		if to := srv.registry.session(asker); to != nil {
			to.deliver(refusal)
		} else if el, err := stream.Parse(refusal, stream.Limits{Bytes: len(refusal)}); err == nil {
			_, _ = s.toService(ctx, el, asker) // which answers nothing to an error
		}
	}
}

// isPassingWord reports whether a message is what a service tells one client of, and nothing that
// somebody says, or invites to, through it: a form, or a change of what one may do in a room. A
// client that comes anew asks for what there is, or hears it as it enters.
func (off *offlineMessages) isPassingWord(m *stream.Element) bool {
	from, err := stanza.ParseAddress(m.From)
	return err == nil && off.isService(from.Domain) &&
		!stanza.IsSubstantial(m) && !isInvitation(m) && !stanza.HasHint(m, "store")
}

func isMessage(sent sentStanza) bool { return bytes.HasPrefix(sent.raw, []byte("<message")) }

// offlineAgain is the message as it waits, with the time at which it was first
// sent.
func offlineAgain(m *stream.Element, s *session, at time.Time) OfflineMessage {
	id, archived := archivedID(m, s.bare)
	if archived {
		at = (archive.Entry{ID: id}).Time()
	} else {
		id = uuid.Must(uuid.NewV7())
	}
	if t, ok := delayed(m, s.server.domain); ok {
		at = t
	}
	// It gets its delay when it is delivered.
	raw := m.Edit().Drop(func(c stream.Child) bool { return stanza.IsDelayBy(c, s.server.domain) }).Bytes()
	return OfflineMessage{ID: id, Stamp: at.UTC(), Stanza: raw}
}

// delayed returns the time of the delay that the server put on a message when
// it was delivered from the offline store (XEP-0203 §2).
func delayed(m *stream.Element, domain string) (time.Time, bool) {
	for c := range m.Children() {
		if !stanza.IsDelayBy(c, domain) {
			continue
		}
		stamp, _ := c.Attr("stamp")
		at, err := time.Parse(time.RFC3339, stamp)
		return at, err == nil
	}
	return time.Time{}, false
}

// deliveredElsewhere reports whether a message that s got at that time went to
// another resource too: by its bare address, or as a carbon.
func (off *offlineMessages) deliveredElsewhere(s *session, m *stream.Element, at time.Time) bool {
	if _, fromStore := delayed(m, off.domain); fromStore {
		return false // what waited goes to one resource
	}
	to, err := stanza.ParseAddress(m.To)
	if err != nil {
		return false
	}
	for _, o := range off.registry.lookup(s.user).reachable() {
		if o != s && o.reachableAt(at) && (to.Resource == "" || (o.flag(flagCarbons) && isCarbonEligible(m))) {
			return true
		}
	}
	return false
}

// reachableAt reports whether messages to the bare JID have come here since
// that time.
func (s *session) reachableAt(at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.reachable.IsZero() && !s.reachable.After(at)
}
