package muc

import (
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// continued says that a room goes on with a conversation of two people, in the way that the
// invitation into it does (XEP-0045 §7.9). The zero value: it does not.
type continued struct {
	is     bool
	thread string // empty: it has none
}

// continuedBy reads it from an invitation; a thread that is too long is left out.
func continuedBy(invite stream.Child) (c continued) {
	el, ok := invite.Find(stanza.NSMUCUser, "continue")
	if c.is = ok; ok {
		c.thread, _ = el.Attr("thread")
	}
	if len(c.thread) > maxReason {
		c.thread = ""
	}
	return c
}

// element is what a mediated invitation has in it.
func (c continued) element() []byte {
	if !c.is {
		return nil
	}
	return append(stanza.AppendAttr([]byte("<continue"), "thread", c.thread), "/>"...)
}

// appendAttrs appends what a direct invitation says (XEP-0249 §3).
func (c continued) appendAttrs(dst []byte) []byte {
	if !c.is {
		return dst
	}
	return stanza.AppendAttr(stanza.AppendAttr(dst, "continue", "true"), "thread", c.thread)
}
