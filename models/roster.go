package models

import (
	"context"
	"errors"
	"strings"

	"foyer/xmppd"

	"github.com/jackc/pgx/v5"
)

// storedContacts are the contacts people made or changed themselves.
const storedContacts = `SELECT jid, name, groups, subscription, ask, approved, listed, request FROM contacts WHERE username = $1`

// siteContacts are those the site supplies, by mode; $1 is the account.
var siteContacts = map[RosterMode]string{
	RosterEveryone: `SELECT a.username, a.name FROM accounts a WHERE a.username <> $1 AND a.blocked_at IS NULL`,
	RosterGroups: `SELECT DISTINCT a.username, a.name FROM accounts me
		JOIN account_groups mine ON mine.account_id = me.id
		JOIN account_groups theirs ON theirs.group_name = mine.group_name
		JOIN accounts a ON a.id = theirs.account_id
		WHERE me.username = $1 AND a.username <> $1 AND a.blocked_at IS NULL`,
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func scanContact(row pgx.CollectableRow) (c xmppd.Contact, err error) {
	err = row.Scan(&c.JID, &c.Name, &c.Groups, &c.Subscription, &c.Ask, &c.Approved, &c.Listed, &c.Request)
	return c, err
}

// Roster implements xmppd.RosterStore: the site's contacts, with the names and
// groups that the person gave them, and the person's own.
func (s *chatStore) Roster(ctx context.Context, user string) ([]xmppd.Contact, error) {
	rows, err := s.chat.Query(ctx, storedContacts+" ORDER BY jid", user)
	if err != nil {
		return nil, err
	}
	stored, err := pgx.CollectRows(rows, scanContact)
	if err != nil || s.mode == RosterNone {
		return stored, err
	}
	own := make(map[string]xmppd.Contact, len(stored))
	for _, c := range stored {
		own[c.JID] = c
	}
	rows, err = s.chat.Query(ctx, siteContacts[s.mode], user)
	if err != nil {
		return nil, err
	}
	var list []xmppd.Contact
	var username, name string
	_, err = pgx.ForEachRow(rows, []any{&username, &name}, func() error {
		jid := username + "@" + s.domain
		list = append(list, siteContact(own[jid], jid, name))
		delete(own, jid)
		return nil
	})
	for _, c := range stored {
		if _, left := own[c.JID]; left {
			list = append(list, c)
		}
	}
	return list, err
}

// siteContact lays what the person said of a contact over what the site says.
func siteContact(own xmppd.Contact, jid, name string) xmppd.Contact {
	c := xmppd.Contact{JID: jid, Name: name, Groups: own.Groups, Subscription: xmppd.SubscriptionBoth, Listed: true, Site: true}
	if own.Name != "" {
		c.Name = own.Name
	}
	return c
}

// Contact implements xmppd.RosterStore.
func (s *chatStore) Contact(ctx context.Context, user, jid string) (xmppd.Contact, error) {
	c, err := s.contact(ctx, s.chat, user, jid, "")
	if err == nil && c.Subscription == "" {
		err = xmppd.ErrNotFound
	}
	return c, err
}

// contact reads one; a contact that does not exist has no Subscription.
func (s *chatStore) contact(ctx context.Context, q querier, user, jid, lock string) (xmppd.Contact, error) {
	rows, err := q.Query(ctx, storedContacts+" AND jid = $2"+lock, user, jid)
	if err != nil {
		return xmppd.Contact{}, err
	}
	own, err := pgx.CollectOneRow(rows, scanContact)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return own, err
	}
	own.JID = jid
	username, domain, _ := strings.Cut(jid, "@")
	if s.mode == RosterNone || domain != s.domain {
		return own, nil
	}
	var name string
	err = q.QueryRow(ctx, "SELECT name FROM ("+siteContacts[s.mode]+") site WHERE username = $2", user, username).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return own, nil
	}
	return siteContact(own, jid, name), err
}

// UpdateContact implements xmppd.RosterStore.
func (s *chatStore) UpdateContact(ctx context.Context, user, jid string, update func(*xmppd.Contact) (bool, error)) (xmppd.Contact, error) {
	var c xmppd.Contact
	err := pgx.BeginFunc(ctx, s.chat, func(tx pgx.Tx) error {
		// A contact that is not there yet cannot be locked as a row.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", user+"\n"+jid); err != nil {
			return err
		}
		var err error
		if c, err = s.contact(ctx, tx, user, jid, " FOR UPDATE"); err != nil {
			return err
		}
		keep, err := update(&c)
		if err != nil {
			return err
		}
		return saveContact(ctx, tx, user, c, keep)
	})
	return c, err
}

func saveContact(ctx context.Context, tx pgx.Tx, user string, c xmppd.Contact, keep bool) error {
	if !keep {
		_, err := tx.Exec(ctx, "DELETE FROM contacts WHERE username = $1 AND jid = $2", user, c.JID)
		return err
	}
	subscription := c.Subscription
	if c.Site || subscription == "" {
		subscription = xmppd.SubscriptionNone // the site's word is not stored
	}
	_, err := tx.Exec(ctx, `INSERT INTO contacts (username, jid, name, groups, subscription, ask, approved, listed, request)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (username, jid) DO UPDATE SET name = excluded.name, groups = excluded.groups,
			subscription = excluded.subscription, ask = excluded.ask, approved = excluded.approved,
			listed = excluded.listed, request = excluded.request`,
		user, c.JID, c.Name, nonNil(c.Groups), subscription, c.Ask, c.Approved, c.Listed, c.Request)
	if isViolation(err, "23503") {
		return xmppd.ErrNotFound
	}
	return err
}
