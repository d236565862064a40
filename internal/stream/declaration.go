package stream

import (
	"bytes"
	"regexp"
)

// xmlDeclaration is XMLDecl (XML 1.0 §2.8): any version 1.x, and perhaps an encoding.
var xmlDeclaration = func() *regexp.Regexp {
	const space, equals = `[ \t\r\n]`, `[ \t\r\n]*=[ \t\r\n]*`
	return regexp.MustCompile(`^<\?xml` + space + `+version` + equals + `(?:"1\.[0-9]+"|'1\.[0-9]+')` +
		`(?:` + space + `+encoding` + equals + `(?:"([A-Za-z][A-Za-z0-9._-]*)"|'([A-Za-z][A-Za-z0-9._-]*)'))?` +
		`(?:` + space + `+standalone` + equals + `(?:"(?:yes|no)"|'(?:yes|no)'))?` + space + `*\?>$`)
}()

// declares reports whether what begins with <? is an XML declaration, and no processing
// instruction with a longer name.
func declares(raw []byte) bool {
	const begin = "<?xml"
	return bytes.HasPrefix(raw, []byte(begin)) && (len(raw) == len(begin) || isSpace(raw[len(begin)]) || raw[len(begin)] == '?')
}

// skipDeclaration skips an XML declaration. One of another 1.x is read as 1.0 is, whose
// characters alone are allowed (XML 1.0 §2.8); the encoding must be UTF-8 if there is one (RFC 6120
// §11.6); and standalone means nothing, since there are no document types (§11.4).
func skipDeclaration(raw []byte) ([]byte, error) {
	if !declares(raw) {
		return raw, nil
	}
	end := bytes.Index(raw, []byte("?>"))
	if end < 0 {
		return nil, fail(NotWellFormed, "the XML declaration is not complete")
	}
	end += len("?>")
	parts := xmlDeclaration.FindSubmatch(raw[:end])
	if parts == nil {
		return nil, fail(NotWellFormed, "not an XML declaration")
	}
	for _, encoding := range parts[1:] { // in either kind of quotes
		if len(encoding) > 0 && !bytes.EqualFold(encoding, []byte("UTF-8")) {
			return nil, fail(UnsupportedEncoding, "only UTF-8 is supported")
		}
	}
	return bytes.TrimLeft(raw[end:], " \t\r\n"), nil
}

// skipByteOrderMark skips U+FEFF before a document, where it says that the rest is UTF-8 and is
// none of its characters (XML 1.0 §4.3.3). In XMPP's own streams it is one (RFC 6120 §11.6).
func skipByteOrderMark(raw []byte) []byte { return bytes.TrimPrefix(raw, []byte("\ufeff")) }

// isForeign reports whether a byte begins no character of UTF-8, as the marks of UTF-16 do.
func isForeign(b byte) bool { return b >= 0x80 && b < 0xC2 || b > 0xF4 }
