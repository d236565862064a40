package muc

import (
	"bytes"
	"context"
	"log/slog"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"
)

// The room's archive (XEP-0313 §6.1.2, S-65).

// roomArchive is the archive of one room. It is safe for concurrent use.
type roomArchive struct {
	owner   string // the room's address
	archive *archive.Archive
	log     *slog.Logger
	timeout time.Duration // Config.StoreTimeout
}

// reader is what somebody may see of the archive.
type reader struct {
	identities bool
	bare       string
	room       stanza.Address
	blocks     xmppd.Blocked // of whose addresses there is nothing (blocked.go)
}

// mayRead checks the right to enter, at the time of the query.
func (r *room) mayRead(c xmppd.Client) (reader, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state != open {
		return reader{}, stanza.ErrItemNotFound
	}
	user := c.User()
	a := r.affiliations.ofLocked(user)
	if r.mayEnterLocked(user) != nil {
		return reader{}, stanza.ErrForbidden
	}
	if !r.knowsPasswordLocked(user) {
		return reader{}, stanza.ErrForbidden
	}
	m := r.occupants.memberLocked(c)
	return reader{identities: r.settings.NonAnonymous || a.rank() >= Admin.rank() || (m != nil && m.occupant.seesAddressesLocked())}, nil
}

func handleArchiveForm(_ context.Context, r *room, c xmppd.Client, _ stream.Child) ([]byte, error) {
	if _, err := r.mayRead(c); err != nil {
		return nil, err
	}
	return archive.Form(), nil
}

func handleArchiveMetadata(ctx context.Context, r *room, c xmppd.Client, _ stream.Child) ([]byte, error) {
	if _, err := r.mayRead(c); err != nil {
		return nil, err
	}
	return r.svc.archive.Metadata(ctx, r.jid)
}

func handleArchiveQuery(ctx context.Context, r *room, c xmppd.Client, query stream.Child) ([]byte, error) {
	may, err := r.mayRead(c)
	if err != nil {
		return nil, err
	}
	if !may.identities && asksWho(query) {
		return nil, stanza.ErrForbidden
	}
	may.bare, may.room = c.Bare(), stanza.Address{User: r.name, Domain: r.svc.cfg.Domain}
	if may.blocks, err = r.svc.server.BlockedAt(ctx, c.User(), r.svc.cfg.Domain); err != nil {
		return nil, err
	}
	return r.svc.archive.Answer(ctx, c, r.jid, query, may.view)
}

// asksWho reports whether a query selects by the sender's real address.
func asksWho(query stream.Child) bool {
	form, ok := query.Find(stanza.NSDataForms, "x")
	if !ok {
		return false
	}
	for f := range form.Children() {
		if name, _ := f.Attr("var"); name == "with" {
			return true
		}
	}
	return false
}

// view is an entry as a reader sees it: with the sender's real address for those
// who may know it (S-65); nil: the reader blocks whose it is, by that one's address in the room.
func (v reader) view(e archive.Entry) []byte {
	from := v.room
	if from.Resource = e.Resource; e.With != v.bare && v.blocks.Has(from) {
		return nil
	}
	end := bytes.LastIndex(e.Stanza, []byte("</"))
	if !v.identities || end < 0 {
		return e.Stanza
	}
	dst := append(make([]byte, 0, len(e.Stanza)+128), e.Stanza[:end]...)
	dst = stanza.AppendAttr(append(dst, `<x xmlns="`+stanza.NSMUCUser+`"><item`...), "jid", e.With)
	return append(append(dst, "/></x>"...), e.Stanza[end:]...)
}
