package models

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"foyer/xmppd/archive"
	"foyer/xmppd/muc"
)

// Each conversation of somebody's own archive is found once, with its messages in the order of time, however many there are and
// under whatever domain; and each room in which they said something, with nothing of others. Nothing holds a connection meanwhile.
func TestOwnConversations(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	db.person(t, "bob")
	s := db.Stores("h", RosterNone)
	is(t, db.NoteChatDomain(ctx, "old"), nil)
	var all []archive.Entry
	with := func(i int, owner, peer, body string) {
		e := message(i, body)
		e.Owner, e.With = owner, peer
		all = append(all, e)
	}
	for i := range 2*personalStarts + 500 {
		with(i, "alice@h", "bob@h", fmt.Sprint("bob ", i))
	}
	with(personalStarts-1, "alice@h", "bob@h", "twice") // the same id is no second message
	for i, name := range []string{"carol@h", "dave@elsewhere", "a_b@h", "axb@h"} {
		with(5000+i, "alice@h", name, "to "+name)
		with(6000+i, "bob@h", name, "bobs words")
	}
	with(7000, "alice@old", "bob@old", "long ago")
	is(t, s.Archive.Append(ctx, all), nil)
	_, err := db.pool.Exec(ctx, "INSERT INTO contacts (username, jid, name) VALUES ('alice', 'carol@h', 'My Carol'), ('bob', 'dave@elsewhere', 'Bobs name for him')")
	is(t, err, nil)
	free := func() {
		t.Helper()
		if n := db.pool.Stat().AcquiredConns(); n != 0 {
			t.Errorf("%d connections are held", n)
		}
	}
	var got []string
	counts := map[string]int{}
	at := Domains{"h", "conference.h"}
	is(t, db.Personal.EachConversation(ctx, alice.Username, at, func(c KeptConversation) error {
		free()
		got = append(got, fmt.Sprint(c.With, "|", c.Name, "|", c.Past))
		last := ""
		return db.Personal.ConversationMessages(ctx, c, func(list []WrittenMessage) error {
			free()
			counts[c.With] += len(list)
			for _, m := range list {
				if m.With != c.With || m.ID.String() <= last || strings.Contains(m.Text, "bobs words") {
					t.Errorf("%s: %+v", c.With, m)
				}
				last = m.ID.String()
			}
			return nil
		})
	}), nil)
	want := []string{"bob@h|Bob|false", "carol@h|My Carol|false", "dave@elsewhere||false", "a_b@h||false", "axb@h||false", "bob@old|Bob|true"}
	if !slices.Equal(got, want) || counts["bob@h"] != 2*personalStarts+500 || counts["bob@old"] != 1 || counts["axb@h"] != 1 {
		t.Errorf("%q, %v", got, counts)
	}

	for _, name := range []string{"garden", "shed", "silent"} {
		is(t, db.SiteRooms.Add(ctx, NewSiteRoom{Name: name, Title: "The " + name, Owner: "bob"}), nil)
	}
	all = nil
	for i := range personalMessages + 1 {
		all = append(all, said("garden", "alice", fmt.Sprint("bean ", i), ""))
	}
	all = append(all, said("garden", "bob", "bobs words", ""), said("silent", "bob", "bobs words", ""))
	for i := range all {
		all[i].Owner = strings.Replace(all[i].Owner, "@rooms.h", "@conference.h", 1)
	}
	earlier := said("shed", "alice", "in the old shed", "")
	earlier.Owner, earlier.With = "shed@conference.old", "alice@old"
	is(t, s.Archive.Append(ctx, append(all, earlier)), nil)
	got = nil
	is(t, db.Personal.EachRoom(ctx, alice.Username, at, func(r KeptRoom) error {
		free()
		n := 0
		err := db.Personal.RoomMessages(ctx, r, func(list []WrittenMessage) error {
			free()
			n += len(list)
			for _, m := range list {
				if strings.Contains(m.Text+string(m.XML), "bobs words") {
					t.Error("another's words")
				}
			}
			return nil
		})
		got = append(got, fmt.Sprint(r.Name, "|", r.Title, "|", r.Address, "|", r.Past, "|", n))
		return err
	}), nil)
	want = []string{fmt.Sprint("garden|The garden|garden@conference.h|false|", personalMessages+1), "shed|The shed|shed@conference.old|true|1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// What is found of a person is found in indexes: of the site's other messages none is read, and of their own a page.
func TestOwnConversations_Plans(t *testing.T) {
	db := open(t)
	fillWords(t, db, 3, 20_000)
	for _, sql := range []string{
		`INSERT INTO accounts (username, name, password_hash) SELECT 'user' || i, 'U', 'x' FROM generate_series(0, 5000) i`,
		`INSERT INTO contacts (username, jid) SELECT 'user' || i % 100, 'user' || i || '@h' FROM generate_series(0, 5000) i`,
		`INSERT INTO rooms (name, creator, title, description, lang, password, persistent, public, members_only, moderated,
			non_anonymous, change_subject, invites, private, archive, max_occupants) SELECT 'user' || i, '', '', '', '', '', true, true, false, false, false, false, false, 'anyone', true, 10 FROM generate_series(0, 5000) i`,
		`ANALYZE`,
	} {
		_, err := db.pool.Exec(t.Context(), sql)
		is(t, err, nil)
	}
	middle := message(10_000, "").ID
	for name, q := range map[string]struct {
		sql  string
		args []any
	}{
		"conversations":  {conversationStarts, []any{"user1@h", middle, personalStarts, "h", "user1"}},
		"a conversation": {saidWith, []any{"user1@h", "user3@h", middle, personalMessages}},
		"rooms":          {roomsSpokenIn, []any{"user1", personalRooms, "user3@h", "h"}},
		"a room":         {saidByPerson, []any{"user1@h", "user3@h", middle, personalMessages}},
	} {
		plan := explain(t, db.pool, q.sql, q.args...)
		if strings.Contains(plan, "Seq Scan on archive") || strings.Contains(plan, "Seq Scan on rooms") {
			t.Errorf("%s:\n%s", name, plan)
		}
	}
}

// Records are read page by page, none twice and none left out, and no connection is held while they are written.
func TestPersonalData_Pages(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	const many = 2*personalRecords + 7
	is(t, db.RoomStore().Create(ctx, muc.Room{Name: "r0", Creator: "alice", Settings: muc.Settings{Persistent: true, Private: muc.Anyone, MaxOccupants: 10}}, nil, 100), nil)
	for _, sql := range []string{
		`INSERT INTO room_affiliations (room, username, affiliation) VALUES ('r0', 'alice', 'owner') RETURNING $1::int`,
		`INSERT INTO contacts (username, jid) SELECT 'alice', 'c' || i || '@h' FROM generate_series(1, $1) i`,
		`INSERT INTO blocks (username, jid) SELECT 'alice', 'B' || i || '@h' FROM generate_series(1, $1) i`,
		`INSERT INTO pubsub_nodes (username, node, config) VALUES ('alice', 'n', '{}') RETURNING $1::int`,
		`INSERT INTO pubsub_items (username, node, id, payload) SELECT 'alice', 'n', i, '<x/>' FROM generate_series(1, $1) i`,
		`INSERT INTO private_xml (username, space, local, raw) SELECT 'alice', 's' || i % 3, 'l' || i, '<x/>' FROM generate_series(1, $1) i`,
		`INSERT INTO offline_messages (username, id, stamp, stanza) SELECT 'alice', gen_random_uuid(), now(), '<x/>' FROM generate_series(1, $1) i`,
		`INSERT INTO uploads (id, account_id, state, name, size, put_hash, get_hash) SELECT gen_random_uuid(), (SELECT id FROM accounts), 'stored', 'f', 1, convert_to('p' || i, 'UTF8'), convert_to('g' || i, 'UTF8') FROM generate_series(1, $1) i`,
		`INSERT INTO conversation_settings (account_id, jid, pinned) SELECT (SELECT id FROM accounts), 'c' || i || '@h', true FROM generate_series(1, $1) i`,
		`INSERT INTO account_groups (account_id, group_name) SELECT (SELECT id FROM accounts), 'g' || i FROM generate_series(1, $1) i`,
	} {
		if _, err := db.pool.Exec(ctx, sql, many); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	kinds, seen := map[string]int{}, map[string]bool{}
	is(t, db.Personal.Export(ctx, alice, Domains{"h", "rooms.h"}, func(line []byte) error {
		if n := db.pool.Stat().AcquiredConns(); n != 0 {
			t.Fatalf("%d connections are held: %s", n, line)
		}
		var record struct{ Kind, ID, Jid, Name string }
		is(t, json.Unmarshal(line, &record), nil)
		kinds[record.Kind]++
		if key := record.Kind + record.ID + record.Jid; seen[key] && record.ID+record.Jid != "" {
			t.Fatalf("twice: %s", line)
		} else {
			seen[key] = true
		}
		return nil
	}), nil)
	for _, kind := range []string{"contact", "blocked", "published", "private", "waiting", "file", "conversationSettings", "group"} {
		if kinds[kind] != many {
			t.Errorf("%s: %d, want %d", kind, kinds[kind], many)
		}
	}
	if kinds["profile"] != 1 || kinds["room"] != 1 {
		t.Error(kinds)
	}
}
