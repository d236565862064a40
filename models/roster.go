package models

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"foyer/xmppd"

	"github.com/jackc/pgx/v5"
)

// A roster is laid together from two sources: the contacts that a person made or
// changed, and those that the site supplies (setting ROSTER): with "everyone" all
// members, with "groups" those who share a group. Where a site, or a group, has more than
// have a place in a roster (Options.RosterMax), it supplies those of them whom one talks
// with, and those of smaller groups. Whom the rosters leave out may be talked with all the same.

// maxTalks is how many of the latest messages are looked at for one roster.
const maxTalks = 1000

// The bounds of what is read stand in a SELECT of their own, so that PostgreSQL does not know them when it plans: it expects a
// tenth of the rows then, and reads them in order, up to the bound, where it would sort the whole of a large group. Nor is a
// plan for the bounds of one sign-in better than one for all, and so it plans once.
const (
	// siteIsSmall: all members have a place in a roster; $3 is the bound.
	siteIsSmall = `(SELECT count(*) <= $3 FROM (SELECT FROM accounts WHERE blocked_at IS NULL LIMIT (SELECT $3::int + 1)) members)`

	everybody = `SELECT a.username, a.name FROM accounts a WHERE a.username <> $1 AND a.blocked_at IS NULL`

	// storedContacts are the contacts that $1 made or changed themselves; site_name is
	// set for those that the site grants.
	storedContacts = `SELECT c.jid, c.name, c.groups, c.subscription, c.ask, c.approved, c.listed, c.request, coalesce(a.name, '') AS site_name
		FROM contacts c LEFT JOIN accounts a ON a.username = split_part(c.jid, '@', 1) AND c.jid = a.username || '@' || $2 AND a.blocked_at IS NULL AND %s
		WHERE c.username = $1 ORDER BY c.jid`

	// talkedWith is who $1 talks with, the latest $4 of them.
	talkedWith = `SELECT a.id, a.username, a.name, c.latest::text AS at
			FROM (SELECT peer, latest FROM conversations WHERE owner = $1 || '@' || $2 ORDER BY latest DESC LIMIT (SELECT $4::int)) c
			CROSS JOIN LATERAL (SELECT id, username, name FROM accounts WHERE username = split_part(c.peer, '@', 1) COLLATE "default" AND blocked_at IS NULL LIMIT 1) a
			WHERE a.username <> $1`

	// knownPeople are those whom $1 talks with and those of small groups.
	knownPeople = `SELECT a.username, a.name FROM (
			SELECT id, username, name, at FROM (` + talkedWith + `) talks
			UNION ALL
			SELECT id, username, name, NULL FROM (` + groupPeers + smallGroup + `) mates
		) a GROUP BY a.id, a.username, a.name ORDER BY max(a.at) DESC NULLS LAST, a.username LIMIT (SELECT $3::int)`

	// groupPeers are those who share a group with $1, once for each; a condition of the group follows.
	groupPeers = `SELECT a.id, a.username, a.name FROM accounts me
		JOIN account_groups mine ON mine.account_id = me.id
		JOIN account_groups theirs ON theirs.group_name = mine.group_name
		CROSS JOIN LATERAL (SELECT id, username, name FROM accounts WHERE id = theirs.account_id AND username <> $1 AND blocked_at IS NULL LIMIT 1) a
		WHERE me.username = $1 AND `

	// smallGroup is whether all of a group have a place in a roster; $3 is the bound. In order, no more of the index is read.
	smallGroup = `(SELECT count(*) <= $3 FROM (SELECT FROM account_groups g WHERE g.group_name = mine.group_name
		ORDER BY g.group_name, g.account_id LIMIT (SELECT $3::int + 1)) members)`

	// isGroupPeer is whether a shares a group with $1. It is asked for each a, by a's own groups, so that a large group is never read.
	isGroupPeer = `(SELECT true FROM account_groups theirs WHERE theirs.account_id = a.id AND theirs.group_name = ANY (ARRAY(
		SELECT mine.group_name FROM accounts me JOIN account_groups mine ON mine.account_id = me.id WHERE me.username = $1)) LIMIT 1) IS NOT NULL`

	// suppliedToAll is whether the site is small, and all members or those whom $1
	// knows: one row at least, without a name where there is nobody.
	suppliedToAll = `WITH site AS MATERIALIZED (SELECT ` + siteIsSmall + ` AS small)
		SELECT site.small, coalesce(p.username, ''), coalesce(p.name, '') FROM site LEFT JOIN LATERAL (
			SELECT * FROM (` + everybody + `) everybody WHERE site.small
			UNION ALL
			SELECT * FROM (` + knownPeople + `) known WHERE NOT site.small
		) p ON true`

	// suppliedByGroups are those of small groups, and of large ones those whom $1 talks with.
	suppliedByGroups = `SELECT username, name FROM (` + groupPeers + smallGroup + `) near
		UNION SELECT username, name FROM (` + talkedWith + ` AND ` + isGroupPeer + ` ORDER BY c.latest DESC LIMIT (SELECT $3::int)) talks`

	// contactsOf is what each of $1 has under the JID $2 of the member $3: its own
	// record, and what the site says. The site's word is filled in by mode.
	contactsOf = `SELECT v.username, coalesce(c.name, ''), coalesce(c.groups, '{}'), coalesce(c.subscription, ''), coalesce(c.ask, false),
			coalesce(c.approved, false), coalesce(c.listed, false), c.request, coalesce(a.name, ''),
			coalesce(a.name IS NOT NULL AND v.username <> $3 AND %s, false), coalesce(%s, false)
		FROM unnest($1::text[]) v(username)
		LEFT JOIN contacts c ON c.username = v.username AND c.jid = $2
		LEFT JOIN accounts a ON a.username = $3 AND a.blocked_at IS NULL AND $2 = $3 || '@' || $4`

	// sharesGroup: v and a are in one group, mine; a condition of it follows.
	sharesGroup = `EXISTS (SELECT 1 FROM accounts me
		JOIN account_groups mine ON mine.account_id = me.id
		JOIN account_groups theirs ON theirs.group_name = mine.group_name
		WHERE me.username = v.username AND theirs.account_id = a.id AND %s)`

	// talks: v talks with a; $4 is the domain, and $2 is a's JID.
	talks = `EXISTS (SELECT 1 FROM conversations WHERE owner = v.username || '@' || $4 AND peer = $2)`
)

// storedByMode is storedContacts with what the site grants.
var storedByMode = map[RosterMode]string{
	RosterNone:     fmt.Sprintf(storedContacts, "false"),
	RosterGroups:   fmt.Sprintf(storedContacts, isGroupPeer),
	RosterEveryone: fmt.Sprintf(storedContacts, "true"),
}

// contactsByMode is contactsOf with what the site grants, and what it lists.
var contactsByMode = func() map[RosterMode]string {
	known := talks + " OR " + fmt.Sprintf(sharesGroup, strings.ReplaceAll(smallGroup, "$3", "$5"))
	return map[RosterMode]string{
		RosterNone:     fmt.Sprintf(contactsOf, "false", "false AND $5 > 0"),
		RosterGroups:   fmt.Sprintf(contactsOf, fmt.Sprintf(sharesGroup, "true"), known),
		RosterEveryone: fmt.Sprintf(contactsOf, "true", strings.ReplaceAll(siteIsSmall, "$3", "$5")+" OR "+known),
	}
}()

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Roster implements xmppd.RosterStore.
func (s *chatStore) Roster(ctx context.Context, user string) (list []xmppd.Contact, complete bool, err error) {
	ask := &pgx.Batch{}
	sources := s.askRoster(ask, user)
	if err := s.chat.SendBatch(ctx, ask).Close(); err != nil {
		return nil, false, err
	}
	return sources.roster(), sources.complete, nil
}

// rosterSources are what a roster is laid together from.
type rosterSources struct {
	store     *chatStore
	stored    []xmppd.Contact
	siteNames []string // of those that the site grants, as stored is
	supplied  []member
	complete  bool // supplied is the whole site
}

// usualContacts is how many contacts most people have stored at most.
const usualContacts = 32

type member struct{ username, name string }

// askRoster asks for the sources of a roster with a batch, which fills them: all in one
// journey to the database.
func (s *chatStore) askRoster(ask *pgx.Batch, user string) *rosterSources {
	r := &rosterSources{store: s}
	ask.Queue(storedByMode[s.mode], user, s.domain).Query(func(rows pgx.Rows) error {
		var c xmppd.Contact
		var siteName string
		_, err := pgx.ForEachRow(rows, []any{&c.JID, &c.Name, &c.Groups, &c.Subscription, &c.Ask, &c.Approved, &c.Listed, &c.Request, &siteName}, func() error {
			if r.stored == nil {
				r.stored, r.siteNames = make([]xmppd.Contact, 0, usualContacts), make([]string, 0, usualContacts)
			}
			r.stored, r.siteNames = append(r.stored, c), append(r.siteNames, siteName)
			c = xmppd.Contact{} // its slices are the list's now
			return nil
		})
		return err
	})
	switch s.mode {
	case RosterGroups:
		ask.Queue(suppliedByGroups, user, s.domain, s.rosterMax, maxTalks).Query(func(rows pgx.Rows) error {
			var m member
			_, err := pgx.ForEachRow(rows, []any{&m.username, &m.name}, func() error { r.supplied = append(r.supplied, m); return nil })
			return err
		})
	case RosterEveryone:
		ask.Queue(suppliedToAll, user, s.domain, s.rosterMax, maxTalks).Query(func(rows pgx.Rows) error {
			var m member
			_, err := pgx.ForEachRow(rows, []any{&r.complete, &m.username, &m.name}, func() error {
				if m.username != "" {
					r.supplied = append(r.supplied, m)
				}
				return nil
			})
			return err
		})
	}
	return r
}

// roster lays the sources together. It is called once: the result takes the place of
// what is stored.
func (r *rosterSources) roster() []xmppd.Contact {
	s := r.store
	stored := make(map[string]int, len(r.stored))
	if len(r.supplied) > 0 {
		for i, c := range r.stored {
			stored[c.JID] = i
		}
	}
	for i, c := range r.stored {
		if r.siteNames[i] != "" {
			r.stored[i] = siteContact(c, c.JID, r.siteNames[i], false)
		}
	}
	list := slices.Grow(r.stored, len(r.supplied))
	for _, m := range r.supplied {
		jid := m.username + "@" + s.domain
		if i, ok := stored[jid]; ok {
			list[i] = siteContact(list[i], jid, m.name, true)
		} else {
			list = append(list, siteContact(xmppd.Contact{}, jid, m.name, true))
		}
	}
	return list
}

// siteContact lays what the person said of a contact over what the site says.
// fixed: the site lists it.
func siteContact(own xmppd.Contact, jid, name string, fixed bool) xmppd.Contact {
	c := xmppd.Contact{
		JID: jid, Name: name, Groups: own.Groups, Subscription: xmppd.SubscriptionBoth,
		Listed: own.Listed || fixed, SharedBySite: true, SiteManaged: fixed,
	}
	if own.Name != "" {
		c.Name = own.Name
	}
	return c
}

// Contact implements xmppd.RosterStore.
func (s *chatStore) Contact(ctx context.Context, user, jid string) (xmppd.Contact, error) {
	c, err := s.contact(ctx, s.chat, user, jid)
	if err == nil && c.Subscription == "" {
		err = xmppd.ErrNotFound
	}
	return c, err
}

// ContactsOf implements xmppd.RosterStore.
func (s *chatStore) ContactsOf(ctx context.Context, jid string, users []string) (map[string]xmppd.Contact, error) {
	list, err := s.contactsOf(ctx, s.chat, jid, users)
	for user, c := range list {
		if c.Subscription == "" {
			delete(list, user)
		}
	}
	return list, err
}

// contact reads one; a contact that does not exist has no Subscription.
func (s *chatStore) contact(ctx context.Context, q querier, user, jid string) (xmppd.Contact, error) {
	list, err := s.contactsOf(ctx, q, jid, []string{user})
	return list[user], err
}

// contactsOf reads what each user has under a JID.
func (s *chatStore) contactsOf(ctx context.Context, q querier, jid string, users []string) (map[string]xmppd.Contact, error) {
	name, _, _ := strings.Cut(jid, "@")
	rows, err := q.Query(ctx, contactsByMode[s.mode], users, jid, name, s.domain, s.rosterMax)
	if err != nil {
		return nil, err
	}
	list := make(map[string]xmppd.Contact, len(users))
	c := xmppd.Contact{JID: jid}
	var user, siteName string
	var granted, listed bool
	_, err = pgx.ForEachRow(rows, []any{&user, &c.Name, &c.Groups, &c.Subscription, &c.Ask, &c.Approved, &c.Listed, &c.Request, &siteName, &granted, &listed}, func() error {
		list[user] = c
		if granted {
			list[user] = siteContact(c, jid, siteName, listed)
		}
		c = xmppd.Contact{JID: jid} // its slices are the list's now
		return nil
	})
	return list, err
}

// GroupPeers implements xmppd.RosterStore.
func (s *chatStore) GroupPeers(ctx context.Context, user string) ([]string, error) {
	if s.mode == RosterNone {
		return nil, nil
	}
	rows, err := s.chat.Query(ctx, "SELECT DISTINCT username FROM ("+groupPeers+strings.ReplaceAll(smallGroup, "$3", "$2")+") mates", user, s.rosterMax)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
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
		if c, err = s.contact(ctx, tx, user, jid); err != nil {
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
	if c.SharedBySite || subscription == "" {
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
