package xmppd

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Bind 2 (XEP-0386): a resource and what else a session begins with, along with
// signing in.

const (
	nsBind2      = "urn:xmpp:bind:0"
	bind2Feature = `<bind xmlns="` + nsBind2 + `"><inline><feature var="` + nsCarbons + `"/><feature var="` + stanza.NSCSI + `"/><feature var="` + stanza.NSSM + `"/></inline></bind>`
)

// maxTag is the maximum length, in bytes, of a tag that becomes part of a resource.
const maxTag = 64

// bind2Request is what <bind/> asks for.
type bind2Request struct {
	tag      string
	carbons  bool
	inactive bool
	enable   *stream.Child // of stream management
}

func parseBind2(bind stream.Child) *bind2Request {
	r := &bind2Request{}
	for child := range bind.Children() {
		switch child.Name {
		case stream.Name{Space: nsBind2, Local: "tag"}:
			if tag := child.Text(); len(tag) <= maxTag {
				r.tag = tag
			}
		case stream.Name{Space: nsCarbons, Local: "enable"}:
			r.carbons = true
		case stream.Name{Space: stanza.NSCSI, Local: "inactive"}:
			r.inactive = true
		case stream.Name{Space: stanza.NSSM, Local: "enable"}:
			r.enable = &child
		}
	}
	return r
}

// bind2 binds a session and answers with it. No session and no error: the
// account has too many; the client may bind in the old way, and is told then.
func (c *conn) bind2(ctx context.Context, r *sasl2Request, w *welcome, failed []byte) (*session, error) {
	s := c.sessionFor(c.resourceFor(r))
	s.stream = nil // until the client has been answered
	s.carbons, s.inactive = r.bind.carbons, r.bind.inactive
	// What waits by now is in the archive that the client is told of, and what comes from here on is later.
	read := c.archivedOffline(ctx, s)
	bound := c.archiveBounds(ctx, s)
	replaced, err := c.server.registry.register(s)
	var full *stanza.Error
	if errors.As(err, &full) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if replaced != nil {
		c.server.end(replaced, &stream.Error{Condition: stream.Conflict, Text: "replaced by a new stream"})
	}
	var m *smState
	if r.bind.enable != nil && c.resumable() {
		m = s.newSM(*r.bind.enable)
		bound = append(bound, s.enabled(m)...)
	}
	bound = slices.Concat([]byte(`<bound xmlns="`+nsBind2+`">`), bound, []byte(`</bound>`))
	if !s.attach(c.stream, m, w.answer(s.full, slices.Concat(failed, bound), m != nil)) {
		if m != nil {
			c.server.registry.removeResumable(m.id)
		}
		return nil, errEnded
	}
	// After the answer, unlike in bind.go: what comes for a session without a stream waits in
	// memory, so that no store is asked before attach. Nothing of the client's is handled before this.
	if err := c.confirmIdentity(ctx, s.account); err != nil {
		c.server.end(s, err)
		return nil, err
	}
	c.dropOffline(ctx, read)
	c.server.stats.bound.Add(1)
	return s, nil
}

var errEnded = &stream.Error{Condition: stream.NotAuthorized, Text: "signed out"}

// attach gives a new session its stream: first the answer that tells of it, then what came for
// its address meanwhile, which is counted after <enabled/> (XEP-0198 §4). It reports false when
// the session was ended meanwhile.
func (s *session) attach(st stream.Stream, m *smState, answer [][]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != connected {
		return false
	}
	s.stream, s.sm = st, m
	for _, raw := range answer {
		_ = st.Send(raw) // an error means that the stream is closing; its reader sees to it
	}
	for _, sent := range s.late.take() {
		s.transmitLocked(immediate, sent)
	}
	if !s.inactive {
		s.releaseLocked()
	}
	return true
}

// resourceFor makes a resource of the client's tag and of what is always the
// same for the same client, so that a new session takes the place of an old one,
// and tells nobody the client's id (XEP-0386 §3.2).
func (c *conn) resourceFor(r *sasl2Request) string {
	id := rand.Text()
	if r.agent != "" {
		sum := hmac.New(sha256.New, c.server.agents)
		sum.Write([]byte(c.identity.User + "\x00" + r.agent))
		id = base32.StdEncoding.EncodeToString(sum.Sum(nil)[:15])
	}
	if r.bind.tag == "" {
		return id
	}
	a, err := stanza.ParseAddress(c.identity.User + "@" + c.server.domain + "/" + r.bind.tag + "/" + id)
	if err != nil {
		return id
	}
	return a.Resource
}

// archiveBounds describes the archive as it is; nothing, when the database
// cannot be asked: the client asks for itself then.
func (c *conn) archiveBounds(ctx context.Context, s *session) []byte {
	ctx, cancel := context.WithTimeout(ctx, c.server.cfg.StoreTimeout)
	defer cancel()
	metadata, err := c.server.archive.Metadata(ctx, s.bare)
	if err != nil {
		c.log().Error("the archive could not be described", "err", err)
	}
	return metadata
}

// archivedOffline returns which of the messages that wait for the account are in its archive, where the
// client reads them (XEP-0386 §3.2); the others are delivered as to every client (offline.go).
func (c *conn) archivedOffline(ctx context.Context, s *session) []uuid.UUID {
	ctx, cancel := context.WithTimeout(ctx, c.server.cfg.StoreTimeout)
	defer cancel()
	waiting, err := c.server.stores.Offline.Offline(ctx, s.user)
	if err != nil {
		c.log().Error("offline messages stay; the client may see them twice", "err", err)
	}
	var ids []uuid.UUID
	for _, m := range waiting {
		el, err := stream.Parse(m.Stanza, stream.Limits{Bytes: len(m.Stanza)})
		if err != nil {
			continue // logged where it is delivered
		}
		if id, ok := archivedID(el, s.bare); ok && id == m.ID {
			ids = append(ids, id)
		}
	}
	return ids
}

// dropOffline removes messages that wait for the account.
func (c *conn) dropOffline(ctx context.Context, ids []uuid.UUID) {
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.server.cfg.StoreTimeout)
	defer cancel()
	if err := c.server.stores.Offline.RemoveOffline(ctx, c.identity.User, ids); err != nil {
		c.log().Error("offline messages stay; the client may see them twice", "err", err)
	}
}
