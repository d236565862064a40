package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"foyer/xmppd"
	"foyer/xmppd/pep"

	"pgregory.net/rapid"
)

func node(max int) pep.NodeConfig {
	return pep.NodeConfig{Access: pep.AccessOpen, MaxItems: max, Persist: true, SendLast: pep.SendOnPresence}
}

// publish stores items into a node that keeps max.
func publish(t testing.TB, s pep.Store, user, name string, max int, ids ...string) error {
	t.Helper()
	var items []pep.Item
	for _, id := range ids {
		items = append(items, pep.Item{ID: id, Payload: []byte("<" + id + "/>")})
	}
	_, err := s.UpdateNode(t.Context(), user, name, items, func(n *pep.Node, _ bool) (bool, error) {
		n.Config = node(max)
		return true, nil
	})
	return err
}

func itemIDs(t testing.TB, s pep.Store, q pep.ItemQuery) string {
	t.Helper()
	if q.Max == 0 {
		q.Max = 100
	}
	page, err := s.Items(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, it := range page.Items {
		if time.Since(it.Published) > time.Minute || string(it.Payload) != "<"+it.ID+"/>" {
			t.Errorf("%+v", it)
		}
		ids = append(ids, it.ID)
	}
	return strings.Join(ids, " ")
}

// XEP-0492: what an app writes into the bookmark of a room is the level of its notifications,
// until somebody chooses another; one who knows nothing of levels changes none.
func TestPubsub_Levels(t *testing.T) {
	db := open(t)
	alice := db.person(t, "alice")
	store := func(inner string) {
		t.Helper()
		item := pep.Item{ID: "a@rooms.h", Payload: []byte(`<conference xmlns="urn:xmpp:bookmarks:1">` + inner + `</conference>`)}
		if _, err := db.PubsubStore().UpdateNode(t.Context(), "alice", pep.NodeBookmarks, []pep.Item{item}, func(n *pep.Node, _ bool) (bool, error) {
			n.Config = node(10)
			return true, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	level := func(setting string) string {
		return `<extensions><notify xmlns="urn:xmpp:notification-settings:1"><` + setting + `/></notify></extensions>`
	}
	all := NotifyAll
	for i, step := range []struct {
		write func()
		want  NotificationLevel
	}{
		{func() { store("") }, ""},
		{func() { store(level("never")) }, NotifyNone},
		{func() { store(level("always")) }, NotifyAll},
		{func() { store(level("always") + "<nick>n</nick>") }, NotifyAll},
		{func() { store(level("on-mention")) }, NotifyMentions},
		{func() { store("") }, ""}, // an app takes it away
		{func() { _ = db.Notifications.SetConversationSettings(t.Context(), alice.ID, "a@rooms.h", nil, &all) }, NotifyAll},
		{func() { store("<nick>n</nick>") }, NotifyAll}, // an app that knows of no levels
	} {
		step.write()
		list, err := db.Notifications.ConversationSettings(t.Context(), alice.ID)
		var got NotificationLevel
		for _, c := range list {
			got = c.Level
		}
		if err != nil || got != step.want || len(list) > 1 {
			t.Errorf("step %d: %v, %v", i, list, err)
		}
	}
}

// XEP-0060 §6.5, §7.1, §7.2, §8.4 (S-66, S-71).
func TestPubsub_Items(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	s := db.PubsubStore()
	_, err := s.Node(ctx, "alice", "n")
	is(t, err, xmppd.ErrNotFound)
	is(t, publish(t, s, "zoe", "n", 3, "a"), xmppd.ErrNotFound)
	for _, id := range []string{"a", "b", "c", "b", "d"} {
		is(t, publish(t, s, "alice", "n", 3, id), nil)
	}
	for want, q := range map[string]pep.ItemQuery{
		"c b d": {},
		"b d":   {Max: 2, Last: true},
		"c b":   {Max: 2},
		"d":     {After: "b"},
		"c":     {Before: "b"},
		"c d":   {IDs: []string{"d", "c", "x"}},
	} {
		q.User, q.Node = "alice", "n"
		if got := itemIDs(t, s, q); got != want {
			t.Errorf("%+v: %s, want %s", q, got, want)
		}
	}
	page, err := s.Items(ctx, pep.ItemQuery{User: "alice", Node: "n", Max: 1, Last: true, Paged: true})
	if err != nil || page.Count != 3 || page.Index != 2 {
		t.Errorf("%+v %v", page, err)
	}
	_, err = s.Items(ctx, pep.ItemQuery{User: "alice", Node: "n", Max: 1, After: "x"})
	is(t, err, xmppd.ErrNotFound)

	removed, err := s.RemoveItems(ctx, "alice", "n", []string{"b", "x"}, false)
	if err != nil || fmt.Sprint(removed) != "[b]" {
		t.Errorf("%v %v", removed, err)
	}
	// What is to be gone makes room for what is new, and nothing else does.
	_, err = s.UpdateNode(ctx, "alice", "n", []pep.Item{{ID: "e", Payload: []byte("<e/>")}, {ID: "d", Gone: true}, {ID: "x", Gone: true}}, func(n *pep.Node, _ bool) (bool, error) {
		n.Config = node(2)
		return true, nil
	})
	if got := itemIDs(t, s, pep.ItemQuery{User: "alice", Node: "n"}); err != nil || got != "c e" {
		t.Errorf("after one took another's place: %s %v", got, err)
	}
	is(t, publish(t, s, "alice", "n", 10, "d"), nil)
	is(t, publish(t, s, "alice", "n", 1), nil) // fewer are kept
	if got := itemIDs(t, s, pep.ItemQuery{User: "alice", Node: "n"}); got != "d" {
		t.Errorf("after trimming: %s", got)
	}
	if _, err := s.RemoveItems(ctx, "alice", "n", nil, true); err != nil || itemIDs(t, s, pep.ItemQuery{User: "alice", Node: "n"}) != "" {
		t.Errorf("after purging: %v", err)
	}
	_, err = s.RemoveItems(ctx, "alice", "x", nil, true)
	is(t, err, xmppd.ErrNotFound)
	refused := errors.New("refused")
	_, err = s.UpdateNode(ctx, "alice", "n", nil, func(n *pep.Node, exists bool) (bool, error) {
		if !exists || n.Config.MaxItems != 1 || n.Config.Access != pep.AccessOpen {
			t.Errorf("%+v %v", n, exists)
		}
		return false, refused
	})
	is(t, err, refused)
	if list, err := s.Nodes(ctx, "alice", "alice@h", nil); err != nil || len(list) != 1 || list[0].Name != "n" {
		t.Errorf("%+v %v", list, err)
	}
	gone := func(*pep.Node, bool) (bool, error) { return false, nil }
	if _, err := s.UpdateNode(ctx, "alice", "n", nil, gone); err != nil {
		t.Fatal(err)
	}
	_, err = s.Node(ctx, "alice", "n")
	is(t, err, xmppd.ErrNotFound)
}

// An item that is to stand is asked about in the write itself: of clients that publish at the same time none undoes
// what another did.
func TestPubsub_Stands(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	s := db.PubsubStore()
	put := func(n int) error {
		payload := fmt.Sprintf("%04d", n)
		it := pep.Item{ID: "i", Payload: []byte(payload), Unless: func(stored pep.Item) bool {
			if stored.ID != "i" || time.Since(stored.Published) > time.Minute {
				t.Errorf("asked about %+v", stored)
			}
			return string(stored.Payload) > payload
		}}
		_, err := s.UpdateNode(ctx, "alice", "n", []pep.Item{it}, func(n *pep.Node, _ bool) (bool, error) {
			n.Config = node(3)
			return true, nil
		})
		return err
	}
	stored := func() string {
		t.Helper()
		page, err := s.Items(ctx, pep.ItemQuery{User: "alice", Node: "n", Max: 10})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%+v %v", page, err)
		}
		return string(page.Items[0].Payload)
	}
	is(t, put(10), nil)
	var stands *pep.SupersededError
	if err := put(5); !errors.As(err, &stands) || string(stands.Item.Payload) != "0010" || stored() != "0010" {
		t.Errorf("%v, and %s is stored", err, stored())
	}
	is(t, put(11), nil)

	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() {
			for i := range 20 {
				if err := put(100 + i*8 + client); err != nil && !errors.As(err, new(*pep.SupersededError)) {
					t.Error(err)
				}
			}
		})
	}
	clients.Wait()
	if got := stored(); got != fmt.Sprintf("%04d", 100+20*8-1) {
		t.Errorf("%s is stored in the end", got)
	}
}

// The newest item of each node, but not of those who block the viewer (S-52,
// S-70).
func TestPubsub_LastItems(t *testing.T) {
	db, ctx := open(t), t.Context()
	s, blocks := db.PubsubStore(), db.Stores("h", RosterNone).Blocks
	for _, u := range []string{"alice", "bob", "carol"} {
		db.person(t, u)
		is(t, publish(t, s, u, "n", 5, "old", "new"), nil)
		is(t, publish(t, s, u, "m", 5, "other"), nil)
		is(t, publish(t, s, u, "empty", 5), nil)
	}
	is(t, blocks.Block(ctx, "bob", []string{"dave@h"}), nil)
	last, err := s.LastItems(ctx, []string{"carol", "bob", "alice", "zoe"}, []string{"n", "empty", "x"}, []string{"dave@h/r", "dave@h"}, 100)
	if err != nil || len(last) != 2 || last[0].User != "alice" || last[1].User != "carol" || last[0].Item.ID != "new" || last[0].Node.Config.MaxItems != 5 {
		t.Errorf("%+v %v", last, err)
	}
	last, err = s.LastItems(ctx, []string{"alice"}, []string{"n"}, nil, 3)
	if err != nil || len(last) != 1 || last[0].Item.Payload != nil || last[0].Item.ID != "new" {
		t.Errorf("%+v %v", last, err)
	}
}

func TestPubsub_Bounds(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	s := db.PubsubStore()
	if _, err := db.chat.Exec(ctx, "INSERT INTO pubsub_nodes SELECT 'alice', 'n' || i, '{}' FROM generate_series(1, $1) i", maxPubsubNodes); err != nil {
		t.Fatal(err)
	}
	is(t, publish(t, s, "alice", "more", 1, "a"), pep.ErrTooManyNodes)
	is(t, publish(t, s, "alice", "n1", 1, "a"), nil)
	big := []pep.Item{{ID: "big", Payload: make([]byte, maxPubsubBytes/2+1)}}
	keep := func(n *pep.Node, _ bool) (bool, error) { n.Config = node(1); return true, nil }
	_, err := s.UpdateNode(ctx, "alice", "n1", big, keep)
	is(t, err, nil)
	_, err = s.UpdateNode(ctx, "alice", "n2", big, keep)
	is(t, err, pep.ErrFull)
	if got := itemIDs(t, s, pep.ItemQuery{User: "alice", Node: "n2"}); got != "" {
		t.Errorf("%s was stored", got)
	}
	_, err = s.UpdateNode(ctx, "alice", "n1", big, keep) // in the place of itself
	is(t, err, nil)

	// Deleting the account removes all of it.
	is(t, db.Accounts.DeleteAccount(ctx, alice.ID, AnyVersion, "h"), nil)
	var left int
	if err := db.chat.QueryRow(ctx, "SELECT (SELECT count(*) FROM pubsub_nodes) + (SELECT count(*) FROM pubsub_items)").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows are left, %v", left, err)
	}
}

// Whatever fills an account's nodes counts: names, configurations, ids and payloads, however many of its clients
// write at once.
func TestPubsub_BoundInBytes(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	s := db.PubsubStore()
	long := strings.Repeat("x", 1000)
	put := func(name string, groups int, ids ...string) error {
		items := make([]pep.Item, len(ids))
		for i, id := range ids {
			items[i] = pep.Item{ID: id, Payload: []byte{}}
		}
		_, err := s.UpdateNode(ctx, "alice", name, items, func(n *pep.Node, _ bool) (bool, error) {
			n.Config = node(1000)
			n.Config.Groups = slices.Repeat([]string{long}, groups)
			return true, nil
		})
		return err
	}
	kept := func() (bytes int) {
		t.Helper()
		err := db.chat.QueryRow(ctx, `SELECT coalesce((SELECT sum(octet_length(config::text) + octet_length(node)) FROM pubsub_nodes), 0)
			+ coalesce((SELECT sum(octet_length(id) + octet_length(node) + octet_length(payload)) FROM pubsub_items), 0)`).Scan(&bytes)
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	ids := func(i int, tail string) (list []string) {
		for n := range 20 {
			list = append(list, fmt.Sprint(i, "-", n, tail))
		}
		return list
	}
	for _, c := range []struct {
		what  string
		write func(i int) error
	}{
		{"configurations", func(i int) error { return put(fmt.Sprint("n", i), 20) }},
		{"ids", func(i int) error { return put(fmt.Sprint("n", i%100), 0, ids(i, long)...) }},
		{"names", func(i int) error { return put(fmt.Sprint("n", i%400, long), 0, ids(i, "")...) }},
	} {
		if _, err := db.chat.Exec(ctx, "DELETE FROM pubsub_nodes"); err != nil {
			t.Fatal(err)
		}
		var clients sync.WaitGroup
		var full atomic.Int32
		for client := range 4 {
			clients.Go(func() {
				for i := range 250 {
					if err := c.write(client*1000 + i); errors.Is(err, pep.ErrFull) {
						full.Add(1)
						return
					} else if err != nil {
						t.Errorf("%s: %v", c.what, err)
						return
					}
				}
			})
		}
		clients.Wait()
		if bytes := kept(); full.Load() != 4 || bytes > maxPubsubBytes || bytes < maxPubsubBytes/2 {
			t.Errorf("%s: %d bytes are kept, and %d of 4 clients were told that it is enough", c.what, bytes, full.Load())
		}
	}

	// What is there may be made less.
	before := kept()
	is(t, put("n1", 30), pep.ErrFull)
	_, err := s.UpdateNode(ctx, "alice", "n0"+long, []pep.Item{{ID: "0-0", Gone: true}}, func(*pep.Node, bool) (bool, error) { return true, nil })
	is(t, err, nil)
	if after := kept(); after >= before {
		t.Errorf("%d bytes after %d", after, before)
	}
}

// A list of nodes has of each what it shows and what decides who may read it: of members and groups only the asker's.
func TestPubsub_Lists(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	s := db.PubsubStore()
	put := func(name string, c pep.NodeConfig) {
		t.Helper()
		_, err := s.UpdateNode(ctx, "alice", name, []pep.Item{{ID: "i", Payload: []byte("<i/>")}}, func(n *pep.Node, _ bool) (bool, error) {
			n.Config = c
			return true, nil
		})
		is(t, err, nil)
	}
	closed := node(1)
	closed.Access, closed.Title, closed.Members = pep.AccessWhitelist, "Closed", []string{"bob@h", "carol@h", "dave@h"}
	grouped := node(1)
	grouped.Access, grouped.Groups, grouped.Type = pep.AccessRoster, []string{"friends", "work"}, "urn:x"
	put("closed", closed)
	put("grouped", grouped)
	put("open", node(1))

	list, err := s.Nodes(ctx, "alice", "carol@h", []string{"work", "club"})
	is(t, err, nil)
	if got, want := fmt.Sprint(list), fmt.Sprint([]pep.Node{
		{Name: "closed", Config: pep.NodeConfig{Access: pep.AccessWhitelist, Title: "Closed", Members: []string{"carol@h"}}},
		{Name: "grouped", Config: pep.NodeConfig{Access: pep.AccessRoster, Groups: []string{"work"}}},
		{Name: "open", Config: pep.NodeConfig{Access: pep.AccessOpen}},
	}); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	list, err = s.Nodes(ctx, "alice", "zoe@h", nil)
	is(t, err, nil)
	if len(list) != 3 || len(list[0].Config.Members)+len(list[1].Config.Groups) > 0 {
		t.Errorf("%+v", list)
	}
	last, err := s.LastItems(ctx, []string{"alice"}, []string{"closed", "grouped", "open"}, []string{"carol@h/r", "carol@h"}, 100)
	is(t, err, nil)
	if len(last) != 3 || !slices.Equal(last[0].Node.Config.Members, []string{"carol@h"}) || !slices.Equal(last[1].Node.Config.Groups, grouped.Groups) ||
		last[1].Node.Config.SendLast != pep.SendOnPresence {
		t.Errorf("%+v", last)
	}
}

// The queries read what they return and no more.
func TestPubsub_Plans(t *testing.T) {
	db, ctx := open(t), t.Context()
	if _, err := db.chat.Exec(ctx, `INSERT INTO accounts (username, name, password_hash) SELECT 'u' || i, 'U', 'x' FROM generate_series(1, 2000) i`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.chat.Exec(ctx, `INSERT INTO pubsub_nodes SELECT 'u' || i, 'n' || j, '{}' FROM generate_series(1, 2000) i, generate_series(1, 5) j`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.chat.Exec(ctx, `INSERT INTO pubsub_items (username, node, id, payload) SELECT 'u' || i, 'n' || j, k, 'x' FROM generate_series(1, 2000) i, generate_series(1, 5) j, generate_series(1, 5) k`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.chat.Exec(ctx, "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	noScan(ctx, t, db, lastItems, []string{"u1", "u2"}, []string{"n1", "x"}, []string{"u3@h"}, 100)
	noScan(ctx, t, db, "SELECT id FROM pubsub_items WHERE username = $1 AND node = $2 AND seq > 0 ORDER BY seq DESC LIMIT 1", "u1", "n1")
	noScan(ctx, t, db, pubsubSize, "u1", pubsubRow)
	noScan(ctx, t, db, nodeList, "u1", "u3@h", []string{"friends"})
}

func noScan(ctx context.Context, t *testing.T, db *DB, sql string, args ...any) {
	t.Helper()
	rows, err := db.chat.Query(ctx, "EXPLAIN "+sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	if p := plan.String(); strings.Contains(p, "Seq Scan on pubsub") || !strings.Contains(p, "Index") {
		t.Errorf("%s\n%s", sql, p)
	}
}

// A node is its items in the order of their last publishing, at most as many as
// it keeps: whatever is done to it.
func TestPubsub_Property(t *testing.T) {
	db := open(t)
	db.person(t, "alice")
	s := db.PubsubStore()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		name, max := fmt.Sprint("n", run), 3
		var want []string
		is(t, publish(t, s, "alice", name, max), nil)
		id := rapid.StringMatching(`[a-f]`)
		rt.Repeat(map[string]func(*rapid.T){
			"publish": func(rt *rapid.T) {
				i := id.Draw(rt, "id")
				is(t, publish(t, s, "alice", name, max, i), nil)
				want = append(slices.DeleteFunc(want, func(o string) bool { return o == i }), i)
			},
			"retract": func(rt *rapid.T) {
				i := id.Draw(rt, "id")
				removed, err := s.RemoveItems(t.Context(), "alice", name, []string{i}, false)
				if err != nil || slices.Contains(want, i) != slices.Contains(removed, i) {
					rt.Fatalf("removed %v of %v, %v", removed, want, err)
				}
				want = slices.DeleteFunc(want, func(o string) bool { return o == i })
			},
			"keep": func(rt *rapid.T) {
				max = rapid.IntRange(1, 5).Draw(rt, "max")
				is(t, publish(t, s, "alice", name, max), nil)
			},
			"": func(rt *rapid.T) {
				want = want[len(want)-min(len(want), max):]
				if got := itemIDs(t, s, pep.ItemQuery{User: "alice", Node: name}); got != strings.Join(want, " ") {
					rt.Fatalf("%s, want %v", got, want)
				}
				last, err := s.LastItems(t.Context(), []string{"alice"}, []string{name}, nil, 100)
				if err != nil || len(last) != min(1, len(want)) || (len(want) > 0 && last[0].Item.ID != want[len(want)-1]) {
					rt.Fatalf("last %+v of %v, %v", last, want, err)
				}
			},
		})
		_, err := s.UpdateNode(t.Context(), "alice", name, nil, func(*pep.Node, bool) (bool, error) { return false, nil })
		is(t, err, nil)
	})
}
