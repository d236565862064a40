package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"foyer/internal/pgdev"
)

// The page step: what people wait for, and what their browsers fetch, in a Chromium. It
// runs only when it is asked for: -steps page.

// The page step's part of the file begins with this line.
const pageTitle = "## Pages"

// How much there is on its site.
const (
	pageAccounts = 5002
	pageMessages = 10_000 // in one conversation
)

// measurePages fills a site, starts the program on it, and lets bench/page.mjs look at it.
func (b *bench) measurePages(ctx context.Context, pg *pgdev.Server, port int, dir, program string) error {
	w := site{dir: filepath.Join(dir, "page"), pg: pg, pgPort: port, database: "page", users: 1, content: fillPages}
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return err
	}
	if err := pg.CreateDatabase(ctx, w.database, ""); err != nil {
		return err
	}
	foyer, err := startFoyer(ctx, w, program)
	if err != nil {
		return err
	}
	defer foyer.stop()
	return b.look(ctx, foyer.web)
}

// look runs the browser's part.
func (b *bench) look(ctx context.Context, web string) error {
	cmd := exec.CommandContext(ctx, "node", "bench/page.mjs", web, password)
	cmd.Stderr = b.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = b.readFacts(out)
	return errors.Join(err, cmd.Wait())
}

func (b *bench) readFacts(r io.Reader) error {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var f struct{ What, Reached, Goal string }
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return fmt.Errorf("bench/page.mjs said %q: %w", lines.Text(), err)
		}
		b.looks = append(b.looks, fact{f.What, f.Reached, f.Goal})
		fmt.Fprintf(b.log, "  %-50s %s\n", f.What, f.Reached)
	}
	return nil
}

// fillPages gives each of four people what is large for one: u0000 nothing, u0001 5,000
// conversations, u0002 one long conversation, u0003 a room of 5,000 members. u0004 was invited to
// a small room.
func fillPages(ctx context.Context, w site) error {
	accounts := fillAccounts(size{accounts: pageAccounts, online: 50})
	const message = `INSERT INTO archive (owner, id, peer, resource, outgoing, stanza_id, body, stanza)
		SELECT '%[1]s@%[2]s', (lpad(to_hex(1700000000000 + i * 60000), 12, '0') || '70008' || lpad(to_hex(i), 15, '%[4]d'))::uuid,
			peer || '@%[2]s', 'phone', false, 'm' || i, body,
			convert_to('<message xmlns="jabber:client" from="' || peer || '@%[2]s/phone" to="%[1]s@%[2]s" type="chat" id="m' || i || '"><body>' || body ||
				'</body><origin-id xmlns="urn:xmpp:sid:0" id="m' || i || '"/></message>', 'UTF8')
		FROM (SELECT i, %[3]s AS peer, 'Message ' || i || ', of a usual length, with some words in it' AS body FROM generate_series(1, %[5]d) i) written`
	statements := append([]string{nameOf}, accounts...)
	statements = append(statements,
		fmt.Sprintf(message, userName(1), domain, "pg_temp.name_of(i + 1)", 1, pageAccounts-2),
		fmt.Sprintf(message, userName(2), domain, "'u0000'", 2, pageMessages),
		fillConversations(size{}),
		"UPDATE rooms SET members_only = true, max_occupants = 10000 WHERE name = '"+hall+"'",
		"INSERT INTO room_affiliations (room, username, affiliation) SELECT '"+hall+"', username, 'member' FROM accounts ORDER BY username OFFSET 2 LIMIT 5000",
		"UPDATE rooms SET members_only = true, public = false WHERE name = 'room1'",
		"INSERT INTO room_affiliations (room, username, affiliation) VALUES ('room1', '"+userName(4)+"', 'member')",
		"ANALYZE",
	)
	return w.execSQL(ctx, statements...)
}

// pagesPart is what stands below its title.
func (b *bench) pagesPart() string {
	var f strings.Builder
	fmt.Fprintf(&f, `

Written by `+"`make bench ARGS=\"-steps page\"`"+` on %s: Chromium, server and database on the same %s.
Medians of 3. Slow 4G is 1.6 Mbit/s with 150 ms there and back. Seconds are somebody's who waits, and so the machine's other work
too; the main thread's work is in the same measure, slowed down as well. Bytes are those of the network, from a browser that was never here.

`, today(), b.machine)
	reportFacts(&f, b.looks)
	return f.String()
}
