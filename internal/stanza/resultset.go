package stanza

import (
	"strconv"

	"foyer/internal/stream"
)

// ResultSet is the page that somebody asks for (XEP-0059).
type ResultSet struct {
	Asked  bool // the request has a <set/>
	Max    int  // -1: not given
	After  string
	Before string
	Last   bool // <before/>: the last page, or the last before Before
}

// ParseResultSet reads the <set/> in a query. Errors are stanza errors.
func ParseResultSet(query stream.Child) (ResultSet, error) {
	r := ResultSet{Max: -1}
	set, ok := query.Find(NSRSM, "set")
	if !ok {
		return r, nil
	}
	r.Asked = true
	for c := range set.Children() {
		switch c.Name.Local {
		case "max":
			n, err := ParseNumber(c.Text(), 63)
			if err != nil {
				return r, ErrBadRequest
			}
			r.Max = int(n)
		case "after":
			r.After = c.Text()
		case "before":
			r.Before = c.Text()
			r.Last = true
		case "index":
			return r, ErrFeatureNotImplemented // XEP-0059 §2.5
		}
	}
	return r, nil
}

// AppendResultSet appends the description of a page; an empty one has neither
// first nor last (XEP-0059 §2.2–2.7, S-62). A count below zero is not told.
func AppendResultSet(dst []byte, first, last string, index, count int) []byte {
	dst = append(dst, `<set xmlns="`+NSRSM+`">`...)
	if first != "" {
		dst = append(dst, "<first"...)
		if count >= 0 {
			dst = append(strconv.AppendInt(append(dst, ` index="`...), int64(index), 10), '"')
		}
		dst = append(stream.AppendEscaped(append(dst, '>'), first), "</first>"...)
		dst = append(stream.AppendEscaped(append(dst, "<last>"...), last), "</last>"...)
	}
	if count >= 0 {
		dst = append(strconv.AppendInt(append(dst, "<count>"...), int64(count), 10), "</count>"...)
	}
	return append(dst, "</set>"...)
}
