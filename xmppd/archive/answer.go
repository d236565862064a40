package archive

import (
	"context"
	"errors"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// What is sent when an archive is read. What is asked for is in query.go.

const (
	nsMAMExtended = stanza.NSMAM + "#extended"
	nsFullText    = "urn:xmpp:fulltext:0"
)

// Limits of a page: results when the client does not say how many, and bytes.
const (
	defaultPage = 50
	pageBytes   = 1 << 20
)

// Features is what an address with an archive advertises (XEP-0313 §7,
// XEP-0431 §2, S-58).
func Features() []string {
	return []string{stanza.NSMAM, nsMAMExtended, nsFullText, stanza.NSRSM, stanza.NSSID, stanza.NSRetract, nsTombstones}
}

// Form is the payload that answers an IQ get: the form of a query.
func Form() []byte { return []byte(queryForm) }

// Metadata is the payload that describes an archive (XEP-0313 §5).
func (a *Archive) Metadata(ctx context.Context, owner string) ([]byte, error) {
	first, last, err := a.store.Bounds(ctx, owner)
	if errors.Is(err, ErrNotFound) {
		return []byte(`<metadata xmlns="` + stanza.NSMAM + `"/>`), nil
	}
	if err != nil {
		return nil, err
	}
	dst := appendBound([]byte(`<metadata xmlns="`+stanza.NSMAM+`">`), "start", first)
	return append(appendBound(dst, "end", last), `</metadata>`...), nil
}

func appendBound(dst []byte, name string, e Entry) []byte {
	dst = stanza.AppendAttr(append(append(dst, '<'), name...), "id", e.ID.String())
	return append(stanza.AppendAttr(dst, "timestamp", e.Time().Format(stanza.StampFormat)), "/>"...)
}

// Reader is the client that asks. Deliver queues one stanza, and Ready waits until
// there is room for more.
type Reader interface {
	JID() string // full
	Deliver(stanza []byte)
	Ready(ctx context.Context) error
}

// Answer answers a client's query of an archive that it may read: the
// results, oldest first, are delivered; the page's description is returned, for
// the IQ result (XEP-0313 §4, S-59). view, if not nil, is what the client gets to
// see of an entry; nil: it is left out. Errors: a *stanza.Error for a query that is wrong, else the
// store's.
func (a *Archive) Answer(ctx context.Context, c Reader, owner string, query stream.Child, view func(Entry) []byte) ([]byte, error) {
	q, err := parseQuery(owner, query, a.page)
	if err != nil {
		return nil, err
	}
	page, err := a.read(ctx, c, q.Query)
	if errors.Is(err, ErrNotFound) {
		return nil, stanza.ErrItemNotFound
	}
	if err != nil {
		return nil, err
	}
	found := results(owner, c.JID(), q.id, page.Entries, view)
	if q.flip {
		// Only the order of transmission changes (XEP-0313 §4.3.2, S-62).
		slices.Reverse(found)
	}
	for _, r := range found {
		if err := c.Ready(ctx); err != nil {
			return nil, err
		}
		c.Deliver(r)
	}
	return fin(page), nil
}

// What a result has around the stanza and what is the same for the whole page.
const resultOverhead = len(`">`) + 36 + len(stanza.StampFormat) + len(resultMiddle) + len(resultStart) + len(resultEnd)

const (
	resultMiddle = `"><forwarded xmlns="` + stanza.NSForward + `"><delay xmlns="` + stanza.NSDelay + `" stamp="`
	resultStart  = `"/>`
	resultEnd    = `</forwarded></result></message>`
)

// results builds the results of a page (XEP-0313 §4.2), all in one
// buffer.
func results(owner, to, queryID string, entries []Entry, view func(Entry) []byte) [][]byte {
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
	out := make([][]byte, 0, len(entries))
	for i, e := range entries {
		if stanzas[i] == nil {
			continue
		}
		start := len(buf)
		buf = appendID(append(buf, head...), e.ID)
		buf = e.Time().AppendFormat(append(buf, resultMiddle...), stanza.StampFormat)
		buf = append(append(append(buf, resultStart...), stanzas[i]...), resultEnd...)
		out = append(out, buf[start:len(buf):len(buf)])
	}
	return out
}

// fin describes the page (XEP-0313 §4.3.2).
func fin(page Page) []byte {
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
