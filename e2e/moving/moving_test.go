package moving

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/app/move"
	"foyer/models"
	"foyer/xmppd"
	"foyer/xmppd/archive"
	"foyer/xmppd/muc"

	"github.com/jackc/pgx/v5"
)

// configure lets the commands work on the site.
func (s *site) configure(t *testing.T) {
	t.Setenv("APP_ENV", "development")
	t.Setenv("DATABASE_URL", s.url)
	t.Setenv("XMPP_DOMAIN", domain)
	t.Setenv("ROSTER", "none")
}

// TestMoving moves a site to each server: begun and interrupted, done, done again after
// changes at the site, and once more for nothing; then the server is started, and has all
// of it (issue "Moving house").
func TestMoving(t *testing.T) {
	s := newSite(t, size{people: 20, rooms: 3, perPair: 150, perRoom: 200})
	s.configure(t)
	homes := map[string]func(*testing.T, *site) newHome{
		"prosody":              prosody,
		"ejabberd":             func(t *testing.T, s *site) newHome { return ejabberd(t, s, false) },
		"ejabberd, new schema": func(t *testing.T, s *site) newHome { return ejabberd(t, s, true) },
	}
	s.must(s.db.RoomStore().SetSubject(t.Context(), s.rooms[2], muc.Subject{Text: "an old one", At: offlineAt}))
	_, err := s.stores().Roster.UpdateContact(t.Context(), s.people[0], s.jid(9), func(c *xmppd.Contact) (bool, error) {
		c.Listed, c.Groups = true, []string{"Former"}
		return true, nil
	})
	s.must(err)
	moved := make(map[string]newHome)
	for name, home := range homes {
		t.Run(name+": first", func(t *testing.T) {
			moved[name] = home(t, s)
			s.interrupted(t, moved[name])
			said := export(t, "--to", moved[name].kind, "--database", moved[name].database)
			if strings.Contains(said, " 0 rows added") {
				t.Errorf("what was interrupted was not gone on with: %s", said)
			}
		})
	}
	s.change()
	for name := range homes {
		home, ok := moved[name]
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again := export(t, "--to", home.kind, "--database", home.database)
			if strings.Contains(again, " 0 changed") || strings.Contains(again, " 0 removed") {
				t.Errorf("changes at the site: %s", again)
			}
			if said := export(t, "--to", home.kind, "--database", home.database); !strings.Contains(said, ": 0 rows added, 0 changed, 0 removed") || !strings.Contains(said, "room03") {
				t.Errorf("once more, with nothing changed: %s", said)
			}
			s.read(t, home)
		})
	}
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		s.readFiles(t)
	})
}

// readFiles lets Prosody keep its rosters, cards and private XML in the files that XEP-0227
// describes.
func (s *site) readFiles(t *testing.T) {
	out := t.TempDir()
	export(t, "--out", out, "--each")
	first := signIn(t, prosodyOnFiles(t, s, filepath.Join(out, "people")), s.people[0])
	s.compareRoster(t, first)
	s.comparePrivate(t, first)
}

// change is what happens at the site between the first copy and the last.
func (s *site) change() {
	s.t.Helper()
	ctx := s.t.Context()
	s.must(s.db.RoomStore().SetSubject(ctx, s.rooms[2], muc.Subject{Text: "Sübject", Nick: "me", At: offlineAt}))
	_, err := s.stores().Roster.UpdateContact(ctx, s.people[0], s.jid(9), func(*xmppd.Contact) (bool, error) { return false, nil })
	s.must(err)
	// The fourth message of the second person's archive is taken back.
	e := &s.said[s.jid(1)][3]
	e.Stanza, e.Body = []byte(`<message xmlns="jabber:client" from="`+s.jid(0)+`/phone" to="`+s.jid(1)+`" type="chat" id="gone"><retracted xmlns="urn:xmpp:message-retract:1" stamp="2026-01-01T00:00:00Z"/></message>`), ""
	e.StanzaID = "gone"
	conn, err := pgx.Connect(ctx, s.url)
	s.must(err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "UPDATE archive SET stanza = $3, body = '' WHERE owner = $1 AND id = $2", e.Owner, e.ID, e.Stanza)
	s.must(err)
}

// broken is a source that fails in the middle of the archives.
type broken struct {
	*models.Snapshot
	after int
}

var errBroken = errors.New("the line is cut")

func (b broken) Archives(ctx context.Context, f func(archive.Entry) error) error {
	n := 0
	return b.Snapshot.Archives(ctx, func(e archive.Entry) error {
		if n++; n > b.after {
			return errBroken
		}
		return f(e)
	})
}

// interrupted copies a part.
func (s *site) interrupted(t *testing.T, home newHome) {
	t.Helper()
	src, err := s.db.Snapshot(t.Context(), domain, models.RosterNone)
	s.must(err)
	defer src.Close()
	if _, err = move.Into(t.Context(), broken{src, 5600}, home.kind, home.database, move.Options{Domain: domain, Rooms: rooms}); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
}

// read starts the server, and compares.
func (s *site) read(t *testing.T, home newHome) {
	addr := home.start(t)
	first, second, third := signIn(t, addr, s.people[0]), signIn(t, addr, s.people[1]), signIn(t, addr, s.people[2])
	s.compareRoster(t, first)
	s.compareHistory(t, home, first, "", s.said[s.jid(0)])
	s.compareHistory(t, home, second, "", s.said[s.jid(1)])
	if got := first.history("", with(s.jid(1))); len(got) != s.size.perPair {
		t.Errorf("%d messages with one person", len(got))
	}
	for _, room := range s.rooms[:remembered] {
		s.compareHistory(t, home, second, room+"@"+rooms, s.said[room+"@"+rooms])
	}
	s.compareNodes(t, first, second)
	s.compareRest(t, first, second)
	s.compareRooms(t, first, signIn(t, addr, s.people[10]))
	third.Send("<presence/>")
	if m := third.Message(); m.Body != "while you were away" || !strings.Contains(m.Inner, "2026-02-03T04:05:06") {
		t.Errorf("what waited: %+v", m)
	}
}

func (s *site) compareRoster(t *testing.T, r *reader) {
	t.Helper()
	var got struct {
		Items []struct {
			JID          string   `xml:"jid,attr"`
			Name         string   `xml:"name,attr"`
			Subscription string   `xml:"subscription,attr"`
			Ask          string   `xml:"ask,attr"`
			Groups       []string `xml:"group"`
		} `xml:"query>item"`
	}
	r.decode(r.get("", "<query xmlns='jabber:iq:roster'/>"), &got)
	have := make(map[string]string)
	for _, it := range got.Items {
		slices.Sort(it.Groups)
		have[it.JID] = fmt.Sprint(it.Name, it.Subscription, it.Ask, it.Groups)
	}
	want := map[string]string{
		s.jid(1): fmt.Sprint("Bée <b>", "both", "", []string{"Friends", "Work & play"}),
		s.jid(2): "to[]", s.jid(3): "from[]", s.jid(4): "nonesubscribe[]",
	}
	for jid, w := range want {
		if have[jid] != w {
			t.Errorf("%s is %q, want %q", jid, have[jid], w)
		}
	}
	if len(have) != len(want) {
		t.Errorf("contacts: %v", have)
	}
	r.Send("<presence/>")
	for {
		if el := r.Next(); el.XMLName.Local == "presence" && el.Type == "subscribe" {
			if el.From != s.jid(5) {
				t.Errorf("%s asks to be a contact", el.From)
			}
			return
		}
	}
}

// idIn is the id that a message has in the new archive.
func idIn(home newHome, e archive.Entry) string {
	if home.kind == "prosody" {
		return e.ID.String()
	}
	return fmt.Sprint(e.Time().UnixMilli()*1000 + int64(e.ID[6]&0x0f)<<8 + int64(e.ID[7]))
}

func (s *site) compareHistory(t *testing.T, home newHome, r *reader, of string, want []archive.Entry) {
	t.Helper()
	got := r.history(of, "")
	if len(got) != len(want) {
		t.Errorf("%s: %d messages, want %d", of, len(got), len(want))
		return
	}
	for i, e := range want {
		m := got[i].Found
		at, want := m.Forwarded.Delay.Stamp, e.Time()
		if home.readsSeconds {
			want = want.Truncate(time.Second)
		}
		stamp, err := time.Parse(time.RFC3339, at)
		if err != nil || !stamp.Truncate(time.Millisecond).Equal(want) || m.ID != idIn(home, e) || m.Forwarded.Message.ID != e.StanzaID || m.Forwarded.Message.Body != e.Body {
			t.Errorf("%s: message %d is %+v, want %s at %s: %s", of, i, m, idIn(home, e), want, e.Stanza)
			return
		}
		if from := m.Forwarded.Message.From; !strings.Contains(string(e.Stanza), `from="`+from+`"`) {
			t.Errorf("%s: message %d is from %s: %s", of, i, from, e.Stanza)
			return
		}
	}
}

// compareNodes: OMEMO's devices and bundles, the picture, and one's own bookmarks.
func (s *site) compareNodes(t *testing.T, first, second *reader) {
	t.Helper()
	bee := s.jid(1)
	if got := first.items(bee, "eu.siacs.conversations.axolotl.devicelist")["current"]; strings.Count(got, "<device ") != 3 || !hasElement(got, "device", map[string]string{"id": "3"}) {
		t.Errorf("devices: %s", got)
	}
	for device := range 3 {
		if got := first.items(bee, fmt.Sprintf("eu.siacs.conversations.axolotl.bundles:%d", device+1))["current"]; !strings.Contains(got, fmt.Sprintf(">key%d<", device+1)) {
			t.Errorf("bundle: %s", got)
		}
	}
	bookmarks := first.items("", "urn:xmpp:bookmarks:1")
	if len(bookmarks) != 3 || !hasElement(bookmarks["room02@"+rooms], "conference", map[string]string{"name": "Room 2", "autojoin": "true"}) {
		t.Errorf("bookmarks: %v", bookmarks)
	}
	if _, _, condition := second.ask("get", s.jid(0), "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:bookmarks:1'/></pubsub>"); condition == "" {
		t.Error("others read somebody's bookmarks")
	}
	sum := sha1.Sum(picture)
	hash := hex.EncodeToString(sum[:])
	if got := first.items(bee, "urn:xmpp:avatar:metadata"); !hasElement(got[hash], "info", map[string]string{"id": hash, "type": "image/png"}) {
		t.Errorf("picture: %v", got)
	}
	if got := first.items(bee, "urn:xmpp:avatar:data"); !strings.Contains(got[hash], base64.StdEncoding.EncodeToString(picture)) {
		t.Errorf("picture: %v", got)
	}
}

// compareRest: cards, private XML, who is blocked, what is to be kept.
func (s *site) compareRest(t *testing.T, first, second *reader) {
	t.Helper()
	if got := first.get(s.jid(1), "<vCard xmlns='vcard-temp'/>"); !strings.Contains(got, ">Bérénice<") || !strings.Contains(got, ">Foyer<") {
		t.Errorf("card: %s", got)
	}
	s.comparePrivate(t, first)
	blocked := first.get("", "<blocklist xmlns='urn:xmpp:blocking'/>")
	if strings.Count(blocked, "<item ") != 2 || !hasElement(blocked, "item", map[string]string{"jid": s.jid(7)}) || !hasElement(blocked, "item", map[string]string{"jid": "spam.example"}) {
		t.Errorf("blocked: %s", blocked)
	}
	prefs := second.get("", "<prefs xmlns='urn:xmpp:mam:2'/>")
	if !hasElement(prefs, "prefs", map[string]string{"default": "roster"}) || !strings.Contains(prefs, s.jid(0)) || !strings.Contains(prefs, s.jid(4)) {
		t.Errorf("what is to be kept: %s", prefs)
	}
}

func (s *site) comparePrivate(t *testing.T, first *reader) {
	t.Helper()
	notes := first.get("", "<query xmlns='jabber:iq:private'><notes xmlns='urn:notes'/></query>")
	if !hasElement(notes, "note", map[string]string{"at": "2"}) || !strings.Contains(notes, "été &amp; café") {
		t.Errorf("private XML: %s", notes)
	}
}

// compareRooms: what an owner sees of them, and a stranger.
func (s *site) compareRooms(t *testing.T, owner, stranger *reader) {
	t.Helper()
	listed := stranger.get(rooms, "<query xmlns='http://jabber.org/protocol/disco#items'/>")
	for i, room := range s.rooms[:remembered] {
		jid := room + "@" + rooms
		if public := i > 0; strings.Contains(listed, jid) != public {
			t.Errorf("%s is listed: %t", room, !public)
		}
		config := owner.form(owner.get(jid, "<query xmlns='http://jabber.org/protocol/muc#owner'/>"))
		for field, want := range map[string]string{
			"roomname": fmt.Sprintf(`Room %d é"`, i), "roomdesc": "What <we> say", "membersonly": bit(i == 0), "moderatedroom": bit(i == 1),
			"publicroom": bit(i > 0), "persistentroom": "1", "changesubject": "1", "whois": map[bool]string{true: "anyone", false: "moderators"}[i == 1],
		} {
			if got := config["muc#roomconfig_"+field]; !slices.Equal(got, []string{want}) && !(len(got) == 1 && got[0] == map[string]string{"1": "true", "0": "false"}[want]) {
				t.Errorf("%s of %s: %q, want %q", field, room, got, want)
			}
		}
		for affiliation, who := range map[string]string{"owner": s.jid(0), "member": s.jid(1), "admin": s.jid(2), "outcast": s.jid(3)} {
			list := owner.get(jid, "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='"+affiliation+"'/></query>")
			if strings.Count(list, "<item ") != 1 || !hasElement(list, "item", map[string]string{"jid": who, "affiliation": affiliation}) {
				t.Errorf("%s of %s: %s", affiliation, room, list)
			}
		}
		owner.Send("<presence to='" + jid + "/me'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>")
		for {
			el := owner.Next()
			if el.XMLName.Local == "presence" && el.Type == "error" {
				t.Fatalf("the owner does not get into %s: %s", room, el.Inner)
			}
			if el.XMLName.Local == "message" && strings.Contains(el.Inner, "subject") {
				if !strings.Contains(el.Inner, ">Sübject<") {
					t.Errorf("subject of %s: %s", room, el.Inner)
				}
				break
			}
		}
	}
}

func bit(is bool) string {
	if is {
		return "1"
	}
	return "0"
}

// TestMoving_Gone: of who left between two runs, and of a room that ended, nothing stays there;
// a room that is that server's own stays.
func TestMoving_Gone(t *testing.T) {
	s := newSite(t, size{people: 20, rooms: 3, perPair: 3, perRoom: 3})
	s.configure(t)
	conn, err := pgx.Connect(t.Context(), s.url)
	s.must(err)
	defer conn.Close(t.Context())
	prosodyAt, _ := emptyDatabase(t)
	homes := []newHome{{kind: "prosody", database: prosodyAt}, ejabberd(t, s, false), ejabberd(t, s, true)}
	for _, home := range homes {
		export(t, "--to", home.kind, "--database", home.database)
	}
	for _, sql := range []string{
		"DELETE FROM archive WHERE owner IN ('person001@" + domain + "', 'room02@" + rooms + "')",
		"DELETE FROM rooms WHERE name = 'room02'", "DELETE FROM accounts WHERE username = 'person001'",
	} {
		_, err := conn.Exec(t.Context(), sql)
		s.must(err)
	}
	for i, home := range homes {
		there, err := pgx.Connect(t.Context(), home.database)
		s.must(err)
		own := []string{"muc_room", `{"name": "own"}`, "name = 'own'", "name = 'room01'"}
		if home.kind == "prosody" {
			own = []string{"prosody", `{"key": "own@` + rooms + `"}`, `"key" = 'own@` + rooms + `'`, `"key" = 'room01@` + rooms + `'`}
		}
		_, err = there.Exec(t.Context(), "INSERT INTO "+own[0]+" SELECT (jsonb_populate_record(r, '"+own[1]+"')).* FROM "+own[0]+" r WHERE "+own[3])
		s.must(err)
		export(t, "--to", home.kind, "--database", home.database)
		var stays int
		s.must(there.QueryRow(t.Context(), "SELECT count(*) FROM "+own[0]+" WHERE "+own[2]).Scan(&stays))
		if stays != 1 {
			t.Errorf("home %d: of its own room there are %d rows", i, stays)
		}
		tables := map[string]string{
			"archive": `username IN ('person001', 'room02@` + rooms + `')`, "muc_room": "name = 'room02'", "pubsub_node": "host = 'person001@" + domain + "'",
			"rosterusers": "username = 'person001'", "vcard": "username = 'person001'", "vcard_search": "lusername = 'person001'", "privacy_list": "username = 'person001'",
		}
		if home.kind == "prosody" {
			tables = map[string]string{"prosody": `"user" IN ('person001', 'room02') OR "key" = 'room02@` + rooms + `' AND "user" = ''`, "prosodyarchive": `"user" IN ('person001', 'room02')`}
		}
		for table, where := range tables {
			var left, others int
			s.must(there.QueryRow(t.Context(), "SELECT count(*) FILTER (WHERE "+where+"), count(*) FROM "+table).Scan(&left, &others))
			if left > 0 || others == 0 && table != "privacy_list" {
				t.Errorf("home %d, %s: %d rows of what is gone, %d in all", i, table, left, others)
			}
		}
		there.Close(t.Context())
		if said := export(t, "--to", home.kind, "--database", home.database); !strings.Contains(said, ": 0 rows added, 0 changed, 0 removed") {
			t.Errorf("once more: %s", said)
		}
	}
}
