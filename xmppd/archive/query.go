package archive

import (
	"bytes"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"github.com/google/uuid"
)

// queryForm is the form that queries are made with (XEP-0313 §4.1.1, §4.1.5;
// XEP-0431 §3).
const queryForm = `<query xmlns="` + stanza.NSMAM + `"><x xmlns="` + stanza.NSDataForms + `" type="form">` +
	`<field type="hidden" var="FORM_TYPE"><value>` + stanza.NSMAM + `</value></field>` +
	`<field type="jid-single" var="with"/><field type="text-single" var="start"/><field type="text-single" var="end"/>` +
	`<field type="text-single" var="before-id"/><field type="text-single" var="after-id"/>` +
	`<field type="list-multi" var="ids"><validate xmlns="http://jabber.org/protocol/xdata-validate" datatype="xs:string"><open/></validate></field>` +
	`<field type="text-single" var="` + fullTextField + `"/>` +
	`</x></query>`

const fullTextField = "{" + nsFullText + "}fulltext"

// maxSearchText is the maximum length of a search in bytes.
const maxSearchText = 1 << 10

// request is a client's query.
type request struct {
	Query
	id   string // queryid
	flip bool   // <flip-page/>
}

// parseQuery reads the form and the page that is wanted, which has at most most
// results.
func parseQuery(owner string, query stream.Child, most int) (request, error) {
	q := request{Query: Query{Owner: owner, Max: min(defaultPage, most), MaxBytes: pageBytes}}
	q.id, _ = query.Attr("queryid")
	for c := range query.Children() {
		switch c.Name {
		case stream.Name{Space: stanza.NSDataForms, Local: "x"}:
			if err := q.form(c); err != nil {
				return q, err
			}
		case stream.Name{Space: stanza.NSMAM, Local: "flip-page"}:
			q.flip = true
		}
	}
	// What the form names bounds all that matches; a page only what is shown of it
	// (XEP-0313 §4.1.3, XEP-0059 §2.6).
	q.AfterID, q.BeforeID = q.After, q.Before
	r, err := stanza.ParseResultSet(query)
	if err != nil {
		return q, err
	}
	return q, q.page(r, most)
}

func (q *Query) form(form stream.Child) error {
	for f := range form.Children() {
		if f.Name != (stream.Name{Space: stanza.NSDataForms, Local: "field"}) {
			continue
		}
		if err := q.field(f); err != nil {
			return err
		}
	}
	return nil
}

// field applies one field of the form; unknown ones are refused (XEP-0313
// §4.1.1, S-60). One without a value, or with an empty one, does not limit.
func (q *Query) field(f stream.Child) error {
	name, _ := f.Attr("var")
	var values []string
	for v := range f.Children() {
		if v.Name.Local == "value" {
			values = append(values, v.Text())
		}
	}
	if name == "ids" {
		return q.ids(values)
	}
	value := ""
	if len(values) > 0 {
		value = values[0]
	}
	var err error
	switch name {
	case "FORM_TYPE":
		if value != "" && value != stanza.NSMAM {
			err = stanza.ErrBadRequest
		}
	case "with":
		err = q.with(value)
	case "start":
		q.Start, err = parseTime(value)
	case "end":
		q.End, err = parseTime(value)
	case "after-id":
		err = q.after(value)
	case "before-id":
		err = q.before(value)
	case fullTextField:
		q.Text = value
		if len(value) > maxSearchText {
			err = stanza.ErrBadRequest
		}
	default:
		err = stanza.ErrFeatureNotImplemented
	}
	return err
}

// with: one's own address, with a resource or without, selects the messages to
// oneself (XEP-0313 §4.1.2).
func (q *Query) with(jid string) error {
	if jid == "" {
		return nil
	}
	a, err := stanza.ParseAddress(jid)
	if err != nil {
		return err
	}
	q.With = a.String()
	if a.Bare() == q.Owner && a.User != "" {
		q.With = q.Owner
	}
	return nil
}

// ids selects entries by their ids; each must be there (XEP-0313 §4.1.4).
func (q *Query) ids(values []string) error {
	for _, v := range values {
		id, err := parseID(v)
		if err != nil {
			return err
		}
		q.IDs = append(q.IDs, id)
	}
	return nil
}

// after narrows the query to what comes after an id. A form and a page may each
// name one; both must be there, and the narrower bound counts, so that paging
// stays within after-id and before-id.
func (q *Query) after(text string) error {
	return q.bound(&q.After, text, 1)
}

// before narrows the query to what comes before an id.
func (q *Query) before(text string) error {
	return q.bound(&q.Before, text, -1)
}

func (q *Query) bound(field *uuid.UUID, text string, narrower int) error {
	if text == "" {
		return nil
	}
	id, err := parseID(text)
	if err != nil {
		return err
	}
	if *field == uuid.Nil {
		*field = id
		return nil
	}
	if bytes.Compare(id[:], field[:]) == narrower {
		id, *field = *field, id
	}
	q.Named = append(q.Named, id)
	return nil
}

// parseID: an id that is none of ours is not in the archive (S-61).
func parseID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || id == uuid.Nil || len(s) != 36 {
		return uuid.Nil, stanza.ErrItemNotFound
	}
	return id, nil
}

// parseTime reads a time (XEP-0082 §3); nothing is the zero time.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, stanza.ErrBadRequest
	}
	return t, nil
}

// page applies the page that is wanted (XEP-0059 §2.2–2.6).
func (q *Query) page(r stanza.ResultSet, most int) error {
	if r.Max >= 0 {
		q.Max = min(r.Max, most)
	}
	q.WithCount = q.Max == 0
	q.Last = r.Last
	if err := q.after(r.After); err != nil {
		return err
	}
	return q.before(r.Before)
}
