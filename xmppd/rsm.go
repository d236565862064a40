package xmppd

import (
	"strconv"

	"foyer/internal/stream"
)

// Result set management (XEP-0059).

const nsRSM = "http://jabber.org/protocol/rsm"

// rsmRequest is what a client asks of a page.
type rsmRequest struct {
	max    int // -1: not given
	after  string
	before string
	last   bool // <before/>, empty: the last page
}

func parseRSM(query stream.Child) (rsmRequest, error) {
	r := rsmRequest{max: -1}
	set, ok := query.Find(nsRSM, "set")
	if !ok {
		return r, nil
	}
	for c := range set.Children() {
		switch c.Name.Local {
		case "max":
			n, err := strconv.Atoi(c.Text())
			if err != nil || n < 0 {
				return r, ErrBadRequest
			}
			r.max = n
		case "after":
			r.after = c.Text()
		case "before":
			r.before = c.Text()
			r.last = true
		case "index":
			return r, ErrFeatureMissing // XEP-0059 §2.5
		}
	}
	return r, nil
}

// appendRSM appends the description of a page; an empty one has neither first
// nor last (XEP-0059 §2.2–2.7, S-62). A count below zero is not told.
func appendRSM(dst []byte, first, last string, index, count int) []byte {
	dst = append(dst, `<set xmlns="`+nsRSM+`">`...)
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
