package move

import (
	"context"
	"strconv"
	"strings"

	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd/pep"
)

// What people publish, as node_pep_sql and mod_vcard_sql of ejabberd keep it.

// searchFields are what mod_vcard looks for; each is kept as it is, and in small letters
// under a name that begins with l.
var searchFields = []string{"fn", "family", "given", "middle", "nickname", "bday", "ctry", "locality", "email", "orgname", "orgunit"}

func (e *ejabberd) cards(ctx context.Context, b *batch, users []string, page []*models.AccountData) error {
	values := []string{"username"}
	for _, f := range searchFields {
		values = append(values, f, "l"+f)
	}
	cards, search := e.table("vcard", []string{"username"}, []string{"vcard"}), e.table("vcard_search", []string{"lusername"}, values)
	var rows, found [][]any
	for _, p := range page {
		raw := p.Card.Payload()
		rows = append(rows, []any{p.User, raw})
		row := []any{p.User, p.User}
		is := searchable(raw)
		for _, f := range searchFields {
			row = append(row, is[f], strings.ToLower(is[f]))
		}
		found = append(found, row)
	}
	if err := b.merge(ctx, cards, rows, e.own(cards, users)); err != nil {
		return err
	}
	return b.merge(ctx, search, found, e.own(search, users))
}

// searchable are the fields of a card that can be looked for.
func searchable(raw []byte) map[string]string {
	is := make(map[string]string)
	card, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
	if err != nil {
		return is
	}
	first := func(field string, c stream.Child) {
		if is[field] == "" {
			is[field] = c.Text()
		}
	}
	in := map[string]map[string]string{
		"N": {"FAMILY": "family", "GIVEN": "given", "MIDDLE": "middle"}, "ADR": {"CTRY": "ctry", "LOCALITY": "locality"},
		"EMAIL": {"USERID": "email"}, "ORG": {"ORGNAME": "orgname", "ORGUNIT": "orgunit"},
	}
	for c := range card.Children() {
		switch name := c.Name.Local; name {
		case "FN", "NICKNAME", "BDAY":
			first(strings.ToLower(name), c)
		default:
			for k := range c.Children() {
				if field := in[name][k.Name.Local]; field != "" {
					first(field, k)
				}
			}
		}
	}
	return is
}

// nodes: their numbers are given by the table, and the others refer to them.
func (e *ejabberd) nodes(ctx context.Context, b *batch, users []string, page []*models.AccountData) error {
	hosts := make([]string, len(users))
	for i, user := range users {
		hosts[i] = user + "@" + e.o.Domain
	}
	var rows [][]any
	for i, p := range page {
		for _, n := range p.Nodes {
			rows = append(rows, []any{hosts[i], n.Name, "", "pep"})
		}
	}
	t := &table{name: "pubsub_node", keys: []string{"host", "node"}, values: []string{"parent", "plugin"}}
	if err := b.merge(ctx, t, rows, scope{"t.host = ANY ($1)", []any{hosts}}); err != nil {
		return err
	}
	ids, all, err := b.numbers(ctx, "SELECT host || '/' || node, nodeid FROM pubsub_node WHERE host = ANY ($1)", hosts)
	if err != nil {
		return err
	}
	of := nodeRows{domain: e.o.Domain}
	for i, p := range page {
		for _, n := range p.Nodes {
			of.add(ids[hosts[i]+"/"+n.Name], hosts[i], n)
		}
	}
	return of.merge(ctx, b, scope{"t.nodeid = ANY ($1)", []any{all}})
}

// nodeRows are the rows that refer to nodes.
type nodeRows struct {
	domain                 string
	options, states, items [][]any
}

func (r *nodeRows) add(id int64, owner string, n models.NodeItems) {
	for _, o := range nodeOptions(n.Config) {
		r.options = append(r.options, []any{id, o[0], o[1]})
	}
	r.states = append(r.states, []any{id, owner, "o", ""})
	for _, jid := range n.Config.Members {
		if jid != owner {
			r.states = append(r.states, []any{id, jid, "m", ""})
		}
	}
	for _, it := range n.Items {
		at := ejabberdTime(it.Published)
		r.items = append(r.items, []any{id, it.ID, owner, at, at, it.Payload})
	}
}

func (r *nodeRows) merge(ctx context.Context, b *batch, own scope) error {
	for _, part := range []struct {
		t    *table
		rows [][]any
	}{
		{&table{name: "pubsub_node_option", keys: []string{"nodeid", "name"}, values: []string{"val"}}, r.options},
		{&table{name: "pubsub_state", keys: []string{"nodeid", "jid"}, values: []string{"affiliation", "subscriptions"}}, r.states},
		{&table{name: "pubsub_item", keys: []string{"nodeid", "itemid"}, values: []string{"publisher", "creation", "modification", "payload"}}, r.items},
	} {
		if err := b.merge(ctx, part.t, part.rows, own); err != nil {
			return err
		}
	}
	return nil
}

// nodeOptions are a node's options by name, as terms; what is not among them is as
// node_pep says.
func nodeOptions(c pep.NodeConfig) [][2]string {
	groups := make([]string, len(c.Groups))
	for i, g := range c.Groups {
		groups[i] = erlBinary(g)
	}
	options := [][2]string{
		{"access_model", string(c.Access)}, {"roster_groups_allowed", erlList(groups)}, {"publish_model", "publishers"},
		{"max_items", strconv.Itoa(c.MaxItems)}, {"persist_items", erlBool(c.Persist)}, {"send_last_published_item", string(c.SendLast)},
		{"deliver_payloads", erlBool(c.Payloads)}, {"notify_retract", erlBool(c.NotifyRetract)}, {"notify_delete", erlBool(c.NotifyDelete)},
		{"notify_config", erlBool(c.NotifyConfig)},
	}
	if c.Title != "" {
		options = append(options, [2]string{"title", erlBinary(c.Title)})
	}
	if c.Type != "" {
		options = append(options, [2]string{"type", erlBinary(c.Type)})
	}
	return options
}
