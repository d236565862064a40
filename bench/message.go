package main

import (
	"bytes"
	"strconv"
	"time"
)

// A message carries in its body when it was sent, so that the receiver
// knows how long it was under way: both ends are this process.

const mark = "@@"

// letter writes messages to one recipient.
type letter struct {
	head, tail []byte
	count      int
	id         string
}

// A text of usual length.
const text = " A word in the hallway, about as long as most of those that people write to each other."

const (
	noStore = `<no-store xmlns="urn:xmpp:hints"/>`
	stored  = ""
)

// newLetter returns what writes messages of that type, such as Converse sends.
func newLetter(from, to, kind, hints string) *letter {
	return &letter{
		head: []byte(`<message xmlns="jabber:client" to="` + to + `" type="` + kind + `" id="`),
		tail: []byte(text + `</body>` + hints + `<active xmlns="http://jabber.org/protocol/chatstates"/></message>`),
		id:   from + "-",
	}
}

// write returns a new message, sent now.
func (l *letter) write() []byte {
	l.count++
	m := make([]byte, 0, len(l.head)+len(l.tail)+80)
	m = append(append(m, l.head...), l.id...)
	m = strconv.AppendInt(m, int64(l.count), 10)
	m = append(m, `"><body>`+mark...)
	m = strconv.AppendInt(m, time.Now().UnixNano(), 10)
	return append(m, l.tail...)
}

const stampLen = 19 // digits of nanoseconds since 1970, for some centuries

// stamps calls f with the time of sending of every message in b, and returns
// how many there are.
func stamps(b []byte, f func(sent int64)) int {
	n := 0
	for {
		i := bytes.Index(b, []byte(mark))
		if i < 0 || len(b) < i+len(mark)+stampLen {
			return n
		}
		b = b[i+len(mark):]
		n++
		if f == nil {
			continue
		}
		if sent, err := strconv.ParseInt(string(b[:stampLen]), 10, 64); err == nil {
			f(sent)
		}
	}
}
