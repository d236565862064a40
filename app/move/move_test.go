package move

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd"
	"foyer/xmppd/archive"
	"foyer/xmppd/muc"
	"foyer/xmppd/pep"

	"github.com/google/uuid"
)

// memory is a source of two people and two rooms.
type memory struct{}

func (memory) People(_ context.Context, after string, _ int) ([]*models.AccountData, error) {
	if after != "" {
		return nil, nil
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return []*models.AccountData{
		{User: "anne", Since: at, Card: xmppd.VCard{Name: `Anne "<é>"`, Photo: []byte("picture"), PhotoType: "image/png", PhotoHash: "abc"},
			Contacts: []xmppd.Contact{
				{JID: "ben@h", Name: "Ben & co", Groups: []string{"A & B"}, Subscription: xmppd.SubscriptionBoth, Listed: true},
				{JID: "carl@h", Subscription: xmppd.SubscriptionNone, Request: []byte(`<presence xmlns="jabber:client" type="subscribe" from="carl@h" to="anne@h"/>`)},
				{JID: "dora@h", Subscription: xmppd.SubscriptionNone, Request: []byte("\xff")},
			},
			Blocked: []string{"spam@h"},
			Private: []models.PrivateXML{{Name: stream.Name{Space: "urn:n", Local: "n"}, Raw: []byte(`<n xmlns="urn:n"/>`)}},
			Nodes: []models.NodeItems{{Node: pep.Node{Name: "urn:x", Config: pep.NodeConfig{Access: pep.AccessWhitelist, Members: []string{"ben@h"}, MaxItems: 5, Persist: true, SendLast: pep.SendNever}},
				Items: []pep.Item{{ID: "1", Payload: []byte(`<x xmlns="urn:x"/>`), Published: at}}}},
			Offline: []xmppd.OfflineMessage{{ID: uuid.New(), Stamp: at, Stanza: []byte(`<message xmlns="jabber:client" from="ben@h" to="anne@h"><body>hello</body></message>`)}, {Stanza: []byte("<message")}},
		},
		{User: "ben", Since: at},
	}, nil
}

func (memory) Rooms(_ context.Context, after string, _ int) ([]*models.RoomRecord, error) {
	if after != "" {
		return nil, nil
	}
	return []*models.RoomRecord{
		{Room: muc.Room{Name: "garden", Pins: 2, Settings: muc.Settings{Title: "Garden <1>", Persistent: true, Password: "sesame", Private: muc.Moderators}},
			People: []muc.Affiliated{{User: "anne", Affiliation: muc.Owner, Nick: "a"}, {User: "ben", Affiliation: muc.Outcast, Reason: "why & how"}}},
		{Room: muc.Room{Name: "short"}},
	}, nil
}

func (memory) Gone(context.Context, string, int) ([]string, error)       { return nil, nil }
func (memory) GoneRooms(context.Context) ([]string, error)               { return nil, nil }
func (memory) Messages(context.Context) (int64, error)                   { return 0, nil }
func (memory) Archives(context.Context, func(archive.Entry) error) error { return nil }
func options() Options                                                   { return Options{Domain: "h", Rooms: "conference.h"} }

// TestFiles: XEP-0227, well-formed, for the operator alone, and the same each time.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	r, err := Files(t.Context(), memory{}, dir, true, options())
	if err != nil {
		t.Fatal(err)
	}
	if r.People != 2 || r.Rooms != 1 || r.Left("damaged messages that wait for somebody") != 1 || r.Left("damaged requests to be a contact") != 1 || r.Left("rooms that end with their last occupant") != 1 ||
		r.Left("pinned messages, which other servers do not know") != 2 {
		t.Errorf("%+v", r)
	}
	before := contents(t, dir)
	for _, part := range []struct{ file, has string }{
		{"server-data.xml", `<xi:include href="h.xml"/>`},
		{"h.xml", `<user name="anne"><vCard xmlns="vcard-temp">`},
		{"h.xml", `<item jid="ben@h" name="Ben &amp; co" subscription="both"><group>A &amp; B</group></item></query>`},
		{"h.xml", `<presence xmlns="jabber:client" type="subscribe" from="carl@h" to="anne@h"/>`},
		{"h.xml", `<offline-messages><message xmlns="jabber:client" from="ben@h" to="anne@h"><body>hello</body><delay xmlns="urn:xmpp:delay" from="h" stamp="2026-01-02T03:04:05.000Z"/></message></offline-messages>`},
		{"h.xml", `<item type="jid" value="spam@h" action="deny" order="0"/>`},
		{"h.xml", `<items node="urn:x"><item id="1"><x xmlns="urn:x"/></item></items>`},
		{"h.xml", `<items node="urn:xmpp:avatar:metadata"><item id="abc">`},
		{"h.xml", `<field var="pubsub#access_model" type="list-single"><value>whitelist</value></field>`},
		{"h.xml", `<affiliation jid="ben@h" affiliation="member"/>`},
		{"people/ben@h.xml", `<server-data xmlns="urn:xmpp:pie:0"><host jid="h"><user name="ben">`},
		{"rooms.xml", `<item jid="ben@h" affiliation="outcast"><reason>why &amp; how</reason></item>`},
	} {
		if !strings.Contains(before[part.file], part.has) {
			t.Errorf("%s has no %s:\n%s", part.file, part.has, before[part.file])
		}
	}
	if strings.Contains(before["h.xml"], "password") || strings.Contains(before["rooms.xml"], `"short"`) {
		t.Error("what has no place there is in the files")
	}
	left := filepath.Join(dir, "people", "left@h.xml") // of somebody who has left since
	if err := os.WriteFile(left, []byte("<server-data/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Files(t.Context(), memory{}, dir, true, options()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Error("the file of somebody who left is still there")
	}
	for name, text := range contents(t, dir) {
		if text != before[name] {
			t.Errorf("%s is another one the second time", name)
		}
	}
}

// contents are the files of a directory, each of which has to be well-formed XML that
// nobody else may read.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
		raw, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(raw)
		for in := xml.NewDecoder(bytes.NewReader(raw)); err == nil; {
			_, err = in.Token()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func entry(owner string, ms int64, within int) archive.Entry {
	id := uuid.UUID{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms), 0x70 | byte(within>>8), byte(within), 0x80}
	return archive.Entry{Owner: owner, ID: id}
}

// TestEjabberd_Stamp: ids of one archive strictly increase, and two archives have nothing to
// do with each other.
func TestEjabberd_Stamp(t *testing.T) {
	e := &ejabberd{}
	for i, step := range []struct {
		entry archive.Entry
		want  int64
	}{
		{entry("a", 1_700_000_000_000, 0), 1_700_000_000_000_000},
		{entry("a", 1_700_000_000_000, 1), 1_700_000_000_000_001},
		{entry("a", 1_700_000_000_000, 998), 1_700_000_000_000_998},
		{entry("a", 1_700_000_000_000, 1500), 1_700_000_000_000_999}, // more than a millisecond has microseconds
		{entry("a", 1_700_000_000_000, 1501), 1_700_000_000_001_000},
		{entry("a", 1_700_000_000_001, 0), 1_700_000_000_001_001},
		{entry("a", 1_700_000_000_002, 0), 1_700_000_000_002_000},
		{entry("b", 1_700_000_000_000, 7), 1_700_000_000_000_007},
	} {
		if got := e.stamp(step.entry); got != step.want {
			t.Errorf("message %d: %d, want %d", i, got, step.want)
		}
	}
}

func TestErlang(t *testing.T) {
	for in, want := range map[string]string{
		"": "<<>>", "plain text": `<<"plain text">>`, `a"b`: "<<97,34,98>>", `a\b`: "<<97,92,98>>", "é": "<<195,169>>", "a\nb": "<<97,10,98>>",
	} {
		if got := erlBinary(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if got := erlJIDs([]string{"a@b/c", "d", "@"}); got != `[{<<"a">>,<<"b">>,<<"c">>},{<<>>,<<"d">>,<<>>}]` {
		t.Error(got)
	}
}

func TestReport(t *testing.T) {
	var r Report
	r.leave("damaged messages", "b@h")
	r.leave("damaged messages", "a@h")
	r.leave("damaged messages", "b@h")
	var out strings.Builder
	if _, err := r.WriteTo(&out); err != nil || out.String() != "not taken: 3 damaged messages: a@h, b@h (2)\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestProsody_Message: the sender's real address is beside what was said where all may
// know it.
func TestProsody_Message(t *testing.T) {
	p := newProsody(options(), &Report{})
	e := entry("garden@conference.h", 1_700_000_000_123, 0)
	e.With, e.Stanza = "anne@h", []byte(`<message xmlns="jabber:client"><body>a</body></message>`)
	open := p.message(e, "garden", &roomFacts{nonAnonymous: true})
	if got := string(open[7].([]byte)); got != `<message xmlns="jabber:client"><body>a</body><x xmlns="http://jabber.org/protocol/muc#user"><item jid="anne@h"/></x></message>` {
		t.Error(got)
	}
	if got := p.message(e, "garden", &roomFacts{}); string(got[7].([]byte)) != string(e.Stanza) || got[4] != int64(1_700_000_000) || got[5] != "message<groupchat" || got[2] != "muc_log" {
		t.Errorf("%v", got)
	}
}
