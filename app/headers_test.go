package app

import (
	"strings"
	"testing"

	"foyer/internal/stream"
)

// HEAD is safe (RFC 9110 §9.2.1): it opens no session, makes no token, begins no sign-in, and takes
// nothing that the next page is to say.
func TestHead(t *testing.T) {
	s, base := start(t, map[string]string{"XMPP_LOGIN": "prebind"})
	b := signedInAs(t, base, "alice")
	refused := func(b *browser, path, methods string) {
		t.Helper()
		if b.do("HEAD", path, nil).wants(405, ""); b.last.Header.Get("Allow") != methods {
			t.Errorf("%s: %v", path, b.last.Header)
		}
	}
	refused(b, "/xmpp/prebind", "GET, POST")
	if s.gateway.Stats().OpenedOver(stream.BOSH) > 0 {
		t.Error("a session is opened")
	}
	b.submit("/", "/rooms", "name", "Orchard")
	made := b.cookies["foyer-room"]
	b.submit("/settings", "/settings/profile", "name", "Alice A.")
	note := b.cookies["foyer-note"]
	if b.do("HEAD", "/", nil).wants(200, ""); made == nil || note == nil || b.cookies["foyer-room"] != made || b.cookies["foyer-note"] != note {
		t.Errorf("%v", b.cookies)
	}
	name, _, _ := strings.Cut(note.Value, "/")
	b.get("/").wants(200, flashes[name].Text)

	_, base = start(t, map[string]string{"XMPP_LOGIN": "token"})
	refused(signedInAs(t, base, "alice"), "/xmpp/credentials", "GET")

	_, _, base = providerSite(t, nil)
	visitor := newBrowser(t, base)
	for path, methods := range map[string]string{"": "GET", "/back?code=x&state=y": "GET", "/start?iss=x": "GET, POST"} {
		refused(visitor, "/signin/with/idp"+path, methods)
	}
	if len(visitor.cookies) > 0 {
		t.Errorf("%v", visitor.cookies)
	}
}
