package xmppd

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Message archive management (XEP-0313): what is sent when an archive is read.
// What is asked for is in mam_query.go, what gets into an archive in hints.go
// and archive_prefs.go, how it is written in archive.go.

const (
	nsMAMExtended = stanza.NSMAM + "#extended"
	nsFullText    = "urn:xmpp:fulltext:0"
)

// Bounds of a page: results when the client does not say, and bytes.
const (
	mamDefaultPage = 50
	mamPageBytes   = 1 << 20
)

// ArchiveFeatures is what an address with an archive advertises (XEP-0313 §7,
// XEP-0431 §2, S-58).
func ArchiveFeatures() []string {
	return []string{stanza.NSMAM, nsMAMExtended, nsFullText, stanza.NSRSM, stanza.NSSID, stanza.NSRetract, nsTombstones}
}

func mamHandlers() map[iqKey]iqHandler {
	query := stream.Name{Space: stanza.NSMAM, Local: "query"}
	metadata := stream.Name{Space: stanza.NSMAM, Local: "metadata"}
	prefs := stream.Name{Space: stanza.NSMAM, Local: "prefs"}
	forbidden := func(context.Context, *session, *stream.Element, stream.Child) ([]byte, error) {
		return nil, stanza.ErrForbidden // another's archive (XEP-0313 §8.1, S-58)
	}
	return map[iqKey]iqHandler{
		{toSelf, "set", query}:       handleArchiveQuery,
		{toSelf, "get", query}:       handleArchiveForm,
		{toSelf, "get", metadata}:    handleArchiveMetadata,
		{toSelf, "get", prefs}:       handleArchivePrefs,
		{toSelf, "set", prefs}:       handleSetArchivePrefs,
		{toAccount, "set", query}:    forbidden,
		{toAccount, "get", query}:    forbidden,
		{toAccount, "get", metadata}: forbidden,
		{toAccount, "get", prefs}:    forbidden,
		{toAccount, "set", prefs}:    forbidden,
	}
}

// ArchiveForm is the payload that answers an IQ get: the form of a query.
func ArchiveForm() []byte { return []byte(mamForm) }

func handleArchiveForm(context.Context, *session, *stream.Element, stream.Child) ([]byte, error) {
	return ArchiveForm(), nil
}

// handleArchiveMetadata tells the bounds of the archive (XEP-0313 §5, S-61).
func handleArchiveMetadata(ctx context.Context, s *session, _ *stream.Element, _ stream.Child) ([]byte, error) {
	return s.server.ArchiveMetadata(ctx, s.bare)
}

// ArchiveMetadata is the payload that describes an archive (XEP-0313 §5).
func (srv *Server) ArchiveMetadata(ctx context.Context, owner string) ([]byte, error) {
	first, last, err := srv.stores.Archive.Bounds(ctx, owner)
	if errors.Is(err, ErrNotFound) {
		return []byte(`<metadata xmlns="` + stanza.NSMAM + `"/>`), nil
	}
	if err != nil {
		return nil, err
	}
	dst := appendBound([]byte(`<metadata xmlns="`+stanza.NSMAM+`">`), "start", first)
	return append(appendBound(dst, "end", last), `</metadata>`...), nil
}

func appendBound(dst []byte, name string, e ArchiveEntry) []byte {
	dst = stanza.AppendAttr(append(append(dst, '<'), name...), "id", e.ID.String())
	return append(stanza.AppendAttr(dst, "timestamp", e.Time().Format(stanza.StampFormat)), "/>"...)
}

// handleArchiveQuery answers a query of one's own archive.
func handleArchiveQuery(ctx context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	return s.server.QueryArchive(ctx, s, s.bare, query, nil)
}

// QueryArchive answers a client's query of an archive that it may read: the
// results, oldest first, are delivered; the page's description is returned, for
// the IQ result (XEP-0313 §4, S-59). view, if not nil, is what the client gets to
// see of an entry. Errors: a *stanza.Error for a query that is wrong, else the
// store's.
func (srv *Server) QueryArchive(ctx context.Context, c Client, owner string, query stream.Child, view func(ArchiveEntry) []byte) ([]byte, error) {
	q, err := srv.parseArchiveQuery(owner, query)
	if err != nil {
		return nil, err
	}
	page, err := srv.stores.Archive.Query(ctx, q.ArchiveQuery)
	if errors.Is(err, ErrNotFound) {
		return nil, stanza.ErrItemNotFound
	}
	if err != nil {
		return nil, err
	}
	results := archiveResults(owner, c.JID(), q.id, page.Entries, view)
	if q.flip {
		// Only the order of transmission changes (XEP-0313 §4.3.2, S-62).
		slices.Reverse(results)
	}
	for _, r := range results {
		if err := c.Ready(ctx); err != nil {
			return nil, err
		}
		c.Deliver(r)
	}
	return archiveFin(page), nil
}

// What a result has besides the stanza and what is the same for the whole page.
const resultOverhead = len(`">`) + 36 + len(stanza.StampFormat) + len(resultMiddle) + len(resultStart) + len(resultEnd)

const (
	resultMiddle = `"><forwarded xmlns="` + stanza.NSForward + `"><delay xmlns="` + stanza.NSDelay + `" stamp="`
	resultStart  = `"/>`
	resultEnd    = `</forwarded></result></message>`
)

// archiveResults builds the results of a page (XEP-0313 §4.2), all in one
// buffer.
func archiveResults(owner, to, queryID string, entries []ArchiveEntry, view func(ArchiveEntry) []byte) [][]byte {
	head := stanza.AppendAttr(stanza.AppendAttr([]byte(`<message xmlns="jabber:client"`), "from", owner), "to", to)
	head = append(stanza.AppendAttr(append(head, `><result xmlns="`+stanza.NSMAM+`"`...), "queryid", queryID), ` id="`...)
	size := 0
	stanzas := make([][]byte, len(entries))
	for i, e := range entries {
		stanzas[i] = e.Stanza
		if view != nil {
			stanzas[i] = view(e)
		}
		size += len(head) + len(stanzas[i]) + resultOverhead
	}
	buf := make([]byte, 0, size)
	results := make([][]byte, len(entries))
	for i, e := range entries {
		start := len(buf)
		buf = appendID(append(buf, head...), e.ID)
		buf = e.Time().AppendFormat(append(buf, resultMiddle...), stanza.StampFormat)
		buf = append(append(append(buf, resultStart...), stanzas[i]...), resultEnd...)
		results[i] = buf[start:len(buf):len(buf)]
	}
	return results
}

// appendID appends the id as text (RFC 9562 §4).
func appendID(dst []byte, id uuid.UUID) []byte {
	dst = append(hex.AppendEncode(dst, id[:4]), '-')
	dst = append(hex.AppendEncode(dst, id[4:6]), '-')
	dst = append(hex.AppendEncode(dst, id[6:8]), '-')
	dst = append(hex.AppendEncode(dst, id[8:10]), '-')
	return hex.AppendEncode(dst, id[10:])
}

// archiveFin describes the page (XEP-0313 §4.3.2).
func archiveFin(page ArchivePage) []byte {
	dst := []byte(`<fin xmlns="` + stanza.NSMAM + `"`)
	if page.Complete {
		dst = append(dst, ` complete="true"`...)
	}
	var first, last string
	if n := len(page.Entries); n > 0 {
		first, last = page.Entries[0].ID.String(), page.Entries[n-1].ID.String()
	}
	count := -1
	if page.Counted && first == "" { // beside entries there would have to be an index (XEP-0059 §2.6)
		count = page.Count
	}
	return append(stanza.AppendResultSet(append(dst, '>'), first, last, 0, count), "</fin>"...)
}

// Time is when the message was archived, from the id (RFC 9562 §5.7).
func (e ArchiveEntry) Time() time.Time {
	sec, nsec := e.ID.Time().UnixTime()
	return time.Unix(sec, nsec).UTC()
}
