package xmppd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"github.com/google/uuid"
)

// slots gives out what the test says, and notes what it was asked.
type slots struct {
	asked []UploadRequest
	give  UploadSlot
	err   error
}

func (s *slots) ReserveSlot(_ context.Context, r UploadRequest) (UploadSlot, error) {
	s.asked = append(s.asked, r)
	return s.give, s.err
}

func uploadWorld(t *testing.T) (*client, *slots) {
	w := newWorld(t, "alice")
	site := &slots{give: UploadSlot{Put: "https://h/upload/p/a%20b.png", Get: "https://h/upload/g/a%20b.png?x&y"}}
	w.srv.Mount(NewUploads("upload.h", 1000, site))
	c := w.online("alice", "a")
	return c, site
}

const askSlot = `<iq xmlns="jabber:client" type="%s" id="u" to="%s"><request xmlns="urn:xmpp:http:upload:0"%s/></iq>`

// XEP-0363 §3 (S-98): found among the server's items, and it tells its limit.
func TestUpload_Discovery(t *testing.T) {
	c, _ := uploadWorld(t)
	c.ask(`<iq xmlns="jabber:client" type="get" id="i" to="h"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>`,
		`<iq xmlns="jabber:client" type="result" id="i"><query xmlns="http://jabber.org/protocol/disco#items"><item jid="upload.h" name="Files"/></query></iq>`)
	c.ask(`<iq xmlns="jabber:client" type="get" id="i" to="upload.h"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
		`<iq xmlns="jabber:client" type="result" id="i" from="upload.h" to="`+c.full+`"><query xmlns="http://jabber.org/protocol/disco#info">`+
			`<identity category="store" type="file" name="Files"/><feature var="http://jabber.org/protocol/disco#info"/><feature var="urn:xmpp:http:upload:0"/>`+
			`<x xmlns="jabber:x:data" type="result"><field var="FORM_TYPE" type="hidden"><value>urn:xmpp:http:upload:0</value></field>`+
			`<field var="max-file-size"><value>1000</value></field></x></query></iq>`)
	c.ask(`<iq xmlns="jabber:client" type="get" id="i" to="upload.h"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>`,
		`<iq xmlns="jabber:client" type="result" id="i"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>`)
	c.refused(`<iq xmlns="jabber:client" type="get" id="i" to="upload.h"><query xmlns="http://jabber.org/protocol/disco#info" node="x"/></iq>`, "cancel", "item-not-found")
}

// XEP-0363 §4 (S-98): the site is asked in the name of who is signed in.
func TestUpload_Slot(t *testing.T) {
	c, site := uploadWorld(t)
	c.ask(fmt.Sprintf(askSlot, "get", "upload.h", ` filename="a &amp; b.png" size="1000" content-type="image/png"`),
		`<iq xmlns="jabber:client" type="result" id="u" from="upload.h" to="`+c.full+`"><slot xmlns="urn:xmpp:http:upload:0">`+
			`<put url="https://h/upload/p/a%20b.png"/><get url="https://h/upload/g/a%20b.png?x&amp;y"/></slot></iq>`)
	want := UploadRequest{User: "alice", Name: "a & b.png", Size: 1000, Type: "image/png"}
	if len(site.asked) != 1 || site.asked[0] != want {
		t.Errorf("asked for %+v, want %+v", site.asked, want)
	}
}

// XEP-0363 §5 (S-98).
func TestUpload_Refused(t *testing.T) {
	c, site := uploadWorld(t)
	refused := func(attrs, typ, condition, extra string) {
		t.Helper()
		c.ask(fmt.Sprintf(askSlot, "get", "upload.h", attrs), `<iq xmlns="jabber:client" type="error" id="u" from="upload.h"><error type="`+typ+`">`+
			`<`+condition+` xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">*</text>`+extra+`</error></iq>`)
	}
	for _, attrs := range []string{``, ` filename="a"`, ` size="1"`, ` filename="" size="1"`, ` filename=" " size="1"`, ` filename="a" size="0"`,
		` filename="a" size="-1"`, ` filename="a" size="1e3"`, ` filename="a" size="99999999999999999999"`} {
		refused(attrs, "modify", "bad-request", "")
	}
	refused(` filename="a" size="1001"`, "modify", "not-acceptable", `<file-too-large xmlns="urn:xmpp:http:upload:0"><max-file-size>1000</max-file-size></file-too-large>`)
	if len(site.asked) > 0 {
		t.Errorf("the site was asked for %+v", site.asked)
	}
	site.err = &UploadQuotaError{Text: "No room.", Retry: time.Date(2030, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))}
	refused(` filename="a" size="1"`, "wait", "resource-constraint", `<retry xmlns="urn:xmpp:http:upload:0" stamp="2030-01-02T02:04:05Z"/>`)
	site.err = &UploadQuotaError{Text: "No room."}
	refused(` filename="a" size="1"`, "wait", "resource-constraint", "")
	site.err = errors.New("the disk is on fire")
	refused(` filename="a" size="1"`, "wait", "internal-server-error", "")
}

// What else is sent to the service is refused or ignored, and never harms.
func TestUpload_Others(t *testing.T) {
	c, site := uploadWorld(t)
	slot := ` filename="a" size="1"`
	c.refused(fmt.Sprintf(askSlot, "set", "upload.h", slot), "cancel", "service-unavailable")
	c.refused(fmt.Sprintf(askSlot, "get", "x@upload.h", slot), "cancel", "item-not-found")
	c.refused(fmt.Sprintf(askSlot, "get", "upload.h/x", slot), "cancel", "item-not-found")
	c.refused(`<iq xmlns="jabber:client" type="get" id="u" to="upload.h"><other xmlns="urn:o"/></iq>`, "cancel", "service-unavailable")
	c.Send(`<message xmlns="jabber:client" to="upload.h" id="m"><body>x</body></message>`)
	c.Until(`<message xmlns="jabber:client" type="error" id="m" from="upload.h">` + stanzaErrorOf("cancel", "service-unavailable") + `</message>`)
	for _, ignored := range []string{`<iq xmlns="jabber:client" type="result" id="r" to="upload.h"/>`, `<presence xmlns="jabber:client" to="upload.h"/>`,
		`<message xmlns="jabber:client" type="error" to="upload.h"/>`} {
		c.Send(ignored)
	}
	c.none()
	if len(site.asked) > 0 {
		t.Errorf("the site was asked for %+v", site.asked)
	}
}

// listener is a client that notes what it is sent.
type listener struct {
	Client
	got []string
}

func (*listener) JID() string                 { return "alice@h/a" }
func (*listener) Bare() string                { return "alice@h" }
func (*listener) User() string                { return "alice" }
func (*listener) Ready(context.Context) error { return nil }

func (*listener) SendSentCarbons(*stream.Element, uuid.UUID) {}

func (l *listener) Deliver(stanza []byte) { l.got = append(l.got, string(stanza)) }

// FuzzUploadRequest: every request is answered once, with a slot or an error,
// and the site is never asked for what is no file.
func FuzzUploadRequest(f *testing.F) {
	for _, seed := range []string{` filename="a" size="1"`, ` filename="&#x202E;" size="+1" content-type="x"`, `><header/><x `} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, attrs string) {
		el, err := stream.Parse(fmt.Appendf(nil, askSlot, "get", "upload.h", attrs), stream.Limits{})
		if err != nil || checkIQ(el) != nil || el.Type != "get" {
			return // refused before
		}
		site, c := &slots{give: UploadSlot{Put: "https://h/p", Get: "https://h/g"}}, &listener{}
		err = NewUploads("upload.h", 1000, site).Handle(t.Context(), c, el, stanza.Address{Domain: "upload.h"})
		var refused *stanza.Error
		if given := len(c.got) == 1; given == errors.As(err, &refused) || len(c.got) > 1 {
			t.Errorf("%s: %q and %v", el.Raw, c.got, err)
		}
		for _, r := range site.asked {
			if r.Size < 1 || r.Size > 1000 || strings.TrimSpace(r.Name) == "" || r.User != "alice" {
				t.Errorf("%s: asked for %+v", el.Raw, r)
			}
		}
	})
}
