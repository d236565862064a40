package stream

import "strings"

// maxLanguage is how many bytes of a language tag are kept (RFC 5646 §4.4.1).
const maxLanguage = 35

// Language returns the xml:lang of a stream header if it is a language tag, and else nothing (RFC 6120 §4.7.4, RFC
// 5646 §2.1). It goes with every stanza of the stream (§8.1.5), to everybody who gets it: what it may hold has its own bound.
func Language(tag string) string {
	isPart := func(part string) bool {
		return part != "" && len(part) <= 8 && !strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
		})
	}
	if len(tag) > maxLanguage {
		return ""
	}
	for part := range strings.SplitSeq(tag, "-") {
		if !isPart(part) {
			return ""
		}
	}
	return tag
}
