package archive

import (
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Message archive preferences (XEP-0441): what people want in their archives.

// MaxPrefs is the maximum number of JIDs on an account's two lists together.
const MaxPrefs = 1000

// Rules is Prefs ready to be asked. It is immutable.
type Rules struct {
	Prefs
	listed map[string]bool // true: always, false: never
}

// NewRules makes preferences ready to be asked.
func NewRules(p Prefs) *Rules {
	a := &Rules{p, make(map[string]bool, len(p.Always)+len(p.Never))}
	for _, jid := range p.Always {
		a.listed[jid] = true
	}
	for _, jid := range p.Never { // on both lists: never
		a.listed[jid] = false
	}
	return a
}

// About returns what the lists say of a JID: a listed full JID counts before a
// listed bare one (XEP-0441 §2).
func (a *Rules) About(with stanza.Address) (keep, listed bool) {
	if len(a.listed) == 0 {
		return false, false
	}
	if keep, listed = a.listed[with.String()]; listed {
		return keep, true
	}
	keep, listed = a.listed[with.Bare()]
	return keep, listed
}

// ParsePrefs reads <prefs/>. Errors are stanza errors.
func ParsePrefs(prefs stream.Child) (Prefs, error) {
	fallback, _ := prefs.Attr("default")
	p := Prefs{Default: Default(fallback)}
	switch p.Default {
	case Always, Never, Roster:
	default:
		return p, stanza.ErrBadRequest
	}
	var err error
	for c := range prefs.Children() {
		switch c.Name {
		case stream.Name{Space: stanza.NSMAM, Local: "always"}:
			p.Always, err = parseJIDs(c)
		case stream.Name{Space: stanza.NSMAM, Local: "never"}:
			p.Never, err = parseJIDs(c)
		}
		if err != nil {
			return p, err
		}
	}
	if len(p.Always)+len(p.Never) > MaxPrefs {
		return p, stanza.ErrResourceConstraint
	}
	return p, nil
}

// parseJIDs reads a list of <jid/> elements, each once, in order.
func parseJIDs(list stream.Child) ([]string, error) {
	var jids []string
	for c := range list.Children() {
		if c.Name != (stream.Name{Space: stanza.NSMAM, Local: "jid"}) {
			continue
		}
		a, err := stanza.ParseAddress(c.Text())
		if err != nil {
			return nil, err
		}
		jids = append(jids, a.String())
	}
	slices.Sort(jids)
	return slices.Compact(jids), nil
}

// Payload is the answer to who asks for them; both lists are in it, even if they are empty.
func (a *Rules) Payload() []byte {
	dst := stanza.AppendAttr([]byte(`<prefs xmlns="`+stanza.NSMAM+`"`), "default", string(a.Default))
	dst = append(dst, '>')
	for _, list := range []struct {
		name string
		jids []string
	}{{"always", a.Always}, {"never", a.Never}} {
		dst = append(append(append(dst, '<'), list.name...), '>')
		for _, jid := range list.jids {
			dst = append(stream.AppendEscaped(append(dst, "<jid>"...), jid), "</jid>"...)
		}
		dst = append(append(append(dst, "</"...), list.name...), '>')
	}
	return append(dst, "</prefs>"...)
}
