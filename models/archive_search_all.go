package models

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"foyer/internal/stanza"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// Search over many archives at once, the newest messages first: somebody's own, and
// those of the rooms they belong to. It has the steps of a search in one archive
// (archive_search.go), each for all archives in one statement:
//
//   - the latest messages, which are in no segment, of each archive;
//   - segments, in the order of their ends, whatever archive they are of. What is later
//     than the end of the last one looked into is complete.
//
// So 200 archives cost as many round trips as one, and a look into each segment.

const (
	maxSegmentsOfAll = 1024
	maxPending       = 1 << 15 // messages that wait to be looked at; older ones are found again
)

// ArchivesQuery selects from several archives. Zero fields do not limit.
type ArchivesQuery struct {
	Owners     []string // bare JIDs, of archives that the one who asks may read
	With       string   // bare JID of the other side
	Text       string   // words that a message must have, as people type them
	Typing     bool     // Text's last word may be how one begins
	Files      string   // only messages that are a file kept at this host, and Text's words are in its name
	By         Author   // Text and Files may be empty with one: then it is everything that they said and anybody can read
	Start, End time.Time
	After      uuid.UUID // only newer ones
	Before     uuid.UUID // only older ones
	Max        int
}

// Author is who wrote a message. The zero Author does not limit.
type Author struct {
	Account string   // bare JID
	Name    string   // the name that they have in rooms
	Masked  []string // of the owners, those in which the name counts and the account does not: rooms that do not say whose a name is
}

func (a Author) isAnybody() bool { return a.Account == "" && a.Name == "" }

// isOf is the condition that a message, one, is an author's. What went out of the archive of a member to another is the
// member's; what went out of a room's is that of whom it is with (xmppd/muc), as is all that came in.
func (f *filter) isOf(a Author) {
	account := "CASE WHEN outgoing AND split_part(one.owner, '@', 2) = split_part(peer, '@', 2) THEN one.owner ELSE peer END = " + f.arg(a.Account) + "::text"
	if len(a.Masked) > 0 {
		account = "CASE WHEN one.owner = ANY (" + f.arg(a.Masked) + "::text[]) THEN resource = " + f.arg(a.Name) + "::text ELSE " + account + " END"
	}
	f.where = append(f.where, account)
}

// formula is what the sets know of an author, in the archives of some owners.
func (a Author) formula(owners []string) *wordNode {
	var ways []*wordNode
	if a.Account != "" && len(a.Masked) < len(owners) {
		ways = append(ways, all([]*wordNode{{op: 'w', word: indexedWord("@" + a.Account)}, {op: '!', word: ">"}}))
		if slices.Contains(owners, a.Account) {
			ways = []*wordNode{{op: 'w', word: indexedWord("@" + a.Account)}, {op: 'w', word: ">"}}
		}
	}
	if len(a.Masked) > 0 && a.Name != "" {
		ways = append(ways, &wordNode{op: 'w', word: indexedWord(">" + a.Name)})
	}
	return anyOf(ways)
}

// ArchivesPage is what was found, the newest first.
type ArchivesPage struct {
	Entries []archive.Entry
	Next    uuid.UUID // what comes after this page is before this id; zero: nothing does
	Late    bool      // ctx ended before the page was full; Next goes on from there
}

// searchOfAll is one search over many archives. It belongs to one goroutine.
type searchOfAll struct {
	q       ArchivesQuery
	tx      pgx.Tx
	tsquery string // the words, as the database writes them
	formula *wordNode
	musts   []string // words, or how they begin, that every message has

	found   []archive.Entry // that match
	sure    int64           // what matches and is later is found; the first half of an id
	pending []mayMatch
}

// mayMatch is a message that may match, by its archive and the first half of its id.
type mayMatch struct {
	owner string
	id    int64
}

// SearchArchives finds the newest messages of several archives. When ctx ends by its
// deadline, what was found up to then is the page.
func (db *Conversations) SearchArchives(ctx context.Context, q ArchivesQuery) (ArchivesPage, error) {
	if q.Before == uuid.Nil {
		q.Before = uuid.Max
	}
	tx, err := db.searches.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ArchivesPage{Next: q.Before, Late: true}, nil
	}
	if err != nil {
		return ArchivesPage{}, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	s := &searchOfAll{q: q, tx: tx, sure: half(uuid.Max)}
	err = s.run(ctx)
	late := err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded)
	if err != nil && !late {
		return ArchivesPage{}, err
	}
	return s.page(late), nil
}

// run finds messages until the page is full.
func (s *searchOfAll) run(ctx context.Context) error {
	if ok, err := s.parse(ctx); !ok || err != nil {
		return err
	}
	if err := s.latest(ctx); err != nil {
		return err
	}
	for end := s.end(); ; {
		rest, err := s.indexed(ctx, end)
		if err != nil || rest == 0 || s.full() {
			return err
		}
		end = fromHalves(rest, ^uint64(0))
	}
}

// wordsOfHost are the words that all addresses of files at the host $1 have, however the
// database takes addresses apart.
const wordsOfHost = `SELECT coalesce(string_agg(quote_literal(word), ' & '), '') FROM (
	SELECT unnest(tsvector_to_array(to_tsvector('simple', 'https://' || $1::text || '/upload/ab12/c.jpg'))) INTERSECT
	SELECT unnest(tsvector_to_array(to_tsvector('simple', 'https://' || $1::text || '/upload/34cd/e.png')))) w (word)`

// parse reads the words. What no set could tell, such as "-word" alone, finds nothing.
func (s *searchOfAll) parse(ctx context.Context) (ok bool, err error) {
	var words string
	sql, text := "SELECT websearch_to_tsquery('simple', $1)::text", s.q.Text
	if s.q.Files != "" {
		sql, text = wordsOfHost, s.q.Files
	}
	s.formula = everyMessage()
	if text == "" && !s.q.By.isAnybody() {
		s.limit()
		return s.formula.op != '*', nil
	}
	if err := s.tx.QueryRow(ctx, sql, text).Scan(&words); err != nil || words == "" {
		return false, err
	}
	if s.q.Typing && s.q.Files == "" {
		words = withBeginning(words, s.q.Text)
	}
	s.tsquery = words
	if s.formula, err = parseTSQuery(words); err != nil {
		return false, err
	}
	s.musts = s.formula.musts()
	s.limit()
	return s.formula.op != '*', nil
}

// limit adds what the sets know besides words.
func (s *searchOfAll) limit() {
	if !s.q.By.isAnybody() {
		s.formula = all([]*wordNode{s.formula, s.q.By.formula(s.q.Owners)})
	}
	if s.q.With != "" && s.formula.op != '*' {
		s.formula = all([]*wordNode{s.formula, {op: 'w', word: indexedWord("@" + s.q.With)}})
	}
}

// end is the last id that may be found.
func (s *searchOfAll) end() uuid.UUID {
	if !s.q.End.IsZero() && before(lastID(s.q.End), s.q.Before) {
		return lastID(s.q.End)
	}
	return s.q.Before
}

// latestVersion is the condition that a message, one, says what its author left it at: no
// correction (XEP-0308) of it, or later one of the same message, came after it.
const latestVersion = `NOT EXISTS (SELECT 1 FROM archive x WHERE x.owner = one.owner AND x.replaces = coalesce(one.replaces, nullif(one.stanza_id, ''))
		AND x.id > one.id AND x.peer = one.peer AND x.outgoing = one.outgoing AND x.body <> '')`

// conditions is what each message, one, must have: retractions and what was edited since are
// nothing that somebody says. Looking for the words as letters costs
// little, and spares most messages from being taken apart.
func (s *searchOfAll) conditions(f *filter) string {
	f.where = []string{latestVersion, "NOT " + isRetraction}
	f.selected(archive.Query{Start: s.q.Start, End: s.q.End})
	f.between(s.q.After, s.q.Before)
	if !s.q.By.isAnybody() {
		f.isOf(s.q.By)
	}
	if s.q.With != "" {
		f.add("peer = %s::text", s.q.With)
	}
	for _, word := range s.musts {
		f.add(`position(%s::text IN lower(body COLLATE "default")) > 0`, strings.TrimSuffix(word, anyEnd))
	}
	if s.q.Files != "" {
		f.add("body LIKE 'http%%://' || %s::text || '/upload/%%'", s.q.Files)
		f.where = append(f.where, `body !~ '\s'`)
		for _, word := range strings.Fields(s.q.Text) {
			f.add(`lower(substring(body FROM '/upload/[^/]+/(.*)$') COLLATE "default") ~ %s::text`, inFileName(word))
		}
		return strings.Join(f.where, " AND ")
	}
	if s.tsquery == "" { // with an author alone
		f.where = append(f.where, "body <> ''", "NOT "+isEncrypted)
		return strings.Join(f.where, " AND ")
	}
	f.where = append(f.where, wordsOfBody+" @@ "+f.arg(s.tsquery)+"::tsquery")
	return strings.Join(f.where, " AND ")
}

// isEncrypted is the condition that a message is one that only its devices can read: its text
// says no more than that.
const isEncrypted = `(position('<encrypted xmlns="` + stanza.NSOMEMO + `"'::bytea IN stanza) > 0 OR position('<encrypted xmlns="` + stanza.NSOldOMEMO + `"'::bytea IN stanza) > 0)`

// first is the first id that segments are looked into for.
func (s *searchOfAll) first() uuid.UUID {
	if s.q.Start.IsZero() {
		return s.q.After
	}
	return later(s.q.After, firstID(s.q.Start))
}

// inFileName is a regular expression for a word in the last part of a file's address, in small letters. Letters that are
// escaped there are looked for in either case, and composed or not; what begins within an escape is no word.
func inFileName(word string) string {
	var ways []string
	for _, w := range []string{word, strings.ToLower(word), strings.ToUpper(word), firstUpper(word)} {
		for _, form := range []norm.Form{norm.NFC, norm.NFD} {
			ways = append(ways, regexp.QuoteMeta(strings.ToLower(EscapedFileName(form.String(w)))))
		}
	}
	slices.Sort(ways)
	return "(?<!%)(?<!%[0-9a-f])(" + strings.Join(slices.Compact(ways), "|") + ")"
}

func firstUpper(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + strings.ToLower(s[n:])
}

const archivesColumns = "owner, " + archiveColumns + ", body"

// latestOfAllSQL finds messages that are in no segment.
func (s *searchOfAll) latestOfAllSQL() (string, []any) {
	f := &filter{}
	owners, conditions := f.arg(s.q.Owners), s.conditions(f)
	return fmt.Sprintf(`SELECT %s FROM unnest(%s::text[]) o (of), LATERAL (SELECT * FROM archive one
			WHERE owner = o.of COLLATE "C" AND id > %s AND %s ORDER BY owner DESC, id DESC LIMIT %[5]d) m
		ORDER BY id DESC LIMIT %[5]d`, archivesColumns, owners, strings.ReplaceAll(latestSegment, "$1", `o.of COLLATE "C"`), conditions, s.q.Max+1), f.args
}

func (s *searchOfAll) latest(ctx context.Context) error {
	sql, args := s.latestOfAllSQL()
	return s.read(ctx, sql, args)
}

// read adds messages that match.
func (s *searchOfAll) read(ctx context.Context, sql string, args []any) error {
	rows, err := s.tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e archive.Entry, err error) {
		return e, row.Scan(&e.Owner, &e.ID, &e.With, &e.Resource, &e.Outgoing, &e.StanzaID, &e.Replaces, &e.Stanza, &e.Body)
	})
	if err != nil {
		return err
	}
	s.found = append(s.found, found...)
	slices.SortFunc(s.found, func(a, b archive.Entry) int { return slices.Compare(b.ID[:], a.ID[:]) })
	return nil
}

// full reports whether there is more than the page takes.
func (s *searchOfAll) full() bool { return s.complete() > s.q.Max }

// complete counts the messages that nothing else can come between.
func (s *searchOfAll) complete() int {
	n, _ := slices.BinarySearchFunc(s.found, s.sure, func(e archive.Entry, sure int64) int { return cmp.Compare(sure, half(e.ID)) })
	return n
}

// page is what was found. A message with its archive's next, in the same millisecond and
// beyond, is on the next page.
func (s *searchOfAll) page(late bool) ArchivesPage {
	if late {
		s.found = s.found[:s.complete()]
	}
	page := ArchivesPage{Entries: s.found, Late: late}
	if len(s.found) > s.q.Max {
		page.Entries = s.found[:s.q.Max]
		page.Next, page.Late = page.Entries[s.q.Max-1].ID, false
	} else if late {
		page.Next = fromHalves(s.sure, ^uint64(0))
		if before(s.q.Before, page.Next) {
			page.Next = s.q.Before
		}
	}
	return page
}

// segmentEnd is how far the segments were looked into.
type segmentEnd struct {
	last  uuid.UUID
	owner string
}

// indexed finds what the segments have up to an id, until the page is full. Where too
// much waits it returns the half of the id that the next round begins with; else 0.
func (s *searchOfAll) indexed(ctx context.Context, end uuid.UUID) (rest int64, err error) {
	at := segmentEnd{last: uuid.Max}
	s.pending = nil
	for n := firstSegments; !s.full(); n = min(4*n, maxSegmentsOfAll) {
		more, err := s.lookInto(ctx, &at, end, n)
		if err != nil {
			return 0, err
		}
		rest = max(rest, s.prune())
		sure := int64(0)
		if more {
			sure = half(at.last)
		}
		if err := s.pick(ctx, max(sure, rest)); err != nil {
			return 0, err
		}
		if !more || (rest > 0 && sure <= rest) {
			break
		}
	}
	return rest, nil
}

// segmentsOfAllSQL selects the next n segments of all archives, the latest first, with the
// sets of the words.
func (s *searchOfAll) segmentsOfAllSQL(at segmentEnd, end uuid.UUID, n int) (string, []any) {
	return fmt.Sprintf(setsOfSegments+` WHERE owner = ANY ($4) AND last >= $5 AND first <= $6 AND (last, owner) < ($7, $8 COLLATE "C")
			ORDER BY last DESC, owner DESC LIMIT %d`+ofWords+` ORDER BY s.last DESC, s.owner DESC`, n),
		append(s.formula.sets(), s.q.Owners, s.first(), end, at.last, at.owner)
}

// lookInto adds the messages of the next n segments that may match, and moves the end.
func (s *searchOfAll) lookInto(ctx context.Context, at *segmentEnd, end uuid.UUID, n int) (more bool, err error) {
	sql, args := s.segmentsOfAllSQL(*at, end, n)
	rows, err := s.tx.Query(ctx, sql, args...)
	if err != nil {
		return false, err
	}
	in := part{first: s.first(), end: end, back: true}
	segments := 0
	err = eachSegment(rows, func(seg segment, sets map[string][]int64) bool {
		for _, id := range in.of(s.formula.among(sets)) {
			s.pending = append(s.pending, mayMatch{seg.owner, id})
		}
		segments++
		*at = segmentEnd{seg.last, seg.owner}
		return len(s.pending) <= 2*maxPending
	})
	return segments == n || len(s.pending) > 2*maxPending, err
}

// prune keeps the latest of what waits, and returns the id of the latest that it does not.
func (s *searchOfAll) prune() int64 {
	slices.SortFunc(s.pending, func(a, b mayMatch) int { return cmp.Compare(b.id, a.id) })
	if len(s.pending) <= maxPending {
		return 0
	}
	rest := s.pending[maxPending].id
	s.pending = slices.DeleteFunc(s.pending[:maxPending], func(m mayMatch) bool { return m.id == rest })
	return rest
}

// pick reads what waits and is later than an id, a page at a time and then more, until the
// page is full.
func (s *searchOfAll) pick(ctx context.Context, sure int64) error {
	for n := s.q.Max + 2; !s.full(); n = min(4*n, maxCandidates) {
		some := s.pending[:min(n, len(s.pending))]
		if i := slices.IndexFunc(some, func(m mayMatch) bool { return m.id <= sure }); i >= 0 {
			some = some[:i]
		}
		if len(some) == 0 {
			s.sure = min(s.sure, sure)
			return nil
		}
		sql, args := s.pickOfAllSQL(some)
		if err := s.read(ctx, sql, args); err != nil {
			return err
		}
		s.sure = min(s.sure, some[len(some)-1].id)
		s.pending = s.pending[len(some):]
	}
	return nil
}

// pickOfAllSQL selects those of some messages that match.
func (s *searchOfAll) pickOfAllSQL(may []mayMatch) (string, []any) {
	owners, from, to := make([]string, len(may)), make([]uuid.UUID, len(may)), make([]uuid.UUID, len(may))
	for i, m := range may {
		owners[i], from[i], to[i] = m.owner, fromHalves(m.id, 0), fromHalves(m.id, ^uint64(0))
	}
	f := &filter{}
	which := fmt.Sprintf("unnest(%s::text[], %s::uuid[], %s::uuid[]) may (of, from_id, to_id)", f.arg(owners), f.arg(from), f.arg(to))
	return fmt.Sprintf(`SELECT %s FROM %s, LATERAL (SELECT * FROM archive WHERE owner = may.of COLLATE "C" AND id >= from_id AND id <= to_id OFFSET 0) one
		WHERE %s ORDER BY id DESC`, archivesColumns, which, s.conditions(f)), f.args
}
