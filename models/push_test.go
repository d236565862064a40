package models

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func subscription(s Session, endpoint, auth string) PushSubscription {
	return PushSubscription{SessionID: s.ID, AccountID: s.AccountID, Endpoint: endpoint, P256DH: make([]byte, 65), Auth: []byte(auth)}
}

const auth1, auth2 = "0123456789abcdef", "fedcba9876543210"

func (db *DB) reached(t *testing.T, user string) int {
	t.Helper()
	all, err := db.Notifications.PushAudiences(t.Context(), []string{user}, "x@h", "", "")
	if err != nil {
		t.Fatal(err)
	}
	return len(all[user].Subscriptions)
}

// A subscription ends with whatever ends its session.
func TestPush_EndsWithSession(t *testing.T) {
	for name, end := range map[string]func(*DB, Account, Session) error{
		"sign-out": func(db *DB, a Account, s Session) error { return db.Sessions.EndSession(t.Context(), a.ID, s.ID) },
		"block":    func(db *DB, a Account, _ Session) error { return db.Accounts.SetBlocked(t.Context(), a.ID, true) },
		"expiry": func(db *DB, _ Account, s Session) error {
			return db.site.Exec("UPDATE sessions SET expires_at = now() - interval '1 second' WHERE id = ?", s.ID).Error
		},
		"deletion": func(db *DB, a Account, _ Session) error {
			return db.site.Exec("DELETE FROM accounts WHERE id = ?", a.ID).Error
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			a := db.person(t, "zoe")
			s := db.session(t, a, "secret", time.Hour)
			is(t, db.Notifications.SavePushSubscription(t.Context(), subscription(s, "https://p/1", auth1)), nil)
			if n := db.reached(t, "zoe"); n != 1 {
				t.Fatalf("%d subscriptions", n)
			}
			is(t, end(db, a, s), nil)
			if n := db.reached(t, "zoe"); n != 0 {
				t.Errorf("%d subscriptions", n)
			}
			is(t, db.Notifications.SavePushSubscription(t.Context(), subscription(s, "https://p/1", auth1)), ErrNotFound)
		})
	}
}

// A browser has one subscription, whoever sits at it; and nobody takes another's away.
func TestPush_OneOfEachBrowser(t *testing.T) {
	db := open(t)
	zoe, yan := db.person(t, "zoe"), db.person(t, "yan")
	first, second := db.session(t, zoe, "1", time.Hour), db.session(t, yan, "2", time.Hour)
	save := func(p PushSubscription) {
		t.Helper()
		is(t, db.Notifications.SavePushSubscription(t.Context(), p), nil)
	}
	save(subscription(first, "https://p/1", auth1))
	save(subscription(second, "https://p/1", auth2)) // knows the address, and not the secret
	if db.reached(t, "zoe") != 1 {
		t.Error("zoe's was taken away")
	}
	save(subscription(second, "https://p/1", auth1)) // the same browser
	if db.reached(t, "zoe") != 0 || db.reached(t, "yan") != 1 {
		t.Error("the browser is still zoe's")
	}
	is(t, db.Notifications.RemovePushSubscription(t.Context(), second.ID, "https://p/other"), nil)
	if db.reached(t, "yan") != 1 {
		t.Error("one that has changed since was removed")
	}
	is(t, db.Notifications.RemovePushSubscription(t.Context(), second.ID, "https://p/1"), nil)
	if db.reached(t, "yan") != 0 {
		t.Error("it was not removed")
	}
}

// Whom a room's messages are told to: those who belong to it, and those who have it among
// their rooms and may read it.
func TestPush_Room(t *testing.T) {
	db := open(t)
	for _, name := range []string{"member", "marked", "banned", "stranger", "unreached"} {
		a := db.person(t, name)
		if name != "unreached" {
			is(t, db.Notifications.SavePushSubscription(t.Context(), subscription(db.session(t, a, name, time.Hour), "https://p/"+name, auth1)), nil)
		}
	}
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := db.pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO rooms (name, title, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
		VALUES ('garden', 'Garden', true, true, false, false, false, true, true, 'anyone', true, 100)`)
	exec(`INSERT INTO room_affiliations (room, username, affiliation) VALUES ('garden', 'member', 'member'), ('garden', 'unreached', 'owner'), ('garden', 'banned', 'outcast')`)
	exec(`INSERT INTO pubsub_nodes (username, node, config) SELECT u, 'urn:xmpp:bookmarks:1', '{}' FROM unnest(ARRAY['marked', 'banned']) u`)
	exec(`INSERT INTO pubsub_items (username, node, id, payload) SELECT u, 'urn:xmpp:bookmarks:1', 'garden@c', '' FROM unnest(ARRAY['marked', 'banned']) u`)
	told := func() map[string]bool {
		t.Helper()
		r, err := db.Notifications.PushRoom(t.Context(), "garden", "garden@c")
		if err != nil || r.Title != "Garden" {
			t.Fatal(r, err)
		}
		users := map[string]bool{}
		for _, u := range r.Users {
			users[u] = true
		}
		return users
	}
	if got := told(); len(got) != 2 || !got["member"] || !got["marked"] {
		t.Errorf("open: %v", got)
	}
	exec("UPDATE rooms SET members_only = true")
	if got := told(); len(got) != 1 || !got["member"] {
		t.Errorf("members only: %v", got)
	}
	_, err := db.Notifications.PushRoom(t.Context(), "none", "none@c")
	is(t, err, ErrNotFound)
}

// Who was told of a room a moment ago, or is told again later, is told no more once they may not read it.
func TestPush_OutOfTheRoom(t *testing.T) {
	db, ctx := open(t), t.Context()
	var all []string
	for _, name := range []string{"member", "stranger", "banned"} {
		all = append(all, name)
		is(t, db.Notifications.SavePushSubscription(ctx, subscription(db.session(t, db.person(t, name), name, time.Hour), "https://p/"+name, auth1)), nil)
	}
	for _, s := range []struct{ sql, told string }{
		{`INSERT INTO rooms (name, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
			VALUES ('garden', true, true, false, false, false, true, true, 'anyone', true, 100)`, "member stranger banned"},
		{"INSERT INTO room_affiliations (room, username, affiliation) VALUES ('garden', 'member', 'member'), ('garden', 'banned', 'outcast')", "member stranger"},
		{"UPDATE rooms SET password = 'secret'", "member"},
		{"UPDATE rooms SET password = '', members_only = true", "member"},
		{"DELETE FROM room_affiliations WHERE username = 'member'", ""},
		{"UPDATE rooms SET members_only = false", "member stranger"},
		{"DELETE FROM rooms", ""},
	} {
		if _, err := db.pool.Exec(ctx, s.sql); err != nil {
			t.Fatal(err)
		}
		audiences, err := db.Notifications.PushAudiences(ctx, all, "garden@c", "garden", "garden@c/Xaver")
		if err != nil || len(audiences) != len(all) {
			t.Fatalf("%+v %v", audiences, err)
		}
		var told []string
		for _, name := range all {
			if !audiences[name].Out {
				told = append(told, name)
			}
		}
		if got := strings.Join(told, " "); got != s.told {
			t.Errorf("after %s: %q, want %q", s.sql, got, s.told)
		}
	}
	audiences, err := db.Notifications.PushAudiences(ctx, all, "alice@h", "", "") // no room
	if err != nil || audiences["member"].Out {
		t.Errorf("%+v %v", audiences, err)
	}
}

// what somebody chose is bounded in bytes as well as in number, since pages ask for all of it.
func TestConversationSettings_Bounded(t *testing.T) {
	db := open(t)
	a, none, pinned := db.person(t, "zoe"), NotifyNone, true
	set := func(jid string) error {
		return db.Notifications.SetConversationSettings(t.Context(), a.ID, jid, nil, &none)
	}
	long := func(n int) string { return strconv.Itoa(1000+n) + strings.Repeat("é", 510) }
	for n := range maxConversationBytes / 1024 {
		is(t, set(long(n)), nil)
	}
	is(t, set("x@h"), ErrTooMany)
	is(t, db.Notifications.SetConversationSettings(t.Context(), a.ID, long(0), &pinned, nil), nil) // it is there
	if list, err := db.Notifications.ConversationSettings(t.Context(), a.ID); err != nil || len(list) != maxConversationBytes/1024 || !list[0].Pinned {
		t.Errorf("%d, %v", len(list), err)
	}
}

func TestConversationSettings(t *testing.T) {
	db := open(t)
	a := db.person(t, "zoe")
	none, pinned := NotifyNone, true
	var standard NotificationLevel
	is(t, db.Notifications.SetConversationSettings(t.Context(), a.ID, "x@h", nil, &none), nil)
	is(t, db.Notifications.SetConversationSettings(t.Context(), a.ID, "x@h", &pinned, nil), nil)
	list, err := db.Notifications.ConversationSettings(t.Context(), a.ID)
	if err != nil || len(list) != 1 || list[0] != (ConversationSettings{"x@h", true, NotifyNone}) {
		t.Errorf("%+v, %v", list, err)
	}
	is(t, db.Notifications.SetConversationSettings(t.Context(), a.ID, "x@h", nil, &standard), nil)
	if list, _ = db.Notifications.ConversationSettings(t.Context(), a.ID); list[0] != (ConversationSettings{"x@h", true, ""}) {
		t.Errorf("%+v", list)
	}
}

func TestQuiet(t *testing.T) {
	at := func(from, until int16, zone string) NotificationSettings {
		return NotificationSettings{QuietFrom: &from, QuietUntil: &until, Zone: zone}
	}
	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		n    NotificationSettings
		want bool
	}{
		{at(12*60, 13*60, "UTC"), true}, {at(11*60, 12*60, "UTC"), false}, {at(22*60, 7*60, "UTC"), false},
		{at(13*60, 12*60+1, "UTC"), true}, {at(14*60, 15*60, "Europe/Berlin"), true}, {at(0, 0, "UTC"), false}, {NotificationSettings{}, false},
	} {
		if c.n.Quiet(noon) != c.want {
			t.Errorf("%d to %d %s", *c.n.QuietFrom, *c.n.QuietUntil, c.n.Zone)
		}
	}
}

// Several people at once have what each has: browsers, settings, level.
func TestPushAudiences(t *testing.T) {
	db, ctx := open(t), t.Context()
	from, until, level := int16(60), int16(120), NotifyAll
	for _, name := range []string{"zoe", "yan", "unreached", "blocked", "ended"} {
		a := db.person(t, name)
		if name == "unreached" {
			continue
		}
		s := db.session(t, a, name, time.Hour)
		is(t, db.Notifications.SavePushSubscription(ctx, subscription(s, "https://p/"+name, auth1)), nil)
		switch name {
		case "zoe":
			is(t, db.Notifications.SavePushSubscription(ctx, subscription(db.session(t, a, "2", time.Hour), "https://p/zoe2", auth2)), nil)
			is(t, db.Notifications.SetNotificationSettings(ctx, a.ID, NotificationSettings{ShowText: true, QuietFrom: &from, QuietUntil: &until, Zone: "Asia/Tokyo"}), nil)
			is(t, db.Notifications.SetConversationSettings(ctx, a.ID, "garden@c", nil, &level), nil)
		case "blocked":
			is(t, db.site.Exec("UPDATE accounts SET blocked_at = now() WHERE id = ?", a.ID).Error, nil)
		case "ended":
			is(t, db.site.Exec("UPDATE sessions SET expires_at = now() WHERE id = ?", s.ID).Error, nil)
		}
	}
	all, err := db.Notifications.PushAudiences(ctx, []string{"yan", "nobody", "zoe", "unreached", "blocked", "ended"}, "garden@c", "garden", "garden@c/Xaver")
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	zoe, yan := all["zoe"], all["yan"]
	if len(zoe.Subscriptions) != 2 || zoe.Subscriptions[0].SessionID == zoe.Subscriptions[1].SessionID || zoe.Subscriptions[0].Endpoint == zoe.Subscriptions[1].Endpoint ||
		zoe.Name != "Zoe" || zoe.Level != NotifyAll || !zoe.Settings.ShowText || *zoe.Settings.QuietFrom != 60 || *zoe.Settings.QuietUntil != 120 || zoe.Settings.Zone != "Asia/Tokyo" {
		t.Errorf("zoe: %+v", zoe)
	}
	if len(yan.Subscriptions) != 1 || yan.Subscriptions[0].Endpoint != "https://p/yan" || string(yan.Subscriptions[0].Auth) != auth1 ||
		yan.Name != "Yan" || yan.Level != "" || yan.Settings != defaultNotifications() {
		t.Errorf("yan: %+v", yan)
	}
}

// Of an occupant, or a room, that they block people are told nothing (XEP-0191 §3.3); elsewhere they are.
func TestPushAudiences_Blocked(t *testing.T) {
	db, ctx := open(t), t.Context()
	is(t, db.pool.QueryRow(ctx, `INSERT INTO rooms (name, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
		VALUES ('garden', true, true, false, false, false, false, false, 'none', true, 100) RETURNING 1`).Scan(new(int)), nil)
	out := map[string]bool{"nobody": false, "garden@c/Xaver": true, "garden@c": true, "c": true, "garden@c/Yves": false}
	var names []string
	blocks := make(map[string]string)
	for jid := range out {
		name := "user" + strconv.Itoa(len(names))
		a := db.person(t, name)
		is(t, db.Notifications.SavePushSubscription(ctx, subscription(db.session(t, a, name, time.Hour), "https://p/"+name, auth1)), nil)
		_, err := db.pool.Exec(ctx, "INSERT INTO blocks (username, jid) VALUES ($1, $2)", name, jid)
		is(t, err, nil)
		names, blocks[name] = append(names, name), jid
	}
	all, err := db.Notifications.PushAudiences(ctx, names, "garden@c", "garden", "garden@c/Xaver")
	is(t, err, nil)
	for name, jid := range blocks {
		if got := all[name].Out; got != out[jid] {
			t.Errorf("who blocks %s: %v", jid, got)
		}
	}
}

// manyReached are 3,000 people, each with a subscription, and settings.
func (db *DB) manyReached(t testing.TB) {
	t.Helper()
	for _, q := range []string{
		"INSERT INTO accounts (username, name, password_hash) SELECT 'user' || n, 'User', '' FROM generate_series(1, 3000) n",
		"INSERT INTO sessions (id, account_id, secret_hash, expires_at) SELECT gen_random_uuid(), id, int8send(id), now() + interval '1 day' FROM accounts",
		`INSERT INTO push_subscriptions (session_id, account_id, endpoint, p256dh, auth)
			SELECT id, account_id, 'https://push.example/', decode(repeat('00', 65), 'hex'), decode(repeat('00', 16), 'hex') FROM sessions`,
		"INSERT INTO notification_settings (account_id, show_text) SELECT id, true FROM accounts",
		"INSERT INTO conversation_settings (account_id, jid, level) SELECT id, 'garden@c', 'mentions' FROM accounts",
		"ANALYZE",
	} {
		if _, err := db.pool.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
}

// Where people are told costs what they have, and not what the site has.
func TestPushAudiences_ReadsIndexes(t *testing.T) {
	db := open(t)
	db.manyReached(t)
	for _, q := range []string{
		`INSERT INTO rooms (name, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
			SELECT CASE n WHEN 1 THEN 'garden' ELSE 'room' || n END, true, true, true, false, false, false, false, 'none', true, 100 FROM generate_series(1, 1000) n`,
		"INSERT INTO room_affiliations (room, username, affiliation) SELECT 'garden', username, 'member' FROM accounts",
		"INSERT INTO blocks (username, jid) SELECT username, 'garden@c/Yves' FROM accounts",
		"ANALYZE rooms, room_affiliations, blocks",
	} {
		if _, err := db.pool.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for _, users := range [][]string{{"user1"}, names(128)} {
		plan := explain(t, db.chat, pushAudiences, users, "garden@c", "garden", "garden@c/Xaver")
		if strings.Contains(plan, "Seq Scan on") {
			t.Error(plan)
		}
	}
}

func names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = "user" + strconv.Itoa(i+1)
	}
	return list
}

// BenchmarkPushAudiences is what a message costs the database in a room in which 200 people are told of messages with
// their names in them: asked for all at once, as they are, and one by one.
func BenchmarkPushAudiences(b *testing.B) {
	db := open(b)
	db.manyReached(b)
	for name, size := range map[string]int{"at once": 128, "one by one": 1} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for users := range slices.Chunk(names(200), size) {
					if all, err := db.Notifications.PushAudiences(b.Context(), users, "garden@c", "garden", "garden@c/Xaver"); err != nil || len(all) != len(users) {
						b.Fatal(len(all), err)
					}
				}
			}
		})
	}
}

// Whom to tell of what is said in a room costs what the room has, and not what the site has.
func TestPushRoom_ReadsIndexes(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.manyReached(t)
	for _, q := range []string{
		`INSERT INTO rooms (name, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
			SELECT name, true, true, false, false, false, false, false, 'none', true, 100 FROM unnest('{garden,kitchen}'::text[]) name`,
		"INSERT INTO room_affiliations (room, username, affiliation) SELECT 'garden', 'user' || n, 'member' FROM generate_series(1, 20) n",
		"ANALYZE",
	} {
		if _, err := db.pool.Exec(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := db.Notifications.PushRoom(ctx, "garden", "garden@c"); err != nil || len(r.Users) != 20 {
		t.Errorf("%+v %v", r, err)
	}
	plan := explain(t, db.chat, pushRoom, "garden", "garden@c")
	if strings.Contains(plan, "Seq Scan on accounts") || strings.Contains(plan, "Seq Scan on push_subscriptions") {
		t.Error(plan)
	}
}
