package xmppd

import (
	"context"
	"errors"
	"slices"
	"time"

	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Message archive management (XEP-0313).

const (
	nsMAM         = "urn:xmpp:mam:2"
	nsMAMExtended = "urn:xmpp:mam:2#extended"
	nsDataForms   = "jabber:x:data"
)

// Results of a page when the client does not say.
const mamDefaultPage = 50

func mamHandlers() map[iqKey]iqHandler {
	query := stream.Name{Space: nsMAM, Local: "query"}
	metadata := stream.Name{Space: nsMAM, Local: "metadata"}
	forbidden := func(context.Context, *session, *stream.Element, stream.Child) ([]byte, error) {
		return nil, ErrForbidden // another's archive (XEP-0313 §8.1, S-58)
	}
	return map[iqKey]iqHandler{
		{toSelf, "set", query}:       handleArchiveQuery,
		{toSelf, "get", query}:       handleArchiveForm,
		{toSelf, "get", metadata}:    handleArchiveMetadata,
		{toAccount, "set", query}:    forbidden,
		{toAccount, "get", query}:    forbidden,
		{toAccount, "get", metadata}: forbidden,
	}
}

// mamForm is the form that queries are made with (XEP-0313 §4.1.1, §4.1.5).
const mamForm = `<query xmlns="` + nsMAM + `"><x xmlns="` + nsDataForms + `" type="form">` +
	`<field type="hidden" var="FORM_TYPE"><value>` + nsMAM + `</value></field>` +
	`<field type="jid-single" var="with"/><field type="text-single" var="start"/><field type="text-single" var="end"/>` +
	`<field type="text-single" var="before-id"/><field type="text-single" var="after-id"/>` +
	`<field type="list-multi" var="ids"><validate xmlns="http://jabber.org/protocol/xdata-validate" datatype="xs:string"><open/></validate></field>` +
	`</x></query>`

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
		return []byte(`<metadata xmlns="` + nsMAM + `"/>`), nil
	}
	if err != nil {
		return nil, err
	}
	dst := append([]byte(`<metadata xmlns="`+nsMAM+`">`), bound("start", first)...)
	return append(append(dst, bound("end", last)...), `</metadata>`...), nil
}

func bound(name string, e ArchiveEntry) string {
	return `<` + name + ` id="` + e.ID.String() + `" timestamp="` + e.Time().Format(time.RFC3339Nano) + `"/>`
}

// handleArchiveQuery answers a query of one's own archive.
func handleArchiveQuery(ctx context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	return s.server.QueryArchive(ctx, s, s.bare, query, nil)
}

// QueryArchive answers a client's query of an archive that it may read: the
// results, oldest first, are delivered; the page's description is returned, for
// the IQ result (XEP-0313 §4, S-59). view, if not nil, is what the client gets to
// see of an entry. Errors: a *StanzaError for a query that is wrong, else the
// store's.
func (srv *Server) QueryArchive(ctx context.Context, c Client, owner string, query stream.Child, view func(ArchiveEntry) []byte) ([]byte, error) {
	q, err := srv.parseArchiveQuery(owner, query)
	if err != nil {
		return nil, err
	}
	page, err := srv.stores.Archive.Query(ctx, q)
	if errors.Is(err, ErrNotFound) {
		return nil, ErrItemNotFound
	}
	if err != nil {
		return nil, err
	}
	results := page.Entries
	if _, flip := query.Find(nsMAM, "flip-page"); flip {
		// Only the order of transmission changes (XEP-0313 §4.3.2, S-62).
		results = slices.Clone(results)
		slices.Reverse(results)
	}
	queryID, _ := query.Attr("queryid")
	for _, e := range results {
		if err := c.Ready(ctx); err != nil {
			return nil, err
		}
		stanza := e.Stanza
		if view != nil {
			stanza = view(e)
		}
		c.Deliver(archiveResult(owner, c.JID(), queryID, e, stanza))
	}
	return archiveFin(page), nil
}

// archiveResult is one result (XEP-0313 §4.2).
func archiveResult(owner, to, queryID string, e ArchiveEntry, stanza []byte) []byte {
	dst := append(make([]byte, 0, len(stanza)+384), `<message xmlns="jabber:client"`...)
	dst = AppendAttr(AppendAttr(dst, "from", owner), "to", to)
	dst = AppendAttr(append(dst, `><result xmlns="`+nsMAM+`"`...), "queryid", queryID)
	dst = append(AppendAttr(dst, "id", e.ID.String()), `><forwarded xmlns="`+nsForward+`"><delay xmlns="urn:xmpp:delay"`...)
	dst = append(AppendAttr(dst, "stamp", e.Time().Format("2006-01-02T15:04:05.000Z")), "/>"...)
	return append(append(dst, stanza...), `</forwarded></result></message>`...)
}

// archiveFin describes the page (XEP-0313 §4.3.2).
func archiveFin(page ArchivePage) []byte {
	dst := []byte(`<fin xmlns="` + nsMAM + `"`)
	if page.Complete {
		dst = append(dst, ` complete="true"`...)
	}
	var first, last string
	if n := len(page.Entries); n > 0 {
		first, last = page.Entries[0].ID.String(), page.Entries[n-1].ID.String()
	}
	count := -1
	if page.Counted {
		count = page.Count
	}
	return append(appendRSM(append(dst, '>'), first, last, page.Index, count), "</fin>"...)
}

// parseArchiveQuery reads the form and the page that is wanted.
func (srv *Server) parseArchiveQuery(owner string, query stream.Child) (ArchiveQuery, error) {
	q := ArchiveQuery{Owner: owner, Max: min(mamDefaultPage, srv.cfg.ArchivePage)}
	if form, ok := query.Find(nsDataForms, "x"); ok {
		for f := range form.Children() {
			if f.Name.Local != "field" {
				continue
			}
			if err := q.field(f); err != nil {
				return q, err
			}
		}
	}
	r, err := parseRSM(query)
	if err != nil {
		return q, err
	}
	return q, q.page(r, srv.cfg.ArchivePage)
}

// field applies one field of the form; unknown ones are refused (XEP-0313
// §4.1.1, S-60).
func (q *ArchiveQuery) field(f stream.Child) error {
	name, _ := f.Attr("var")
	var values []string
	for v := range f.Children() {
		if v.Name.Local == "value" {
			values = append(values, v.Text())
		}
	}
	if name == "FORM_TYPE" || len(values) == 0 {
		return nil
	}
	var err error
	switch name {
	case "with":
		var a Address
		if a, err = ParseAddress(values[0]); err == nil {
			q.With = a.String()
		}
	case "start":
		q.Start, err = parseTime(values[0])
	case "end":
		q.End, err = parseTime(values[0])
	case "after-id":
		q.After, err = parseID(values[0])
	case "before-id":
		q.Before, err = parseID(values[0])
	case "ids":
		err = q.ids(values)
	default:
		err = ErrFeatureMissing
	}
	return err
}

func (q *ArchiveQuery) ids(values []string) error {
	for _, v := range values {
		id, err := parseID(v)
		if err != nil {
			return err
		}
		q.IDs = append(q.IDs, id)
	}
	return nil
}

// parseID: an id that is none of ours is not in the archive (S-61).
func parseID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || id == uuid.Nil {
		return uuid.Nil, ErrItemNotFound
	}
	return id, nil
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, ErrBadRequest
	}
	return t, nil
}

// page applies the page that is wanted; both bounds narrow the query, so that
// paging stays within before-id and after-id (XEP-0059 §2.2–2.6).
func (q *ArchiveQuery) page(r rsmRequest, most int) error {
	if r.max >= 0 {
		q.Max = min(r.max, most)
	}
	q.WithCount = q.Max == 0
	q.Last = r.last
	for _, b := range []struct {
		text  string
		field *uuid.UUID
		later bool
	}{{r.after, &q.After, true}, {r.before, &q.Before, false}} {
		if b.text == "" {
			continue
		}
		id, err := parseID(b.text)
		if err != nil {
			return err
		}
		if *b.field == uuid.Nil || (slices.Compare(id[:], b.field[:]) > 0) == b.later {
			*b.field = id
		}
	}
	return nil
}
