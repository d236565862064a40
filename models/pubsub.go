package models

import (
	"context"
	"errors"

	"foyer/xmppd"
	"foyer/xmppd/pep"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Bounds of what one account publishes.
const (
	maxPubsubNodes = 500
	maxPubsubBytes = 4 << 20 // of names, configurations, ids and payloads
	pubsubRow      = 100     // bytes that each node and each item counts for beside
	maxReadUpTo    = 1000    // conversations; as many as a node keeps
)

// pubsubStore implements pep.Store.
type pubsubStore struct{ *core }

// PubsubStore returns what accounts publish, as it is kept in this database.
func (db *DB) PubsubStore() pep.Store { return pubsubStore{db.core} }

// Node implements pep.Store.
func (s pubsubStore) Node(ctx context.Context, user, node string) (pep.Node, error) {
	n := pep.Node{Name: node}
	err := s.chat.QueryRow(ctx, "SELECT config FROM pubsub_nodes WHERE username = $1 AND node = $2", user, node).Scan(&n.Config)
	return n, asXMPPError(err)
}

// nodeList is the nodes of the account $1 as $2 sees them, who is in the groups $3. The inner query unpacks a long
// configuration once for all that is looked at in it.
const nodeList = `SELECT node, coalesce(config->>'access', ''), coalesce(config->>'title', ''),
		ARRAY(SELECT $2::text WHERE config->'members' ? $2), ARRAY(SELECT g FROM unnest($3::text[]) g WHERE config->'groups' ? g)
	FROM (SELECT node, config || '{}' AS config FROM pubsub_nodes WHERE username = $1 OFFSET 0) n ORDER BY node`

// Nodes implements pep.Store.
func (s pubsubStore) Nodes(ctx context.Context, user, asker string, groups []string) ([]pep.Node, error) {
	rows, err := s.chat.Query(ctx, nodeList, user, asker, nonNil(groups))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n pep.Node, err error) {
		return n, row.Scan(&n.Name, &n.Config.Access, &n.Config.Title, &n.Config.Members, &n.Config.Groups)
	})
}

// UpdateNode implements pep.Store.
func (s pubsubStore) UpdateNode(ctx context.Context, user, node string, items []pep.Item, update func(*pep.Node, bool) (bool, error)) (pep.Node, error) {
	n := pep.Node{Name: node}
	err := pgx.BeginFunc(ctx, s.chat, func(tx pgx.Tx) error {
		if err := lockNodes(ctx, tx, user); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, "SELECT config FROM pubsub_nodes WHERE username = $1 AND node = $2", user, node).Scan(&n.Config)
		exists := err == nil
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		keep, err := update(&n, exists)
		if err != nil {
			return err
		}
		if !keep {
			_, err := tx.Exec(ctx, "DELETE FROM pubsub_nodes WHERE username = $1 AND node = $2", user, node)
			return err
		}
		changed, err := saveNode(ctx, tx, user, n, exists)
		if err != nil {
			return err
		}
		stored, err := saveItems(ctx, tx, user, n, items)
		if err != nil || !(changed || stored) {
			return err
		}
		return checkSize(ctx, tx, user)
	})
	return n, err
}

// lockNodes lets the changes of one account's nodes happen one after the other,
// so that its bounds hold. What is locked is not always there as a row.
func lockNodes(ctx context.Context, tx pgx.Tx, user string) error {
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", user)
	return err
}

// pubsubSize is how much of its bytes the account $1 has used up.
const pubsubSize = `SELECT
	(SELECT coalesce(sum(octet_length(node) + octet_length(config::text) + $2), 0) FROM pubsub_nodes WHERE username = $1)
	+ (SELECT coalesce(sum(octet_length(node) + octet_length(id) + octet_length(payload) + $2), 0) FROM pubsub_items WHERE username = $1)`

// checkSize returns pep.ErrFull if an account has more than it may, by what this transaction has written.
func checkSize(ctx context.Context, tx pgx.Tx, user string) error {
	var size int64
	err := tx.QueryRow(ctx, pubsubSize, user, pubsubRow).Scan(&size)
	if err == nil && size > maxPubsubBytes {
		err = pep.ErrFull
	}
	return err
}

// saveNode stores a node's configuration, and reports whether it is another than before.
func saveNode(ctx context.Context, tx pgx.Tx, user string, n pep.Node, exists bool) (changed bool, err error) {
	if exists {
		tag, err := tx.Exec(ctx, "UPDATE pubsub_nodes SET config = $3 WHERE username = $1 AND node = $2 AND config <> $3", user, n.Name, n.Config)
		return tag.RowsAffected() > 0, err
	}
	tag, err := tx.Exec(ctx, `INSERT INTO pubsub_nodes (username, node, config)
		SELECT $1, $2, $3 WHERE (SELECT count(*) FROM pubsub_nodes WHERE username = $1) < $4`, user, n.Name, n.Config, maxPubsubNodes)
	switch {
	case isViolation(err, "23503"):
		return false, xmppd.ErrNotFound
	case err == nil && tag.RowsAffected() == 0:
		return false, pep.ErrTooManyNodes
	}
	return true, err
}

// saveItems removes items that are to be gone, stores the others and removes the oldest beyond what the node keeps.
// It reports whether it stored any.
func saveItems(ctx context.Context, tx pgx.Tx, user string, n pep.Node, items []pep.Item) (stored bool, err error) {
	keep := n.Config.MaxItems
	if !n.Config.Persist {
		items, keep = nil, 0
	}
	var gone []string
	for _, it := range items {
		if it.Gone {
			gone = append(gone, it.ID)
		}
	}
	if len(gone) > 0 {
		_, err := tx.Exec(ctx, "DELETE FROM pubsub_items WHERE username = $1 AND node = $2 AND id = ANY($3)", user, n.Name, gone)
		if err != nil {
			return false, err
		}
	}
	for _, it := range items {
		if it.Gone {
			continue
		}
		if n.Name == pep.NodeBookmarks {
			if err := saveLevel(ctx, tx, user, it); err != nil {
				return false, err
			}
		}
		if err := checkSuperseded(ctx, tx, user, n, it); err != nil {
			return false, err
		}
		_, err := tx.Exec(ctx, `INSERT INTO pubsub_items (username, node, id, payload) VALUES ($1, $2, $3, $4)
			ON CONFLICT (username, node, id) DO UPDATE SET payload = excluded.payload, seq = excluded.seq, published = excluded.published,
				first_published = coalesce(pubsub_items.first_published, pubsub_items.published)`,
			user, n.Name, it.ID, it.Payload)
		if err != nil {
			return false, err
		}
		stored = true
	}
	_, err = tx.Exec(ctx, `DELETE FROM pubsub_items WHERE username = $1 AND node = $2 AND seq IN
		(SELECT seq FROM pubsub_items WHERE username = $1 AND node = $2 ORDER BY seq DESC OFFSET $3)`, user, n.Name, keep)
	return stored, err
}

// checkSuperseded returns a *pep.SupersededError if an item is to give way to the one that is stored.
func checkSuperseded(ctx context.Context, tx pgx.Tx, user string, n pep.Node, it pep.Item) error {
	if it.Unless == nil {
		return nil
	}
	stored := pep.Item{ID: it.ID}
	err := tx.QueryRow(ctx, "SELECT payload, published FROM pubsub_items WHERE username = $1 AND node = $2 AND id = $3", user, n.Name, it.ID).
		Scan(&stored.Payload, &stored.Published)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err == nil && it.Unless(stored):
		return &pep.SupersededError{Item: stored}
	}
	return err
}

// saveLevel takes the level of notifications of a room that its bookmark has (XEP-0492),
// where that is another than before. A bookmark without one leaves it as it is, unless it had one.
func saveLevel(ctx context.Context, tx pgx.Tx, user string, it pep.Item) error {
	before := pep.Item{ID: it.ID}
	var accountID int64
	err := tx.QueryRow(ctx, `SELECT a.id, i.payload FROM accounts a
		LEFT JOIN pubsub_items i ON i.username = $1 AND i.node = $2 AND i.id = $3
		WHERE a.username = $1`, user, pep.NodeBookmarks, it.ID).Scan(&accountID, &before.Payload)
	if err != nil {
		return translate(err)
	}
	level := it.Level()
	if level == before.Level() {
		return nil
	}
	chosen := levelOf(level)
	err = setConversation(ctx, tx, accountID, it.ID, nil, &chosen)
	if errors.Is(err, ErrTooMany) {
		return nil // the bookmark has it all the same
	}
	return err
}

// RemoveItems implements pep.Store.
func (s pubsubStore) RemoveItems(ctx context.Context, user, node string, ids []string, all bool) (removed []string, err error) {
	if _, err := s.Node(ctx, user, node); err != nil {
		return nil, err
	}
	rows, err := s.chat.Query(ctx, `DELETE FROM pubsub_items WHERE username = $1 AND node = $2 AND (id = ANY($3) OR $4) RETURNING id`,
		user, node, nonNil(ids), all)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Items implements pep.Store.
func (s pubsubStore) Items(ctx context.Context, q pep.ItemQuery) (pep.ItemPage, error) {
	after, err := s.itemSeq(ctx, q, q.After, 0)
	if err != nil {
		return pep.ItemPage{}, err
	}
	before, err := s.itemSeq(ctx, q, q.Before, 1<<63-1)
	if err != nil {
		return pep.ItemPage{}, err
	}
	order := "ASC"
	if q.Last {
		order = "DESC"
	}
	rows, err := s.chat.Query(ctx, `SELECT id, published, payload FROM (
			SELECT id, published, payload, seq FROM pubsub_items
			WHERE username = $1 AND node = $2 AND seq > $3 AND seq < $4 AND (id = ANY($5) OR cardinality($5::text[]) = 0)
			ORDER BY seq `+order+` LIMIT $6
		) page ORDER BY seq`, q.User, q.Node, after, before, nonNil(q.IDs), q.Max)
	if err != nil {
		return pep.ItemPage{}, err
	}
	var page pep.ItemPage
	page.Items, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (it pep.Item, err error) {
		return it, row.Scan(&it.ID, &it.Published, &it.Payload)
	})
	if err == nil && q.Paged {
		err = s.countItems(ctx, q, &page)
	}
	return page, err
}

// itemSeq returns an item's place; that of no item is as given.
func (s pubsubStore) itemSeq(ctx context.Context, q pep.ItemQuery, id string, none int64) (int64, error) {
	if id == "" {
		return none, nil
	}
	var seq int64
	err := s.chat.QueryRow(ctx, "SELECT seq FROM pubsub_items WHERE username = $1 AND node = $2 AND id = $3", q.User, q.Node, id).Scan(&seq)
	return seq, asXMPPError(err)
}

// countItems fills in how many items the node has and where the page begins.
func (s pubsubStore) countItems(ctx context.Context, q pep.ItemQuery, page *pep.ItemPage) error {
	first := ""
	if len(page.Items) > 0 {
		first = page.Items[0].ID
	}
	return s.chat.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE seq <
			(SELECT seq FROM pubsub_items WHERE username = $1 AND node = $2 AND id = $3))
		FROM pubsub_items WHERE username = $1 AND node = $2`, q.User, q.Node, first).Scan(&page.Count, &page.Index)
}

// ReadUpTo returns up to which message an account has read each of its conversations, by
// bare JID, as far as its clients said so (XEP-0490) and the archives here gave the ids.
func (db *Conversations) ReadUpTo(ctx context.Context, domain, user string) (map[string]uuid.UUID, error) {
	page, err := pubsubStore{db.core}.Items(ctx, pep.ItemQuery{User: user, Node: pep.NodeDisplayed, Max: maxReadUpTo})
	if err != nil {
		return nil, err
	}
	read := make(map[string]uuid.UUID, len(page.Items))
	for _, it := range page.Items {
		said, by, ok := it.Displayed()
		if id, err := uuid.Parse(said); ok && err == nil && (by == user+"@"+domain || by == it.ID) {
			read[it.ID] = id
		}
	}
	return read, nil
}

// lastItems is one index lookup for each node that is there.
const lastItems = `SELECT n.username, n.node, n.config - CASE config->>'access' WHEN 'roster' THEN '{members}' ELSE '{members,groups}' END::text[],
		ARRAY(SELECT v FROM unnest($3::text[]) v WHERE n.config->'members' ? v), i.id, i.published, i.payload
	FROM unnest($1::text[]) u (username)
	CROSS JOIN unnest($2::text[]) w (node)
	JOIN pubsub_nodes n ON n.username = u.username AND n.node = w.node
	CROSS JOIN LATERAL (
		SELECT id, published, CASE WHEN octet_length(payload) <= $4 THEN payload END AS payload
		FROM pubsub_items WHERE username = n.username AND node = n.node ORDER BY seq DESC LIMIT 1
	) i
	WHERE NOT EXISTS (SELECT 1 FROM blocks b WHERE b.username = n.username AND b.jid = ANY($3))
	ORDER BY n.username, n.node`

// LastItems implements pep.Store.
func (s pubsubStore) LastItems(ctx context.Context, users, nodes, viewer []string, payloadMax int) ([]pep.LastItem, error) {
	rows, err := s.chat.Query(ctx, lastItems, nonNil(users), nonNil(nodes), nonNil(viewer), payloadMax)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l pep.LastItem, err error) {
		return l, row.Scan(&l.User, &l.Node.Name, &l.Node.Config, &l.Node.Config.Members, &l.Item.ID, &l.Item.Published, &l.Item.Payload)
	})
}
