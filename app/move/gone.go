package move

import (
	"context"
	"slices"
)

// What an earlier copy brought there and the site has no more: people who left, and rooms
// that ended. Their archives go, too: nobody may read them, and a room that somebody
// makes under the same name would have them. So rooms go before those that are there now
// are copied.

// gonePage is how many are removed at once.
const gonePage = 1000

// gone removes them: people and rooms that a copy brought. What
// else is there is that server's own.
func (c *copier) gone(ctx context.Context) error {
	for after := ""; ; {
		users, err := c.src.Gone(ctx, after, gonePage)
		if err != nil {
			return err
		}
		if len(users) == 0 {
			break
		}
		after = users[len(users)-1]
		if err := c.remove(ctx, c.server.peopleGone(users)); err != nil {
			return err
		}
	}
	rooms, err := c.src.GoneRooms(ctx)
	if err != nil {
		return err
	}
	for page := range slices.Chunk(rooms, gonePage) {
		if err := c.remove(ctx, c.server.roomsGone(page)); err != nil {
			return err
		}
	}
	return nil
}

// remove does so in one transaction.
func (c *copier) remove(ctx context.Context, removals []removal) error {
	return c.to.inBatch(ctx, func(b *batch) (err error) {
		for _, r := range removals {
			b.exec(ctx, &err, &b.to.report.Removed, r.sql, r.args...)
		}
		return err
	})
}

// removal is a statement that removes rows.
type removal struct {
	sql  string
	args []any
}

func (p *prosody) peopleGone(users []string) []removal {
	return []removal{
		{`DELETE FROM "prosody" WHERE "host" = $1 AND "user" = ANY ($2) AND "store" = ANY ($3)`, []any{p.Domain, users, prosodyStores}},
		{`DELETE FROM "prosodyarchive" WHERE "host" = $1 AND "user" = ANY ($2) AND ("store" IN ('archive', 'offline') OR starts_with("store", 'pep_'))`, []any{p.Domain, users}},
	}
}

func (p *prosody) roomsGone(names []string) []removal {
	jids := make([]string, len(names))
	for i, name := range names {
		jids[i] = name + "@" + p.Rooms
	}
	return []removal{
		{`DELETE FROM "prosody" WHERE "host" = $1 AND "user" = '' AND "store" = 'persistent' AND "key" = ANY ($2)`, []any{p.Rooms, jids}},
		{`DELETE FROM "prosody" WHERE "host" = $1 AND "user" = ANY ($2) AND "store" = 'config'`, []any{p.Rooms, names}},
		{`DELETE FROM "prosodyarchive" WHERE "host" = $1 AND "user" = ANY ($2) AND "store" = 'muc_log'`, []any{p.Rooms, names}},
	}
}

func (e *ejabberd) peopleGone(users []string) (all []removal) {
	lists := e.own(e.table("privacy_list", nil, nil), users)
	all = append(all, removal{"DELETE FROM privacy_list_data WHERE id IN (SELECT t.id FROM privacy_list t WHERE " + lists.where + ")", lists.args})
	for _, name := range []string{"rosterusers", "rostergroups", "vcard", "private_storage", "privacy_list", "privacy_default_list", "spool", "archive", "archive_prefs"} {
		own := e.own(e.table(name, nil, nil), users)
		all = append(all, removal{"DELETE FROM " + name + " t WHERE " + own.where, own.args})
	}
	search := e.own(e.table("vcard_search", nil, nil), users) // it has username as well as lusername
	all = append(all, removal{"DELETE FROM vcard_search t WHERE " + search.where, search.args})
	hosts := make([]string, len(users))
	for i, user := range users {
		hosts[i] = user + "@" + e.o.Domain
	}
	for _, name := range []string{"pubsub_node_option", "pubsub_state", "pubsub_item"} {
		all = append(all, removal{"DELETE FROM " + name + " WHERE nodeid IN (SELECT nodeid FROM pubsub_node WHERE host = ANY ($1))", []any{hosts}})
	}
	return append(all, removal{"DELETE FROM pubsub_node WHERE host = ANY ($1)", []any{hosts}})
}

func (e *ejabberd) roomsGone(names []string) []removal {
	owners := make([]string, len(names))
	for i, name := range names {
		owners[i] = name + "@" + e.o.Rooms
	}
	archive := e.own(e.table("archive", nil, nil), owners)
	return []removal{
		{"DELETE FROM muc_room WHERE name = ANY ($1) AND host = $2", []any{names, e.o.Rooms}},
		{"DELETE FROM archive t WHERE " + archive.where, archive.args},
	}
}
