package move

import (
	"fmt"
	"strconv"
	"strings"

	"foyer/internal/stanza"
)

// Terms of Erlang as text, as ejabberd reads them (misc:expr_to_term). They are text
// without letters beyond ASCII, so that no conversion on the way can change them.

// erlBinary is a binary.
func erlBinary(s string) string {
	if s == "" {
		return "<<>>"
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return "<<" + erlBytes(s) + ">>"
		}
	}
	return `<<"` + s + `">>`
}

func erlBytes(s string) string {
	out := make([]string, len(s))
	for i := range len(s) {
		out[i] = strconv.Itoa(int(s[i]))
	}
	return strings.Join(out, ",")
}

func erlList(elements []string) string { return "[" + strings.Join(elements, ",") + "]" }

// erlJID is an address as a tuple; false: it is none.
func erlJID(jid string) (string, bool) {
	a, err := stanza.ParseAddress(jid)
	if err != nil {
		return "", false
	}
	return erlAddress(a), true
}

func erlAddress(a stanza.Address) string {
	return fmt.Sprintf("{%s,%s,%s}", erlBinary(a.User), erlBinary(a.Domain), erlBinary(a.Resource))
}
