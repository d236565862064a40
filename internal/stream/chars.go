package stream

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf8"
)

// checkChars checks character data: UTF-8 (RFC 6120 §11.6), characters that
// XML 1.0 §2.2 allows, and, where entities count, none but the predefined ones
// and character references (RFC 6120 §11.1).
func checkChars(data []byte, entities bool) error {
	for i := plain(data); i < len(data); {
		b := data[i]
		switch {
		case b >= ' ' && b < utf8.RuneSelf && b != '&':
			i++
		case b == '&' && entities:
			n, err := checkReference(data[i:])
			if err != nil {
				return err
			}
			i += n
		case b >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				return fail(UnsupportedEncoding, "not UTF-8")
			}
			if !isChar(r) {
				return fail(NotWellFormed, "a character that XML does not allow")
			}
			i += n
		case b < ' ' && !isSpace(b):
			return fail(NotWellFormed, "a control character")
		default:
			i++
		}
	}
	return nil
}

// plain returns how many bytes at the beginning of data are surely ASCII, and neither
// control characters nor &; eight are looked at together.
func plain(data []byte) int {
	n := 0
	for len(data)-n >= 8 && isPlain(data[n:]) {
		n += 8
	}
	if tail := len(data) - 8; n > 0 && n > tail && isPlain(data[tail:]) {
		return len(data)
	}
	return n
}

// isPlain looks at the first eight bytes.
func isPlain(data []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	x := binary.LittleEndian.Uint64(data)
	control, ampersand := (x-' '*ones)&^x, x^'&'*ones // the latter has a zero byte where x has &
	return (x|control|((ampersand-ones)&^ampersand))&high == 0
}

// isChar reports whether XML 1.0 §2.2 allows r.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || (r >= 0x20 && r <= 0xD7FF) ||
		(r >= 0xE000 && r <= 0xFFFD) || (r >= 0x10000 && r <= 0x10FFFF)
}

// checkReference checks the reference at the start of data and returns its
// length.
func checkReference(data []byte) (int, error) {
	_, n, err := decodeReference(data)
	return n, err
}

// The longest reference: &#x10FFFF; with room for leading zeros.
const maxReference = 16

func decodeReference(data []byte) (rune, int, error) {
	end := bytes.IndexByte(data[:min(len(data), maxReference)], ';')
	if end < 2 {
		return 0, 0, fail(NotWellFormed, "& must begin a reference")
	}
	name := data[1:end]
	if name[0] == '#' {
		r, ok := numericReference(name[1:])
		if !ok {
			return 0, 0, fail(NotWellFormed, "not a character")
		}
		return r, end + 1, nil
	}
	switch string(name) {
	case "lt":
		return '<', end + 1, nil
	case "gt":
		return '>', end + 1, nil
	case "amp":
		return '&', end + 1, nil
	case "quot":
		return '"', end + 1, nil
	case "apos":
		return '\'', end + 1, nil
	}
	return 0, 0, fail(RestrictedXML, "only the predefined entities are allowed")
}

func numericReference(digits []byte) (rune, bool) {
	base := 10
	if len(digits) > 0 && digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(string(digits), base, 32)
	if err != nil || n > utf8.MaxRune || !isChar(rune(n)) {
		return 0, false
	}
	return rune(n), true
}

// unescape returns checked character data with its references resolved, and
// line ends as XML 1.0 §2.11 wants them.
func unescape(data []byte) string {
	if bytes.IndexByte(data, '&') < 0 && bytes.IndexByte(data, '\r') < 0 {
		return string(data)
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); {
		switch data[i] {
		case '&':
			r, n, err := decodeReference(data[i:])
			if err != nil { // cannot be: the data was checked
				return string(data)
			}
			out = utf8.AppendRune(out, r)
			i += n
		case '\r':
			out = append(out, '\n')
			i++
			if i < len(data) && data[i] == '\n' {
				i++
			}
		default:
			out = append(out, data[i])
			i++
		}
	}
	return string(out)
}

// AppendEscaped appends s as XML character data, valid in attribute values in
// either kind of quotes too. Characters that XML 1.0 does not allow become
// U+FFFD.
func AppendEscaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		from := i
		for i < len(s) && asItIs(s[i]) {
			i++
		}
		if dst = append(dst, s[from:i]...); i == len(s) {
			break
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '"':
			dst = append(dst, "&quot;"...)
		case r == '\'':
			dst = append(dst, "&apos;"...)
		case r == '\t' || r == '\n' || r == '\r':
			dst = append(dst, "&#"...)
			dst = strconv.AppendInt(dst, int64(r), 10)
			dst = append(dst, ';')
		case (r == utf8.RuneError && n == 1) || !isChar(r):
			dst = utf8.AppendRune(dst, utf8.RuneError)
		default:
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return dst
}

// asItIs reports whether AppendEscaped leaves a byte alone, whatever stands around it.
func asItIs(b byte) bool {
	return b >= ' ' && b < utf8.RuneSelf && b != '&' && b != '<' && b != '>' && b != '"' && b != '\''
}

// legal returns s without characters that XML 1.0 does not allow, as
// AppendEscaped does.
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		if !isChar(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// Escape returns s as AppendEscaped writes it.
func Escape(s string) string { return string(AppendEscaped(nil, s)) }

// intern returns a string for a name, without allocating for the ones that
// every stream is full of.
func intern(b []byte) string {
	switch string(b) {
	case "":
		return ""
	case "message":
		return "message"
	case "presence":
		return "presence"
	case "iq":
		return "iq"
	case "body":
		return "body"
	case "query":
		return "query"
	case "xmlns":
		return "xmlns"
	case "xml":
		return "xml"
	case "lang":
		return "lang"
	case "id":
		return "id"
	case "to":
		return "to"
	case "from":
		return "from"
	case "type":
		return "type"
	case "x":
		return "x"
	case "a":
		return "a"
	case "r":
		return "r"
	case "h":
		return "h"
	case "active":
		return "active"
	case "origin-id":
		return "origin-id"
	case "stream":
		return "stream"
	}
	return string(b)
}

// internType does the same for what is a stanza's type (RFC 6120 §8.2.3, RFC 6121 §4.7.1,
// §5.2.2), and resolves references.
func internType(b []byte) string {
	switch string(b) {
	case "chat":
		return "chat"
	case "groupchat":
		return "groupchat"
	case "error":
		return "error"
	case "get":
		return "get"
	case "set":
		return "set"
	case "result":
		return "result"
	case "unavailable":
		return "unavailable"
	}
	return unescape(b)
}

// internSpace does the same for namespace names, and resolves references.
func internSpace(b []byte) string {
	switch string(b) {
	case NSClient:
		return NSClient
	case NSHTTPBind:
		return NSHTTPBind
	case NSFraming:
		return NSFraming
	case NSStream:
		return NSStream
	case "urn:xmpp:sid:0":
		return "urn:xmpp:sid:0"
	case "urn:xmpp:sm:3":
		return "urn:xmpp:sm:3"
	case "http://jabber.org/protocol/chatstates":
		return "http://jabber.org/protocol/chatstates"
	case "urn:xmpp:receipts":
		return "urn:xmpp:receipts"
	}
	return unescape(b)
}
