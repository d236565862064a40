package move

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd"
	"foyer/xmppd/archive"
)

// ejabberd's tables (sql/pg.sql and sql/pg.new.sql of releases 23.01 to 26.07). In the new
// schema (new_sql_schema: true) most tables have a column server_host; columns that came
// with later releases are written where they are. Both are seen by the tables
// themselves.
//
// An archive's ids are microseconds since 1970 (mod_mam): an id of ours becomes the time in
// it, with the place within its millisecond as microseconds.

type ejabberd struct {
	o       Options
	report  *Report
	columns map[string]map[string]bool

	owner string // of the last message, and its time in its archive
	last  int64
}

// neededByEjabberd are the tables that are written.
var neededByEjabberd = []string{"rosterusers", "rostergroups", "vcard", "vcard_search", "private_storage", "privacy_list", "privacy_default_list",
	"privacy_list_data", "spool", "archive", "archive_prefs", "pubsub_node", "pubsub_node_option", "pubsub_state", "pubsub_item", "muc_room"}

func (e *ejabberd) check(ctx context.Context, d *target) (err error) {
	if e.columns, err = d.tableColumns(ctx); err != nil {
		return err
	}
	for _, name := range neededByEjabberd {
		if e.columns[name] == nil {
			return errors.New("there is no table " + name + " of ejabberd in that database: load its schema first (/usr/share/ejabberd/sql/pg.sql, or pg.new.sql with new_sql_schema: true)")
		}
	}
	return nil
}

// table describes a table of the schema that is there.
func (e *ejabberd) table(name string, keys, values []string) *table {
	t := &table{name: name, keys: keys, fixed: map[string]any{}}
	if e.columns[name]["server_host"] {
		t.fixed["server_host"] = e.o.Domain
	}
	t.values = values
	return t
}

// has reports whether a table has a column, which depends on the release.
func (e *ejabberd) has(table, column string) bool { return e.columns[table][column] }

// own is a scope: the rows of people in a table.
func (e *ejabberd) own(t *table, users []string) scope {
	if t.fixed["server_host"] != nil {
		return scope{"t.server_host = $2 AND t.username = ANY ($1)", []any{users, e.o.Domain}}
	}
	return scope{"t.username = ANY ($1)", []any{users}}
}

func (e *ejabberd) archive() *table {
	values := []string{"peer", "bare_peer", "xml", "txt", "kind", "nick"}
	if e.has("archive", "origin_id") {
		values = append(values, "origin_id")
	}
	return e.table("archive", []string{"username", "timestamp"}, values)
}

func (e *ejabberd) message(m archive.Entry, name string, room *roomFacts) []any {
	owner, kind, peer, nick := name, "chat", m.With, ""
	switch {
	case room != nil:
		owner, kind, nick = m.Owner, "groupchat", m.Resource
	case m.Resource != "":
		peer += "/" + m.Resource
	}
	row := []any{owner, e.stamp(m), peer, m.With, m.Stanza, m.Body, kind, nick}
	if e.has("archive", "origin_id") {
		row = append(row, originID(m.Stanza))
	}
	return row
}

// stamp is the id of a message in ejabberd's archive. Within an archive ids strictly
// increase, as ours do.
func (e *ejabberd) stamp(m archive.Entry) int64 {
	within := int64(m.ID[6]&0x0f)<<8 | int64(m.ID[7]) // RFC 9562 §5.7
	at := m.Time().UnixMilli()*1000 + min(within, 999)
	if m.Owner == e.owner && at <= e.last {
		at = e.last + 1
	}
	e.owner, e.last = m.Owner, at
	return at
}

// originID is what the sender's client named a message (XEP-0359); may be empty.
func originID(raw []byte) string {
	m, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
	if err != nil {
		return ""
	}
	id, _ := m.Find(stanza.NSSID, "origin-id")
	name, _ := id.Attr("id")
	return name
}

func (e *ejabberd) people(ctx context.Context, b *batch, page []*models.AccountData) error {
	users := make([]string, len(page))
	for i, p := range page {
		users[i] = p.User
	}
	for _, part := range []func(context.Context, *batch, []string, []*models.AccountData) error{
		e.rosters, e.cards, e.private, e.offline, e.prefs, e.blocks, e.nodes,
	} {
		if err := part(ctx, b, users, page); err != nil {
			return err
		}
	}
	return nil
}

// Letters for subscriptions (mod_roster_sql).
var ejabberdSubscriptions = map[xmppd.Subscription]string{
	xmppd.SubscriptionNone: "N", xmppd.SubscriptionTo: "T", xmppd.SubscriptionFrom: "F", xmppd.SubscriptionBoth: "B",
}

// ejabberdAsk is what is asked: by the person, of the person, both or nothing.
func ejabberdAsk(c xmppd.Contact) string {
	switch {
	case c.Ask && c.Request != nil:
		return "B"
	case c.Ask:
		return "O"
	case c.Request != nil:
		return "I"
	}
	return "N"
}

func (e *ejabberd) rosters(ctx context.Context, b *batch, users []string, page []*models.AccountData) error {
	values := []string{"nick", "subscription", "ask", "askmessage", "server", "subscribe", "type"}
	approved := e.has("rosterusers", "approved")
	if approved {
		values = append(values, "approved")
	}
	contacts, groups := e.table("rosterusers", []string{"username", "jid"}, values), e.table("rostergroups", []string{"username", "jid", "grp"}, nil)
	var rows, in [][]any
	for _, p := range page {
		for _, c := range p.Contacts {
			row := []any{p.User, c.JID, c.Name, ejabberdSubscriptions[c.Subscription], ejabberdAsk(c), "", "N", "", "item"}
			if approved {
				row = append(row, c.Approved)
			} else if c.Approved {
				e.report.leave("approvals given before they were asked for, which this release does not keep", p.User)
			}
			rows = append(rows, row)
			for _, g := range c.Groups {
				in = append(in, []any{p.User, c.JID, g})
			}
		}
	}
	if err := b.merge(ctx, contacts, rows, e.own(contacts, users)); err != nil {
		return err
	}
	return b.merge(ctx, groups, in, e.own(groups, users))
}

// private: a piece for each namespace.
func (e *ejabberd) private(ctx context.Context, b *batch, users []string, page []*models.AccountData) error {
	t := e.table("private_storage", []string{"username", "namespace"}, []string{"data"})
	var rows [][]any
	for _, p := range page {
		had := make(map[string]bool)
		for _, x := range p.Private {
			if had[x.Name.Space] {
				e.report.leave("pieces of private XML beside others of the same namespace, of which ejabberd keeps one", p.User)
				continue
			}
			had[x.Name.Space] = true
			rows = append(rows, []any{p.User, x.Name.Space, x.Raw})
		}
	}
	return b.merge(ctx, t, rows, e.own(t, users))
}

// offline: the time is in the stanza (XEP-0203).
func (e *ejabberd) offline(ctx context.Context, b *batch, users []string, page []*models.AccountData) error {
	t := e.table("spool", []string{"username", "xml"}, nil)
	var rows [][]any
	for _, p := range page {
		for _, m := range p.Offline {
			el, err := stream.Parse(m.Stanza, stream.Limits{Bytes: len(m.Stanza)})
			if err != nil {
				e.report.leave("damaged messages that wait for somebody", p.User)
				continue
			}
			rows = append(rows, []any{p.User, el.Edit().Append(stanza.Delay(e.o.Domain, m.Stamp)).Bytes()})
		}
	}
	return b.merge(ctx, t, rows, e.own(t, users))
}

func (e *ejabberd) prefs(ctx context.Context, b *batch, users []string, page []*models.AccountData) error {
	t := e.table("archive_prefs", []string{"username"}, []string{"def", "always", "never"})
	var rows [][]any
	for _, p := range page {
		if p.Prefs != nil {
			rows = append(rows, []any{p.User, string(p.Prefs.Default), erlJIDs(p.Prefs.Always), erlJIDs(p.Prefs.Never)})
		}
	}
	return b.merge(ctx, t, rows, e.own(t, users))
}

func erlJIDs(jids []string) string {
	var out []string
	for _, jid := range jids {
		if term, ok := erlJID(jid); ok {
			out = append(out, term)
		}
	}
	return erlList(out)
}

// blockList is the name that mod_blocking gives to a person's first list.
const blockList = "Blocked contacts"

// blocks: who is blocked is a privacy list that is in force (mod_blocking, mod_privacy).
func (e *ejabberd) blocks(ctx context.Context, b *batch, users []string, page []*models.AccountData) error {
	lists, force := e.table("privacy_list", []string{"username", "name"}, nil), e.table("privacy_default_list", []string{"username"}, []string{"name"})
	var names, forced [][]any
	for _, p := range page {
		if len(p.Blocked) > 0 {
			names, forced = append(names, []any{p.User, blockList}), append(forced, []any{p.User, blockList})
		}
	}
	if err := b.merge(ctx, lists, names, e.own(lists, users)); err != nil {
		return err
	}
	if err := b.merge(ctx, force, forced, e.own(force, users)); err != nil {
		return err
	}
	ids, numbers, err := b.numbers(ctx, "SELECT t.username, t.id FROM privacy_list t WHERE "+e.own(lists, users).where, e.own(lists, users).args...)
	if err != nil {
		return err
	}
	var items [][]any
	for _, p := range page {
		for _, jid := range p.Blocked {
			items = append(items, []any{ids[p.User], "j", jid, "d", int64(0), true, false, false, false, false})
		}
	}
	t := &table{name: "privacy_list_data", keys: []string{"id", "t", "value"}, values: []string{"action", "ord", "match_all", "match_iq", "match_message", "match_presence_in", "match_presence_out"}}
	return b.merge(ctx, t, items, scope{"t.id = ANY ($1)", []any{numbers}})
}

// numbers reads which number rows have.
func (b *batch) numbers(ctx context.Context, sql string, args ...any) (of map[string]int64, all []int64, err error) {
	rows, err := b.Query(ctx, sql, args...)
	if err != nil {
		return nil, nil, err
	}
	of = make(map[string]int64)
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return nil, nil, err
		}
		of[name], all = n, append(all, n)
	}
	return of, all, rows.Err()
}

// ejabberdTime is how items of nodes keep times (node_flat_sql:encode_now).
func ejabberdTime(at time.Time) string {
	s := at.Unix()
	return fmt.Sprintf("%06d:%06d:%06d", s/1e6, s%1e6, at.Nanosecond()/1000)
}

func erlBool(is bool) string { return strconv.FormatBool(is) }
