package stream

import (
	"bytes"
	"unicode/utf8"
)

// splitter finds where an element ends without checking it: it follows tags,
// quotes and CDATA, and counts. Where it goes wrong over something that is not
// well-formed, the check of the element tells. It remembers what it has looked
// at, so that no byte is looked at twice.
//
//	text ──<──▶ opened ──name──▶ tag ⇄ quoted
//	  ▲           ├──/──▶ closing ─┐   │
//	  │           └──!──▶ CDATA ─┐ │   >
//	  └──────────────────────────┴─┴───┘
type splitter struct {
	at        int // bytes looked at
	state     splitState
	depth     int  // of open elements; -1: the end tag of what is around was found
	quote     byte // that ends the attribute's value
	matched   int  // how much of <![CDATA[ there is
	startOnly bool // stop at the end of the first tag
}

type splitState int

const (
	cutText splitState = iota
	cutOpened
	cutTag
	cutQuoted
	cutClosing
	cutCDATAStart
	cutCDATA
)

const cdataStart = "<![CDATA["

// scan looks at what is new in buf, whose beginning is what it was given
// before, and returns where the element ends; 0: not yet.
func (c *splitter) scan(buf []byte) (end int, err error) {
	for c.at < len(buf) {
		done, err := c.step(buf)
		if err != nil {
			return 0, err
		}
		if done {
			return c.at, nil
		}
	}
	return 0, nil
}

// step goes on to the next byte that matters. done: c.at is behind the element.
func (c *splitter) step(buf []byte) (done bool, err error) {
	switch c.state {
	case cutText:
		return false, c.text(buf)
	case cutOpened:
		return false, c.opened(buf[c.at])
	case cutTag:
		return c.tag(buf)
	case cutQuoted:
		if c.skipTo(buf, c.quote) {
			c.state = cutTag
		}
	case cutClosing:
		if c.skipTo(buf, '>') {
			c.state = cutText
			c.depth--
			return c.depth <= 0, nil
		}
	case cutCDATAStart:
		return false, c.cdata(buf)
	case cutCDATA:
		if c.skipTo(buf, '>') && bytes.HasSuffix(buf[:c.at], []byte("]]>")) {
			c.state = cutText
		}
	}
	return false, nil
}

// skipTo goes behind the next b, or to the end of what there is.
func (c *splitter) skipTo(buf []byte, b byte) bool {
	i := bytes.IndexByte(buf[c.at:], b)
	if i < 0 {
		c.at = len(buf)
		return false
	}
	c.at += i + 1
	return true
}

func (c *splitter) text(buf []byte) error {
	if c.depth == 0 && isForeign(buf[c.at]) {
		return fail(UnsupportedEncoding, "not UTF-8")
	}
	if c.depth == 0 && buf[c.at] != '<' {
		return fail(BadFormat, "character data is not allowed here")
	}
	if c.skipTo(buf, '<') {
		c.state = cutOpened
	}
	return nil
}

// opened handles what follows a <.
func (c *splitter) opened(b byte) error {
	switch {
	case b == '/':
		c.state = cutClosing
	case b == '?':
		return fail(RestrictedXML, "processing instructions are not allowed")
	case b == '!' && c.depth == 0:
		return fail(RestrictedXML, "comments and document types are not allowed")
	case b == '!':
		c.state, c.matched = cutCDATAStart, len("<!")
	case b < utf8.RuneSelf && !isNameStart(b):
		return fail(NotWellFormed, "not a legal XML name")
	default:
		c.state = cutTag
		return nil // b is the tag's
	}
	c.at++
	return nil
}

// cdata handles what follows <!, which may only begin a CDATA section.
func (c *splitter) cdata(buf []byte) error {
	if buf[c.at] != cdataStart[c.matched] {
		return fail(RestrictedXML, "comments and document types are not allowed")
	}
	c.at++
	if c.matched++; c.matched == len(cdataStart) {
		c.state = cutCDATA
	}
	return nil
}

func (c *splitter) tag(buf []byte) (done bool, err error) {
	for c.at < len(buf) {
		b := buf[c.at]
		c.at++
		switch b {
		case '"', '\'':
			if !c.skipTo(buf, b) {
				c.quote, c.state = b, cutQuoted
				return false, nil
			}
		case '<':
			return false, fail(NotWellFormed, "a stray < in a tag")
		case '>':
			c.state = cutText
			if buf[c.at-2] != '/' {
				c.depth++
			}
			return c.startOnly || c.depth == 0, nil
		}
	}
	return false, nil
}
