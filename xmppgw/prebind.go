package xmppgw

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Prebound is a BOSH session that is signed in and bound, for a page to attach
// to.
type Prebound struct {
	JID string `json:"jid"` // full
	SID string `json:"sid"`
	RID uint64 `json:"rid"` // the next request id to use
}

// ErrPrebind tells that the chat server refused or could not be reached.
var ErrPrebind = errors.New("xmppgw: prebind failed")

// Prebind signs id in over a new BOSH session, as a client would, and
// leaves it for the page. It sends no presence: Converse does that itself after
// attaching. Each call makes a fresh session; one that nobody attaches to ends
// after Config.PrebindUnused.
func (g *Gateway) Prebind(ctx context.Context, id stream.Identity, addr string) (Prebound, error) {
	if g.cfg.Server == nil {
		return Prebound{}, fmt.Errorf("%w: there is no site", ErrPrebind)
	}
	c := caller{addr: addr, origin: g.cfg.BaseURL(), identity: id}
	p := prebind{rid: firstRID()}
	body := &stream.Body{Attrs: map[stream.Name]string{
		{Local: "ver"}: "1.6", {Local: "wait"}: "59", {Local: "hold"}: "1",
	}}
	s, err := g.newBOSH(c, body, p.rid, host{g.cfg.Domain, g.cfg.Server})
	if err != nil {
		return Prebound{}, err
	}
	p.session = s
	jid, err := p.signIn(ctx, body)
	if err != nil {
		s.Close(nil)
		s.forget()
		return Prebound{}, err
	}
	s.mu.Lock()
	s.unclaimed = true
	s.startInactivityLocked()
	s.unlock()
	return Prebound{JID: jid, SID: s.sid, RID: p.rid}, nil
}

// firstRID is random, and leaves room to count (XEP-0124 §14.1).
func firstRID() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])%(1<<40) + 1
}

// prebind is the client's side.
type prebind struct {
	session *boshSession
	rid     uint64 // of the next request
}

// signIn goes the way of XEP-0206 §4: features, SASL EXTERNAL, restart, bind; and where the
// server wants it, the session of RFC 3921 §3, without which MongooseIM drops what the page
// would send.
func (p *prebind) signIn(ctx context.Context, creation *stream.Body) (jid string, err error) {
	id := p.session.peer.Identity
	authzid := base64.StdEncoding.EncodeToString([]byte(id.User + "@" + p.session.gateway.cfg.Domain))
	if _, err := p.exchange(ctx, creation, "features"); err != nil {
		return "", err
	}
	if _, err := p.send(ctx, "success", `<auth xmlns="`+stanza.NSSASL+`" mechanism="EXTERNAL">`+authzid+`</auth>`); err != nil {
		return "", err
	}
	restart := &stream.Body{Attrs: map[stream.Name]string{{Space: stream.NSXBOSH, Local: "restart"}: "true"}}
	features, err := p.exchange(ctx, restart, "features")
	if err != nil {
		return "", err
	}
	iq, err := p.send(ctx, "iq", `<iq xmlns="jabber:client" type="set" id="bind"><bind xmlns="`+stanza.NSBind+`"/></iq>`)
	if err != nil {
		return "", err
	}
	jid, ok := boundTo(iq)
	if !ok {
		return "", fmt.Errorf("%w: no resource was bound: %s", ErrPrebind, iq.Raw)
	}
	return jid, p.establish(ctx, features)
}

// boundTo returns the address in a server's answer to a request to bind.
func boundTo(iq *stream.Element) (jid string, ok bool) {
	if bind, ok := iq.Find(stanza.NSBind, "bind"); ok {
		if j, ok := bind.Find(stanza.NSBind, "jid"); ok {
			return j.Text(), true
		}
	}
	return "", false
}

// establish asks for a session, if the features do not say that it is optional
// (draft-cridland-xmpp-session-01 §2).
func (p *prebind) establish(ctx context.Context, features *stream.Element) error {
	session, offered := features.Find(stanza.NSSession, "session")
	if !offered {
		return nil
	}
	if _, optional := session.Find(stanza.NSSession, "optional"); optional {
		return nil
	}
	iq, err := p.send(ctx, "iq", `<iq xmlns="jabber:client" type="set" id="session"><session xmlns="`+stanza.NSSession+`"/></iq>`)
	if err == nil && iq.Type != "result" {
		err = fmt.Errorf("%w: the server opens no session: %s", ErrPrebind, iq.Raw)
	}
	return err
}

func (p *prebind) send(ctx context.Context, want, raw string) (*stream.Element, error) {
	el, err := stream.Parse([]byte(raw), stream.DefaultLimits)
	if err != nil {
		return nil, err
	}
	return p.exchange(ctx, &stream.Body{Elements: []*stream.Element{el}}, want)
}

// prebindAnswers takes the one answer to a request.
type prebindAnswers chan boshReply

func (a prebindAnswers) answer(r boshReply) { a <- r }
func (a prebindAnswers) gone() bool         { return false }

// exchange sends a body and polls until the element that is wanted comes.
func (p *prebind) exchange(ctx context.Context, b *stream.Body, want string) (*stream.Element, error) {
	for {
		answers := make(prebindAnswers, 1)
		rid := p.rid
		p.rid++
		p.session.serve(&boshRequest{rid: rid, body: b, asker: answers})
		var reply boshReply
		select {
		case reply = <-answers:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		answer, err := stream.ParseBody(reply.body, stream.Limits{Bytes: 1 << 20})
		if err != nil {
			return nil, err
		}
		if answer.Attr("type") == "terminate" {
			return nil, fmt.Errorf("%w: the session ended with %q", ErrPrebind, answer.Attr("condition")) // the body has the sid
		}
		for _, e := range answer.Elements {
			if e.Name.Local == want {
				return e, nil
			}
			return nil, fmt.Errorf("%w: %s at request %s", ErrPrebind, e.Raw, strconv.FormatUint(rid, 10))
		}
		b = &stream.Body{}
	}
}
