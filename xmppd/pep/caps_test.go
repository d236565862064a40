package pep

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

func parseDisco(t testing.TB, content string) stanza.Capabilities {
	t.Helper()
	var d stanza.Capabilities
	e, err := stream.Parse([]byte(`<iq xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/disco#info">`+content+`</query></iq>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	query, _ := e.Find(stanza.NSDiscoInfo, "query")
	if err := query.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// XEP-0115 §5.4, §6.2 (S-48): what was verified is good for everybody; what was
// not, for that client alone.
func TestCaps_Cache(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	const content = `<identity category="client" type="web"/><feature var="n+notify"/>`
	good := hashOf(t, parseDisco(t, content))
	presence := func(ver string) string {
		return `<presence xmlns="jabber:client"><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:c" ver="` + ver + `"/></presence>`
	}
	alice := w.bound("alice", "a")
	alice.Send(presence(good))
	q := alice.Until(`<iq xmlns="jabber:client" type="get" from="h" id="{id}"><query xmlns="http://jabber.org/protocol/disco#info" node="*"/></iq>`)
	alice.Send(`<iq xmlns="jabber:client" type="result" to="h" id="` + q["id"] + `"><query xmlns="http://jabber.org/protocol/disco#info">` + content + `</query></iq>`)
	alice.Sync()
	bob := w.bound("bob", "b")
	bob.Send(presence(good))
	bob.none0("iq") // it is known
	bob.publishes("n", "x", `<a xmlns="urn:a"/>`)
	other := w.asking("bob", "o")
	other.publishes("n", "x", `<a xmlns="urn:a"/>`)
	bob.told("bob@h", `<items node="n"><item id="x"><a xmlns="urn:a"/></item></items>`)

	carol := w.asking("carol", "c", "lied") // not the hash of that
	carol2 := w.bound("carol", "d")
	carol2.wantsTold("lied") // and so everybody is asked
	carol2.Sync()
	carol.publishes("lied", "x", `<a xmlns="urn:a"/>`)
	carol2.told("carol@h", `<items node="lied"><item id="x"><a xmlns="urn:a"/></item></items>`)
	// An answer to no question, and a second answer, change nothing.
	carol.Send(`<iq xmlns="jabber:client" type="result" to="h" id="` + q["id"] + `"><query xmlns="http://jabber.org/protocol/disco#info">` + content + `</query></iq>`)
	carol.none()
}

func hashOf(t testing.TB, d stanza.Capabilities) string {
	t.Helper()
	ver, err := d.Ver("sha-1")
	if err != nil {
		t.Fatal(err)
	}
	return ver
}

// What is learnt of clients is bounded (S-48).
func TestCaps_Bounds(t *testing.T) {
	features := make([]string, 2*maxWantedNodes)
	for i := range features {
		features[i] = fmt.Sprintf("n%d+notify", i)
	}
	if w := wantedOf(features); len(w) != maxWantedNodes {
		t.Errorf("%d nodes", len(w))
	}
	for i := range features {
		features[i] = fmt.Sprintf("n%d%s+notify", i, strings.Repeat("n", maxWantedBytes/10))
	}
	if w := wantedOf(append(features, "short+notify")); len(w) != 10 || !w.has("short") {
		t.Errorf("%d nodes with long names", len(w))
	}
	if w := wantedOf([]string{strings.Repeat("n", maxNodeName+1) + "+notify", "a", "b+notify"}); len(w) != 1 || !w.has("b") {
		t.Errorf("%v", w)
	}
	var cc capsCache
	for i := range maxCaps + 10 {
		cc.put(caps{"n", "sha-1", fmt.Sprint(i)}, nil)
	}
	if len(cc.known) > maxCaps {
		t.Errorf("%d hashes are known", len(cc.known))
	}
}

// A client that has gone meanwhile is nothing to mend.
func TestUnsent(t *testing.T) {
	var log strings.Builder
	s := &Service{log: slog.New(slog.NewTextHandler(&log, nil))}
	s.unsent("alice", nil)
	s.unsent("alice", fmt.Errorf("sending: %w", stream.ErrClosed))
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
	s.unsent("alice", errors.New("no database"))
	if !strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("logged %q", log.String())
	}
}
