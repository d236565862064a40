package move

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"foyer/internal/stanza"
	"foyer/models"
	"foyer/xmppd"
	"foyer/xmppd/archive"
	"foyer/xmppd/pep"
)

// Prosody's tables (mod_storage_sql, releases 0.12 and 13). In "prosody" a module keeps
// values by key: plain ones, JSON or XML, as the type says; what has a key that is no
// text is together under an empty one, in JSON as {"__hash": [key, value, …]}
// (util.json). In "prosodyarchive" there are messages, offline messages and the items of
// nodes, in the order of an ascending number, under a key that is a text of any kind, with
// a time in whole seconds.

// Stores of Prosody's modules, in "prosody".
const (
	storeRoster  = "roster"        // core.rostermanager
	storeCard    = "vcard"         // mod_vcard; mod_vcard_legacy takes it over when its owner signs in
	storePrivate = "private"       // mod_private
	storeBlocks  = "blocklist"     // mod_blocklist
	storeNodes   = "pep"           // mod_pep
	storePrefs   = "archive_prefs" // mod_mam
)

// prosodyStores are those of people.
var prosodyStores = []string{storeRoster, storeCard, storePrivate, storeBlocks, storeNodes, storePrefs}

type prosody struct {
	Options
	report   *Report
	values   *table
	archived *table
}

func newProsody(o Options, r *Report) *prosody {
	return &prosody{o, r,
		&table{name: "prosody", keys: []string{"host", "user", "store", "key"}, values: []string{"type", "value"}},
		&table{name: "prosodyarchive", keys: []string{"host", "user", "store", "key"}, values: []string{"when", "with", "type", "value"}},
	}
}

// check makes the tables as Prosody does when it first uses them, if it has not yet.
func (p *prosody) check(ctx context.Context, d *target) error {
	_, err := d.conn.Exec(ctx, prosodyTables)
	return err
}

const prosodyTables = `
CREATE TABLE IF NOT EXISTS "prosody" ("host" TEXT NOT NULL, "user" TEXT NOT NULL, "store" TEXT NOT NULL, "key" TEXT NOT NULL, "type" TEXT NOT NULL, "value" TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS "prosody_index" ON "prosody" ("host", "user", "store", "key");
CREATE TABLE IF NOT EXISTS "prosodyarchive" ("sort_id" BIGSERIAL NOT NULL PRIMARY KEY, "host" TEXT NOT NULL, "user" TEXT NOT NULL, "store" TEXT NOT NULL,
	"key" TEXT NOT NULL, "when" INTEGER NOT NULL, "with" TEXT NOT NULL, "type" TEXT NOT NULL, "value" TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS "prosodyarchive_index" ON "prosodyarchive" ("host", "user", "store", "key");
CREATE INDEX IF NOT EXISTS "prosodyarchive_with_when" ON "prosodyarchive" ("host", "user", "store", "with", "when");
CREATE INDEX IF NOT EXISTS "prosodyarchive_when" ON "prosodyarchive" ("host", "user", "store", "when");
CREATE INDEX IF NOT EXISTS "prosodyarchive_sort" ON "prosodyarchive" ("host", "user", "store", "sort_id");`

func (p *prosody) archive() *table { return p.archived }

// message: for mod_mam "with" is the other side, for mod_muc_mam the kind of stanza.
func (p *prosody) message(e archive.Entry, name string, room *roomFacts) []any {
	if room == nil {
		return []any{p.Domain, name, "archive", e.ID.String(), e.Time().Unix(), e.With, "xml", e.Stanza}
	}
	said := e.Stanza
	if room.nonAnonymous {
		said = withSender(said, e.With)
	}
	return []any{p.Rooms, name, "muc_log", e.ID.String(), e.Time().Unix(), "message<groupchat", "xml", said}
}

// withSender adds the real address of who said something in a room where all may know.
func withSender(said []byte, jid string) []byte {
	end := bytes.LastIndex(said, []byte("</"))
	if end < 0 {
		return said
	}
	dst := append(make([]byte, 0, len(said)+len(jid)+96), said[:end]...)
	dst = stanza.AppendAttr(append(dst, `<x xmlns="`+stanza.NSMUCUser+`"><item`...), "jid", jid)
	return append(append(dst, "/></x>"...), said[end:]...)
}

// prosodyRows collects the rows of a page.
type prosodyRows struct {
	host             string
	values, archived [][]any
	err              error // of JSON
}

func (rows *prosodyRows) add(user, store, key, kind, value string) {
	rows.values = append(rows.values, []any{rows.host, user, store, key, kind, value})
}

func (rows *prosodyRows) json(user, store, key string, v any) {
	raw, err := json.Marshal(v)
	rows.err = errors.Join(rows.err, err)
	rows.add(user, store, key, "json", string(raw))
}

func (rows *prosodyRows) bool(user, store, key string, is bool) {
	value := "false"
	if is {
		value = "true"
	}
	rows.add(user, store, key, "boolean", value)
}

// hash is a table of Lua with one key that is no text: false.
func hash(value any) map[string]any { return map[string]any{"__hash": []any{false, value}} }

func (p *prosody) people(ctx context.Context, b *batch, page []*models.AccountData) error {
	rows := &prosodyRows{host: p.Domain}
	users := make([]string, len(page))
	for i, person := range page {
		users[i] = person.User
		rows.roster(person)
		rows.add(person.User, storeCard, "", "xml", string(person.Card.Payload()))
		for _, x := range person.Private {
			rows.add(person.User, storePrivate, x.Name.Local+":"+x.Name.Space, "xml", string(x.Raw))
		}
		for _, jid := range person.Blocked {
			rows.bool(person.User, storeBlocks, jid, true)
		}
		rows.prefs(person)
		for _, m := range person.Offline {
			rows.archived = append(rows.archived, []any{p.Domain, person.User, "offline", m.ID.String(), m.Stamp.Unix(), "", "xml", m.Stanza})
		}
		for _, n := range person.Nodes {
			p.node(rows, person.User, n)
		}
	}
	if rows.err != nil {
		return rows.err
	}
	if err := b.merge(ctx, p.values, rows.values, scope{`"host" = $1 AND "user" = ANY ($2) AND "store" = ANY ($3)`, []any{p.Domain, users, prosodyStores}}); err != nil {
		return err
	}
	return b.merge(ctx, p.archived, rows.archived, scope{`"host" = $1 AND "user" = ANY ($2) AND ("store" = 'offline' OR starts_with("store", 'pep_'))`, []any{p.Domain, users}})
}

// rosterItem is a contact.
type rosterItem struct {
	Subscription string          `json:"subscription"`
	Ask          string          `json:"ask,omitempty"`
	Name         string          `json:"name,omitempty"`
	Approved     string          `json:"approved,omitempty"`
	Groups       map[string]bool `json:"groups"`
}

// roster: those who wait for an answer are apart from the contacts.
func (rows *prosodyRows) roster(person *models.AccountData) {
	pending := map[string]bool{}
	for _, c := range person.Contacts {
		if c.Request != nil {
			pending[c.JID] = true
		}
		if !c.Listed && c.Subscription == xmppd.SubscriptionNone && !c.Ask && !c.Approved {
			continue
		}
		item := rosterItem{Subscription: string(c.Subscription), Name: c.Name, Groups: map[string]bool{}}
		if c.Ask {
			item.Ask = "subscribe"
		}
		if c.Approved {
			item.Approved = "true"
		}
		for _, g := range c.Groups {
			item.Groups[g] = true
		}
		rows.json(person.User, storeRoster, c.JID, item)
	}
	rows.json(person.User, storeRoster, "", hash(map[string]any{"version": 1, "pending": pending}))
}

// prefs: true is always, false never; under the key false is what happens otherwise. All
// of it is in one value, since a row whose value is false is not read.
func (rows *prosodyRows) prefs(person *models.AccountData) {
	if person.Prefs == nil {
		return
	}
	var otherwise any = string(archive.Roster)
	if d := person.Prefs.Default; d != archive.Roster {
		otherwise = d == archive.Always
	}
	said := hash(otherwise)
	for _, jid := range person.Prefs.Always {
		said[jid] = true
	}
	for _, jid := range person.Prefs.Never { // on both lists: never
		said[jid] = false
	}
	rows.json(person.User, storePrefs, "", said)
}

// prosodyNode is a node (util.pubsub).
type prosodyNode struct {
	Name         string            `json:"name"`
	Config       prosodyConfig     `json:"config"`
	Affiliations map[string]string `json:"affiliations"`
	Subscribers  map[string]bool   `json:"subscribers"`
}

type prosodyConfig struct {
	Access        pep.AccessModel `json:"access_model"`
	MaxItems      any             `json:"max_items"` // a number, or max
	Persist       bool            `json:"persist_items"`
	SendLast      pep.SendLast    `json:"send_last_published_item"`
	Publish       string          `json:"publish_model"`
	Payloads      bool            `json:"include_payload"`
	NotifyRetract bool            `json:"notify_retract"`
	NotifyDelete  bool            `json:"notify_delete"`
	Title         string          `json:"title,omitempty"`
	Type          string          `json:"payload_type,omitempty"`
}

// maxItems is as many as a node has here at most, which is "max".
const maxItems = 1000

func (p *prosody) node(rows *prosodyRows, user string, n models.NodeItems) {
	c := n.Config
	kept := prosodyNode{Name: n.Name, Affiliations: map[string]string{}, Subscribers: map[string]bool{}, Config: prosodyConfig{
		Access: c.Access, MaxItems: c.MaxItems, Persist: c.Persist, SendLast: c.SendLast, Publish: "publishers",
		Payloads: c.Payloads, NotifyRetract: c.NotifyRetract, NotifyDelete: c.NotifyDelete, Title: c.Title, Type: c.Type,
	}}
	if c.MaxItems >= maxItems {
		kept.Config.MaxItems = "max"
	}
	if c.Access == pep.AccessRoster {
		kept.Config.Access = pep.AccessWhitelist // what Prosody does not know must not become wider
		p.report.leave("nodes for groups of contacts, which Prosody does not know: only their owners read them there", user)
	}
	for _, jid := range c.Members {
		kept.Affiliations[jid] = "member"
	}
	rows.json(user, storeNodes, n.Name, kept)
	for _, it := range n.Items {
		rows.archived = append(rows.archived, []any{rows.host, user, "pep_" + n.Name, it.ID, it.Published.Unix(), "", "xml", it.Payload})
	}
}
