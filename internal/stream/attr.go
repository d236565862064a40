package stream

import "bytes"

// attrSpan is an attribute in the bytes of a start tag that was checked before.
type attrSpan struct {
	name, value []byte // qualified; still escaped
	start, end  int    // of name="value"
}

// attrAt returns the attribute at or behind a place in a start tag that was
// checked before; false: there are no more.
func attrAt(raw []byte, at int) (attrSpan, bool) {
	for isSpace(raw[at]) {
		at++
	}
	if raw[at] == '>' || raw[at] == '/' {
		return attrSpan{}, false
	}
	a := attrSpan{start: at}
	for isNameByte(raw[at]) {
		at++
	}
	a.name = raw[a.start:at]
	for raw[at] != '"' && raw[at] != '\'' {
		at++
	}
	n := bytes.IndexByte(raw[at+1:], raw[at])
	a.value = raw[at+1 : at+1+n]
	a.end = at + 1 + n + 1
	return a, true
}

// attr reads an attribute, by its qualified name, of the start tag that raw begins
// with.
func attr(raw []byte, name string) (string, bool) {
	if len(raw) == 0 { // of the zero Child
		return "", false
	}
	for a, ok := attrAt(raw, nameEnd(raw)); ok; a, ok = attrAt(raw, a.end) {
		if string(a.name) == name {
			return unescape(a.value), true
		}
	}
	return "", false
}
