package models

import (
	"context"
	"errors"
	"time"

	"foyer/xmppd/pep"

	"github.com/jackc/pgx/v5"
)

// Notifications are what people want to be told of, and the subscriptions to web push
// that tell them.
type Notifications struct{ *core }

// PushSubscription is where one browser is reached while no page is open (RFC 8030 §4).
type PushSubscription struct {
	SessionID string // with which it ends
	AccountID int64
	Endpoint  string
	P256DH    []byte // the browser's public key, 65 bytes (RFC 8291 §3.1)
	Auth      []byte // 16 bytes (§3.2)
}

// SavePushSubscription keeps a session's subscription, in the place of one that it had, and
// of one that the same browser had in another session. ErrNotFound: the session has ended.
func (db *Notifications) SavePushSubscription(ctx context.Context, p PushSubscription) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		// Only the browser knows both: nobody can take another's away.
		if _, err := tx.Exec(ctx, "DELETE FROM push_subscriptions WHERE endpoint = $1 AND auth = $2 AND session_id <> $3", p.Endpoint, p.Auth, p.SessionID); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `INSERT INTO push_subscriptions (session_id, account_id, endpoint, p256dh, auth)
			SELECT id, account_id, $3, $4, $5 FROM sessions WHERE id = $1 AND account_id = $2 AND expires_at > now() FOR SHARE
			ON CONFLICT (session_id) DO UPDATE SET endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth`,
			p.SessionID, p.AccountID, p.Endpoint, p.P256DH, p.Auth)
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrNotFound
		}
		return err
	})
}

// RemovePushSubscription forgets where a session's browser is reached; endpoint, if not
// empty, only if it is still that one.
func (db *Notifications) RemovePushSubscription(ctx context.Context, sessionID, endpoint string) error {
	_, err := db.pool.Exec(ctx, "DELETE FROM push_subscriptions WHERE session_id = $1 AND ($2 = '' OR endpoint = $2)", sessionID, endpoint)
	return err
}

// HasPushSubscription reports whether a session's browser is reached.
func (db *Notifications) HasPushSubscription(ctx context.Context, sessionID string) (bool, error) {
	var has bool
	err := db.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM push_subscriptions WHERE session_id = $1)", sessionID).Scan(&has)
	return has, err
}

// WantsPush reports whether a browser of somebody's is reached while no page is open.
func (db *Notifications) WantsPush(ctx context.Context, user string) (bool, error) {
	var wants bool
	err := db.chat.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM accounts a JOIN push_subscriptions p ON p.account_id = a.id
		JOIN sessions s ON s.id = p.session_id AND s.expires_at > now() WHERE a.username = $1 AND a.blocked_at IS NULL)`, user).Scan(&wants)
	return wants, err
}

// SubscribedToPush returns the user names of all who have a subscription.
func (db *Notifications) SubscribedToPush(ctx context.Context) ([]string, error) {
	rows, err := db.chat.Query(ctx, "SELECT DISTINCT a.username FROM push_subscriptions p JOIN accounts a ON a.id = p.account_id")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// PushAudience is where and how one person is told of a message.
type PushAudience struct {
	Name          string // of the account, as people see it
	Subscriptions []PushSubscription
	Settings      NotificationSettings
	Level         NotificationLevel // of the conversation; empty: the default
	Out           bool              // they may not read what is said in the room, any more, or block who says it there
}

// pushAudiences begins with those who are asked for, and looks at each by itself, as pushRoom does.
const pushAudiences = `SELECT a.username, a.name, p.session_id::text, p.account_id, p.endpoint, p.p256dh, p.auth,
		coalesce(n.show_text, false), n.quiet_from, n.quiet_until, coalesce(n.zone, 'UTC'), coalesce(c.level, ''),
		$3 <> '' AND NOT EXISTS (SELECT 1 FROM rooms r LEFT JOIN room_affiliations m ON m.room = r.name AND m.username = a.username WHERE r.name = $3
			AND CASE coalesce(m.affiliation, 'none') WHEN 'none' THEN NOT r.members_only AND r.password = '' ELSE m.affiliation <> 'outcast' END)
		OR $3 <> '' AND b.username IS NOT NULL
	FROM unnest($1::text[]) u(username)
	CROSS JOIN LATERAL (SELECT id, username, name FROM accounts WHERE username = u.username AND blocked_at IS NULL LIMIT 1) a
	CROSS JOIN LATERAL (SELECT * FROM push_subscriptions WHERE account_id = a.id OFFSET 0) p
	CROSS JOIN LATERAL (SELECT FROM sessions WHERE id = p.session_id AND expires_at > now() LIMIT 1) s
	LEFT JOIN LATERAL (SELECT * FROM notification_settings WHERE account_id = a.id LIMIT 1) n ON true
	LEFT JOIN LATERAL (SELECT level FROM conversation_settings WHERE account_id = a.id AND jid = $2 LIMIT 1) c ON true
	LEFT JOIN LATERAL (SELECT username FROM blocks WHERE username = a.username AND jid IN ($4, $2, split_part($2, '@', 2)) LIMIT 1) b ON true`

// PushAudiences returns where people are told of what is said in a conversation, by user name; if it is a room, room is its
// name, and occupant the address there of who says it. Those who are told nowhere are left out: without a subscription, once the account is blocked, or its sessions have
// ended.
func (db *Notifications) PushAudiences(ctx context.Context, users []string, conversation, room, occupant string) (map[string]PushAudience, error) {
	rows, err := db.chat.Query(ctx, pushAudiences, users, conversation, room, occupant)
	if err != nil {
		return nil, err
	}
	all := make(map[string]PushAudience, len(users))
	var user string
	var a PushAudience
	var p PushSubscription
	_, err = pgx.ForEachRow(rows, []any{&user, &a.Name, &p.SessionID, &p.AccountID, &p.Endpoint, &p.P256DH, &p.Auth,
		&a.Settings.ShowText, &a.Settings.QuietFrom, &a.Settings.QuietUntil, &a.Settings.Zone, &a.Level, &a.Out}, func() error {
		a.Subscriptions = append(all[user].Subscriptions, p)
		all[user] = a
		a, p = PushAudience{}, PushSubscription{} // what they lead to is the map's now
		return nil
	})
	return all, err
}

// PushRoom is a room as those see it who are told of what is said there.
type PushRoom struct {
	Title string
	Users []string // with a subscription, who belong to it, or have a bookmark of it and may read it
}

// pushRoom begins with those whom a room may concern, and looks at each by itself: however many others there are.
const pushRoom = `SELECT r.title, ARRAY(
		SELECT c.username FROM (
			SELECT m.username FROM room_affiliations m WHERE m.room = r.name AND m.affiliation IN ('owner', 'admin', 'member')
			UNION
			SELECT b.username FROM pubsub_items b WHERE NOT r.members_only AND r.password = '' AND b.node = '` + pep.NodeBookmarks + `' AND b.id = $2
				AND NOT EXISTS (SELECT 1 FROM room_affiliations o WHERE o.room = r.name AND o.username = b.username AND o.affiliation = 'outcast')
		) c
		CROSS JOIN LATERAL (SELECT id FROM accounts WHERE username = c.username AND blocked_at IS NULL LIMIT 1) a
		CROSS JOIN LATERAL (SELECT 1 FROM push_subscriptions WHERE account_id = a.id LIMIT 1) reached)
	FROM rooms r WHERE r.name = $1`

// PushRoom returns whom to tell of what is said in a room, which both its name and its
// address give. ErrNotFound: there is none.
func (db *Notifications) PushRoom(ctx context.Context, name, jid string) (PushRoom, error) {
	var r PushRoom
	err := db.chat.QueryRow(ctx, pushRoom, name, jid).Scan(&r.Title, &r.Users)
	return r, translate(err)
}

// NotificationLevel says of which messages of a conversation somebody is told.
type NotificationLevel string

// The levels.
const (
	NotifyAll      NotificationLevel = "all"
	NotifyMentions NotificationLevel = "mentions" // in rooms: with one's name in it
	NotifyNone     NotificationLevel = "none"
)

// Valid reports whether there is such a level.
func (l NotificationLevel) Valid() bool {
	return l == NotifyAll || l == NotifyMentions || l == NotifyNone
}

// InBookmarks is the level as bookmarks of rooms have it (XEP-0492).
func (l NotificationLevel) InBookmarks() pep.Level {
	switch l {
	case NotifyAll:
		return pep.LevelAlways
	case NotifyNone:
		return pep.LevelNever
	}
	return pep.LevelOnMention // which is also the default of rooms
}

func levelOf(l pep.Level) NotificationLevel {
	switch l {
	case pep.LevelAlways:
		return NotifyAll
	case pep.LevelOnMention:
		return NotifyMentions
	case pep.LevelNever:
		return NotifyNone
	}
	return ""
}

// NotificationSettings are how somebody wants to be told of messages.
type NotificationSettings struct {
	ShowText              bool   // say what was written, and not only who wrote
	Sound                 bool   // of an open page
	QuietFrom, QuietUntil *int16 // minutes of the day in Zone, from and up to; nil: never quiet
	Zone                  string // as in the time zone database
}

func defaultNotifications() NotificationSettings { return NotificationSettings{Zone: "UTC"} }

// Quiet reports whether it is the person's quiet time.
func (n NotificationSettings) Quiet(now time.Time) bool {
	if n.QuietFrom == nil || n.QuietUntil == nil || *n.QuietFrom == *n.QuietUntil {
		return false
	}
	zone, err := time.LoadLocation(n.Zone)
	if err != nil {
		zone = time.UTC
	}
	now = now.In(zone)
	minute := int16(now.Hour()*60 + now.Minute())
	if *n.QuietFrom < *n.QuietUntil {
		return minute >= *n.QuietFrom && minute < *n.QuietUntil
	}
	return minute >= *n.QuietFrom || minute < *n.QuietUntil // over midnight
}

// NotificationSettings returns an account's, or those of people who never chose.
func (db *Notifications) NotificationSettings(ctx context.Context, accountID int64) (NotificationSettings, error) {
	n := defaultNotifications()
	err := db.pool.QueryRow(ctx, "SELECT show_text, sound, quiet_from, quiet_until, zone FROM notification_settings WHERE account_id = $1", accountID).
		Scan(&n.ShowText, &n.Sound, &n.QuietFrom, &n.QuietUntil, &n.Zone)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return n, err
}

// SetNotificationSettings keeps an account's.
func (db *Notifications) SetNotificationSettings(ctx context.Context, accountID int64, n NotificationSettings) error {
	_, err := db.pool.Exec(ctx, `INSERT INTO notification_settings (account_id, show_text, sound, quiet_from, quiet_until, zone) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account_id) DO UPDATE SET show_text = excluded.show_text, sound = excluded.sound,
			quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until, zone = excluded.zone`,
		accountID, n.ShowText, n.Sound, n.QuietFrom, n.QuietUntil, n.Zone)
	return err
}

// ConversationSettings are what somebody chose for one conversation.
type ConversationSettings struct {
	JID    string            `json:"jid"`
	Pinned bool              `json:"pinned"`
	Level  NotificationLevel `json:"level"` // empty: the default
}

// maxConversationSettings is for how many conversations one account may choose, and
// maxConversationBytes how long their addresses may be together: pages ask for all of them.
const (
	maxConversationSettings = 5000
	maxConversationBytes    = 256 << 10
)

// ConversationSettings returns all that an account chose.
func (db *Notifications) ConversationSettings(ctx context.Context, accountID int64) ([]ConversationSettings, error) {
	rows, err := db.pool.Query(ctx, "SELECT jid, pinned, coalesce(level, '') FROM conversation_settings WHERE account_id = $1 ORDER BY jid", accountID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ConversationSettings])
}

// SetConversationSettings keeps what an account chose for a conversation; nil leaves one of
// the two as it is. ErrTooMany: it is as many as may be, or their addresses are too long together.
func (db *Notifications) SetConversationSettings(ctx context.Context, accountID int64, jid string, pinned *bool, level *NotificationLevel) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error { return setConversation(ctx, tx, accountID, jid, pinned, level) })
}

// setConversation locks the account, so that what its clients choose at once cannot pass the bounds together.
func setConversation(ctx context.Context, tx pgx.Tx, accountID int64, jid string, pinned *bool, level *NotificationLevel) error {
	if _, err := tx.Exec(ctx, "SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE", accountID); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `INSERT INTO conversation_settings AS c (account_id, jid, pinned, level)
		SELECT $1, $2, coalesce($3, false), nullif($4, '')
			WHERE (SELECT count(*) < $5 AND coalesce(sum(octet_length(jid)), 0) + octet_length($2) <= $6 FROM conversation_settings WHERE account_id = $1)
				OR EXISTS (SELECT 1 FROM conversation_settings WHERE account_id = $1 AND jid = $2)
		ON CONFLICT (account_id, jid) DO UPDATE SET pinned = coalesce($3, c.pinned),
			level = CASE WHEN $4::text IS NULL THEN c.level ELSE nullif($4, '') END`, accountID, jid, pinned, level, maxConversationSettings, maxConversationBytes)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrTooMany
	}
	return err
}
