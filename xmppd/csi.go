package xmppd

import (
	"bytes"
	"cmp"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Client state indication (XEP-0352): a client that nobody looks at is spared
// the comings and goings and the chat states of others. Of each sender the
// latest waits; all that waits goes out, in order, before anything else does,
// and when the client is looked at again. A session without a stream is not
// looked at either. Nobody else can tell: only the session knows (§6).

// Limits on what is held back for one client; beyond them it is sent.
const (
	maxHeld      = 1000
	maxHeldBytes = 1 << 20
)

// heldBack is what waits. It is guarded by its session's mutex; its zero value
// is ready.
type heldBack struct {
	latest map[heldKey]heldStanza
	size   int    // in bytes
	count  uint64 // of all that was ever held: the order
}

// heldKey tells which later stanza takes the place of an earlier one.
type heldKey struct {
	kind     string // presence, message, or the direction of a carbon
	from, to string
}

type heldStanza struct {
	sentStanza
	at uint64
}

// put holds a stanza, in the place of an earlier one with the same key.
func (h *heldBack) put(key heldKey, sent sentStanza) {
	if h.latest == nil {
		h.latest = make(map[heldKey]heldStanza)
	}
	h.size += len(sent.raw) - len(h.latest[key].raw)
	h.count++
	h.latest[key] = heldStanza{sent, h.count}
}

// take returns what is held, in the order in which it came, and keeps nothing.
func (h *heldBack) take() []heldStanza {
	if len(h.latest) == 0 {
		return nil
	}
	all := make([]heldStanza, 0, len(h.latest))
	for _, held := range h.latest {
		all = append(all, held)
	}
	slices.SortFunc(all, func(x, y heldStanza) int { return cmp.Compare(x.at, y.at) })
	h.latest, h.size = nil, 0
	return all
}

func (h *heldBack) full() bool { return len(h.latest) > maxHeld || h.size > maxHeldBytes }

// handleCSI handles the client's word on its state (XEP-0352 §4.2).
func (s *session) handleCSI(el *stream.Element) error {
	switch el.Name.Local {
	case "active":
		s.setActive()
	case "inactive":
		s.setFlag(func(s *session) *bool { return &s.inactive }, true)
	default:
		return &stream.Error{Condition: stream.UnsupportedStanzaType}
	}
	return nil
}

func (s *session) setActive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inactive = false
	s.releaseLocked()
}

// holdLocked holds a stanza back if it may wait. What may not wait lets all
// that waited go before it, so that an answer never overtakes what came before
// the request (XEP-0352 §5.1).
func (s *session) holdLocked(sent sentStanza) bool {
	if !s.inactive && s.stream != nil {
		return false
	}
	key, ok := s.deferrable(sent.raw)
	if !ok {
		s.releaseLocked()
		return false
	}
	s.held.put(key, sent)
	if s.held.full() {
		s.releaseLocked()
	}
	return true
}

func (s *session) releaseLocked() {
	for _, held := range s.held.take() {
		s.transmitLocked(immediate, held.sentStanza)
	}
}

// deferrable reports whether a stanza may wait, and what it takes the place of:
// another's presence, and messages that are nothing but a chat state.
func (s *session) deferrable(raw []byte) (heldKey, bool) {
	presence := bytes.HasPrefix(raw, []byte("<presence"))
	if !presence && !bytes.HasPrefix(raw, []byte("<message")) {
		return heldKey{}, false
	}
	el, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
	switch {
	case err != nil:
		return heldKey{}, false
	case presence:
		return heldKey{kind: "presence", from: el.From}, s.isOthersPresence(el)
	}
	return chatState(el)
}

// isOthersPresence reports whether a presence is only another's coming or going. What
// concerns the client itself is not: its own presence, in a room too, and the
// end of a room (XEP-0045 §7.2.2, §10.9).
func (s *session) isOthersPresence(p *stream.Element) bool {
	if (p.Type != "" && p.Type != "unavailable") || p.From == s.full {
		return false
	}
	x, ok := p.Find(stanza.NSMUCUser, "x")
	if !ok {
		return true
	}
	for c := range x.Children() {
		if code, _ := c.Attr("code"); c.Name.Local == "destroy" || (c.Name.Local == "status" && code == "110") {
			return false
		}
	}
	return true
}

// chatState reports whether a message, or the one that a carbon carries, is
// nothing but a chat state (XEP-0085 §5.1).
func chatState(m *stream.Element) (heldKey, bool) {
	if m.Type == "error" {
		return heldKey{}, false
	}
	if m.Child.Space != nsCarbons {
		return heldKey{"message", m.From, m.To}, onlyChatState(m)
	}
	copied, _ := m.Find(nsCarbons, m.Child.Local)
	forwarded, _ := copied.Find(stanza.NSForward, "forwarded")
	inner, ok := forwarded.Find(stream.NSClient, "message")
	if !ok {
		return heldKey{}, false
	}
	el, err := stream.Parse(inner.Raw(), stream.Limits{Bytes: len(m.Raw)})
	if err != nil {
		return heldKey{}, false
	}
	return heldKey{m.Child.Local, el.From, el.To}, onlyChatState(el)
}

// besidesChatState are the payloads that go along with a chat state and say
// nothing of their own.
var besidesChatState = map[string]bool{
	stanza.NSHints: true, stanza.NSSID: true, stanza.NSOccupantID: true, stanza.NSDelay: true,
}

// isBesidesChatState reports whether a child of a message says nothing of its own: one of those,
// the thread, and that it is a private message of a room (XEP-0045 §7.5).
func isBesidesChatState(c stream.Child) bool {
	switch c.Name {
	case stream.Name{Space: stream.NSClient, Local: "thread"}:
		return true
	case stream.Name{Space: stanza.NSMUCUser, Local: "x"}:
		for range c.Children() {
			return false
		}
		return true
	}
	return besidesChatState[c.Name.Space]
}

func onlyChatState(m *stream.Element) bool {
	found := false
	for c := range m.Children() {
		found = found || c.Name.Space == stanza.NSChatStates
	}
	return found && !saysMore(m) && !storesOffline(m) // a hint may ask for more
}
