package main

import (
	"context"
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

// Words that are looked for: in half of the messages, in one of a hundred, in
// one of fifty thousand, and in none.
var searchedWords = []string{"half", "hundredth", "seldom", "nowhere"}

// fill fills the database. One account must be there: the others get its
// password.
func (w site) fill(ctx context.Context, z size) error {
	conn, err := pgx.Connect(ctx, w.pg.URL(w.database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT indexdef FROM pg_indexes WHERE tablename = 'archive' AND indexname <> 'archive_pkey'")
	if err != nil {
		return err
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	// Indexes are made afterwards: that takes a tenth of the time.
	statements := append(fillStatements(z), indexes...)
	statements = append(statements, "VACUUM ANALYZE", "ALTER SYSTEM RESET max_wal_size", "SELECT pg_reload_conf()", "CHECKPOINT")
	for _, q := range statements {
		if _, err := conn.Exec(ctx, q); err != nil {
			return fmt.Errorf("%.60s …: %w", q, err)
		}
	}
	return nil
}

func fillStatements(z size) []string {
	return []string{
		"SET synchronous_commit = off", "SET maintenance_work_mem = '1GB'",
		"ALTER SYSTEM SET max_wal_size = '8GB'", "SELECT pg_reload_conf()",
		`CREATE FUNCTION pg_temp.name_of(i bigint) RETURNS text LANGUAGE sql AS
			$$ SELECT 'u' || lpad(i::text, greatest(length(i::text), 4), '0') $$`,
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
		`DO $$ DECLARE i text; BEGIN
			FOR i IN SELECT indexname FROM pg_indexes WHERE tablename = 'archive' AND indexname <> 'archive_pkey' LOOP
				EXECUTE 'DROP INDEX ' || quote_ident(i);
			END LOOP;
		END $$`,
		"ALTER TABLE archive DROP CONSTRAINT archive_pkey",
		fillArchive(z),
		"ALTER TABLE archive ADD PRIMARY KEY (owner, id)",
		fmt.Sprintf(`INSERT INTO conversations (owner, peer, latest)
			SELECT DISTINCT ON (owner, peer) owner, peer, id FROM archive WHERE owner LIKE '%%@%s' ORDER BY owner, peer, id DESC`, domain),
	}
}

// fillArchive writes messages of eight words, as frequent as words are (Zipf), and
// the ones that are looked for. n counts within an archive.
func fillArchive(z size) string {
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
		FROM (SELECT i, owner, 'Message' || CASE n %% 2 WHEN 0 THEN ' half' ELSE '' END || CASE n %% 100 WHEN 0 THEN ' hundredth' ELSE '' END ||
				CASE n %% 50000 WHEN 7 THEN ' seldom' ELSE '' END%[2]s AS body
			FROM (SELECT i, CASE WHEN i %% %[3]d = 0 THEN '%[4]s@%[5]s' WHEN i %% %[6]d = 1 THEN 'u0000@%[1]s' ELSE pg_temp.name_of(i * 7919 %% %[7]d) || '@%[1]s' END AS owner,
					CASE WHEN i %% %[3]d = 0 THEN i / %[3]d WHEN i %% %[6]d = 1 THEN i / %[6]d ELSE i END AS n
				FROM generate_series(1, %[8]d::bigint) i) numbered) written`,
		domain, words, largeRoom, hall, mucDomain, largePerson, z.accounts, z.messages)
}
