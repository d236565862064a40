package xmppgw

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// HTTP/1.1, as far as a BOSH client needs it after its first request: what is
// plain is read here, and everything else by the HTTP server, from its first byte.

// exchange is what the answer to a request depends on, apart from the session.
type exchange struct {
	origin string // for Access-Control-Allow-Origin; empty: none
	last   bool   // the client wants the connection closed after it
	http10 bool
	gzip   bool // the client takes answers that are compressed
	site   bool // there is one, whose cookies pages may send
}

// plainRequest is a POST to BOSH that is all there.
type plainRequest struct {
	header rawHeader
	body   []byte
	last   bool // Connection: close
}

const requestLine = "POST " + BOSHPath + " HTTP/1.1\r\n"

// cutRequest cuts the first request off b and returns what follows it. ok is false
// when it is not all there, or not as plain as it may be: then the HTTP server is
// to read it.
func cutRequest(b []byte) (r plainRequest, rest []byte, ok bool) {
	if !bytes.HasPrefix(b, []byte(requestLine)) {
		return r, nil, false
	}
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < len(requestLine) {
		return r, nil, false
	}
	r.header = rawHeader(b[len(requestLine) : end+2])
	length, hosts := -1, 0
	for name, value := range r.header.fields {
		switch {
		case !isToken(name):
			return r, nil, false
		case equalFold(name, "Host"):
			hosts++
		case equalFold(name, "Content-Length"):
			n, err := strconv.ParseUint(string(value), 10, 31)
			if err != nil || length >= 0 {
				return r, nil, false
			}
			length = int(n)
		case equalFold(name, "Connection"):
			if r.last = equalFold(value, "close"); !r.last && !equalFold(value, "keep-alive") {
				return r, nil, false
			}
		case equalFold(name, "Transfer-Encoding"), equalFold(name, "Content-Encoding"), equalFold(name, "Expect"),
			equalFold(name, "Upgrade"), equalFold(name, "Trailer"):
			return r, nil, false
		}
	}
	b = b[end+4:]
	if hosts != 1 || length < 0 || length > len(b) {
		return r, nil, false
	}
	r.body = b[:length]
	return r, b[length:], true
}

// rawHeader is header fields as they came; each ends with CRLF.
type rawHeader []byte

// fields yields each field. A line that is none has an empty name.
func (h rawHeader) fields(yield func(name, value []byte) bool) {
	for len(h) > 0 {
		line, rest, _ := bytes.Cut(h, []byte("\r\n"))
		h = rest
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || bytes.ContainsAny(value, "\r\n\x00") {
			name = nil
		}
		if !yield(name, bytes.Trim(value, " \t")) {
			return
		}
	}
}

// Get implements Header.
func (h rawHeader) Get(name string) string {
	separator, list := listSeparator(name)
	var found []string
	for n, value := range h.fields {
		if !equalFold(n, name) {
			continue
		}
		if !list {
			return string(value)
		}
		found = append(found, string(value))
	}
	return strings.Join(found, separator)
}

// isToken reports whether a field's name is one (RFC 9110 §5.6.2).
func isToken(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return len(b) > 0
}

func equalFold(b []byte, s string) bool { return len(b) == len(s) && strings.EqualFold(string(b), s) }

// appendHead appends the status line and the header of an answer, which ends with
// the length of its body.
func (x exchange) appendHead(dst []byte, reply boshReply, last bool) []byte {
	dst = append(strconv.AppendInt(append(dst, "HTTP/1.1 "...), int64(reply.status), 10), ' ')
	dst = append(append(dst, fasthttp.StatusMessage(reply.status)...), "\r\nDate: "...)
	dst = fasthttp.AppendHTTPDate(dst, time.Now())
	dst = append(append(dst, "\r\nContent-Type: "...), cmp.Or(reply.content, boshContentType)...) // B-03
	dst = append(dst, "\r\nCache-Control: no-store\r\nVary: Origin"...)
	if x.origin != "" { // B-06
		dst = append(append(dst, "\r\nAccess-Control-Allow-Origin: "...), x.origin...)
		if x.site {
			dst = append(dst, "\r\nAccess-Control-Allow-Credentials: true"...)
		}
	}
	switch {
	case last:
		dst = append(dst, "\r\nConnection: close"...)
	case x.http10:
		dst = append(dst, "\r\nConnection: keep-alive"...)
	}
	if reply.packed {
		dst = append(dst, "\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding"...)
	}
	dst = strconv.AppendInt(append(dst, "\r\nContent-Length: "...), int64(len(reply.body)), 10) // B-04
	return append(dst, "\r\n\r\n"...)
}
