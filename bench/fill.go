package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A large site, made with SQL: what people and rooms would leave behind in years.

// size is how large the site of the scale step is.
type size struct {
	accounts, messages int
	online             int // people with a session
	arriving           int // people who sign in within arrival
}

// The two large archives: a person's and a room's. Every twentieth message is in
// the one, every tenth in the other.
const (
	largePerson = 20
	largeRoom   = 10
	hall        = "hall"
)

// Words that are looked for: in half of the messages, in one of a hundred, in one of
// fifty thousand, in one of a thousand but only of the older half, in half of what
// everybody else has, and in none.
var searchedWords = []string{"half", "hundredth", "seldom", "formerly", "elsewhere", "nowhere"}

// How words begin that are looked for while they are typed: those above, and hundreds of
// words each of which is somewhere.
var searchedBeginnings = []string{"hal", "seldo", "formerl", "nowher", "w49", "w4"}

// fill fills the database. One account must be there: the others get its
// password.
func (w site) fill(ctx context.Context, z size) error {
	var indexes []string
	err := w.withConn(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "SELECT indexdef FROM pg_indexes WHERE tablename = 'archive' AND indexname <> 'archive_pkey'")
		if err == nil {
			indexes, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	})
	if err != nil {
		return err
	}
	// Indexes are made afterwards: that takes a tenth of the time.
	indexes = append(indexes, "ALTER TABLE archive ADD PRIMARY KEY (owner, id)")
	half := z.messages / 2
	for _, parts := range [][][]string{
		{{"ALTER SYSTEM SET max_wal_size = '16GB'", "SELECT pg_reload_conf()"}, {dropIndexes}},
		{{fillArchive(z, 1, half)}, {fillArchive(z, half+1, z.messages)}},
		{indexes, fillAccounts(z)},
		{{fillConversations(z)}, {"VACUUM ANALYZE"}, {"ALTER SYSTEM RESET max_wal_size", "SELECT pg_reload_conf()", "CHECKPOINT"}},
	} {
		if err := w.execAll(ctx, parts); err != nil {
			return err
		}
	}
	return nil
}

// execAll runs rows of statements, all rows at the same time.
func (w site) execAll(ctx context.Context, parts [][]string) error {
	errs := make(chan error, len(parts))
	for _, statements := range parts {
		go func() {
			errs <- w.execSQL(ctx, append([]string{"SET synchronous_commit = off", "SET maintenance_work_mem = '512MB'", nameOf}, statements...)...)
		}()
	}
	var err error
	for range parts {
		err = errors.Join(err, <-errs)
	}
	return err
}

// nameOf is userName, of one connection.
const nameOf = `CREATE FUNCTION pg_temp.name_of(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$ SELECT 'u' || CASE WHEN i < 10000 THEN lpad(i::text, 4, '0') ELSE i::text END $$`

const dropIndexes = `DO $$ DECLARE i text; BEGIN
	FOR i IN SELECT indexname FROM pg_indexes WHERE tablename = 'archive' AND indexname <> 'archive_pkey' LOOP
		EXECUTE 'DROP INDEX ' || quote_ident(i);
	END LOOP;
	ALTER TABLE archive DROP CONSTRAINT archive_pkey;
END $$`

func fillAccounts(z size) []string {
	return []string{
		fmt.Sprintf(`INSERT INTO accounts (username, name, password_hash)
			SELECT pg_temp.name_of(i), (ARRAY['Ada','Bo','Cleo','Dan','Eva','Finn','Gita','Hugo','Ida','Jon'])[1 + i %% 10] || ' ' ||
				(ARRAY['Archer','Baker','Carter','Dyer','Fisher','Glover','Mason','Miller','Potter','Smith','Taylor'])[1 + i / 10 %% 11] || ' ' || i, password_hash
			FROM accounts, generate_series(1, %d) i WHERE username = 'u0000'`, z.accounts-1),
		// Each has those next to them as contacts.
		fmt.Sprintf(`INSERT INTO contacts (username, jid, subscription)
			SELECT pg_temp.name_of(i), pg_temp.name_of(i + d) || '@%s', 'both' FROM generate_series(0, %d) i, generate_series(-10, 10) d
			WHERE d <> 0 AND i + d BETWEEN 0 AND %d`, domain, z.online+z.arriving, z.accounts-1),
		`INSERT INTO rooms (name, title, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
			SELECT CASE i WHEN 0 THEN '` + hall + `' ELSE 'room' || i END, 'Room ' || i, true, true, false, false, true, false, true, 'anyone', true, 500
			FROM generate_series(0, 999) i`,
	}
}

// fillConversations notes who talks with whom, as the messages are.
func fillConversations(z size) string {
	return fmt.Sprintf(`INSERT INTO conversations (owner, peer, latest)
		SELECT DISTINCT ON (owner, peer) owner, peer, id FROM archive WHERE owner LIKE '%%@%s' ORDER BY owner, peer, id DESC`, domain)
}

// fillArchive writes messages of eight words, as frequent as words are (Zipf), and
// the ones that are looked for, from one number to another. n counts within an
// archive.
func fillArchive(z size, from, to int) string {
	const word = ` || ' w' || floor(50000 ^ random())::int`
	words := ""
	for range 8 {
		words += word
	}
	return fmt.Sprintf(`INSERT INTO archive (owner, id, peer, resource, outgoing, stanza_id, body, stanza)
		SELECT owner, (lpad(to_hex(1600000000000 + i * 15), 12, '0') || '70008' || lpad(to_hex(i), 15, '0'))::uuid,
			pg_temp.name_of(i %% 50) || '@%[1]s', 'phone', i %% 2 = 0, 'm' || i, body,
			convert_to('<message xmlns="jabber:client" from="' || pg_temp.name_of(i %% 50) || '@%[1]s/phone" to="' || owner || '" type="chat" id="m' || i || '"><body>' || body ||
				'</body><origin-id xmlns="urn:xmpp:sid:0" id="m' || i || '"/></message>', 'UTF8')
		FROM (SELECT i, CASE large WHEN 2 THEN '%[2]s@%[3]s' WHEN 1 THEN 'u0000@%[1]s' ELSE pg_temp.name_of(i * 7919 %% %[4]d) || '@%[1]s' END AS owner,
				'Message' || CASE n %% 2 WHEN 0 THEN ' half' ELSE '' END || CASE n %% 100 WHEN 0 THEN ' hundredth' ELSE '' END ||
				CASE n %% 50000 WHEN 7 THEN ' seldom' ELSE '' END || CASE WHEN i < %[5]d AND n %% 1000 = 1 THEN ' formerly' ELSE '' END ||
				CASE WHEN large = 0 AND n %% 2 = 0 THEN ' elsewhere' ELSE '' END%[6]s AS body
			FROM (SELECT i, large, CASE large WHEN 2 THEN i / %[7]d WHEN 1 THEN i / %[8]d ELSE i END AS n
				FROM (SELECT i, CASE WHEN i %% %[7]d = 0 THEN 2 WHEN i %% %[8]d = 1 THEN 1 ELSE 0 END AS large
					FROM generate_series(%[9]d::bigint, %[10]d) i) kinds) numbered) written`,
		domain, hall, mucDomain, z.accounts, z.messages/2, words, largeRoom, largePerson, from, to)
}
