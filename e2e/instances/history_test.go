package instances

import (
	"strconv"
	"strings"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// letter is a message as somebody gets it.
type letter struct {
	id      string
	from    string // bare
	archive string // its id in the archive of the one who gets it; empty: none
	live    bool   // it came by itself
}

// letterOf returns the message that an element is, or brings from the archive. It reports
// false for everything else.
func letterOf(el *stream.Element, account string) (letter, bool) {
	if result, ok := el.Find(stanza.NSMAM, "result"); ok {
		m := inside(result)
		m.archive, _ = result.Attr("id")
		return m, m.id != ""
	}
	if _, ok := el.Find(stream.NSClient, "body"); !ok || el.Name.Local != "message" || el.Type != "chat" {
		return letter{}, false
	}
	m := letter{id: el.ID, from: bare(el.From), live: true}
	for c := range el.Children() {
		if by, _ := c.Attr("by"); c.Name.Local == "stanza-id" && by == account {
			m.archive, _ = c.Attr("id")
		}
	}
	return m, true
}

// inside is the message of a result (XEP-0313 §4.2).
func inside(result stream.Child) (m letter) {
	forwarded, _ := result.Find(stanza.NSForward, "forwarded")
	message, ok := forwarded.Find(stream.NSClient, "message")
	if ok {
		m.id, _ = message.Attr("id")
		from, _ := message.Attr("from")
		m.from = bare(from)
	}
	return m
}

func bare(address string) string {
	account, _, _ := strings.Cut(address, "/")
	return account
}

// page is how many messages are asked for at once.
const page = 100

// history gets what the archive has behind an id, oldest first (XEP-0313, XEP-0059).
func (k *talker) history(l line, after string, each func(letter)) error {
	for {
		k.pings++
		id := "history-" + strconv.Itoa(k.pings)
		behind := ""
		if after != "" {
			behind = "<after>" + after + "</after>"
		}
		err := l.send(`<iq xmlns="jabber:client" type="set" id="` + id + `"><query xmlns="` + stanza.NSMAM + `" queryid="` + id + `"><set xmlns="http://jabber.org/protocol/rsm"><max>` +
			strconv.Itoa(page) + `</max>` + behind + `</set></query></iq>`)
		if err != nil {
			return err
		}
		n := 0
		for {
			el, err := until(l, "", "")
			if err != nil {
				return err
			}
			if el.Name.Local == "iq" && el.ID == id {
				break
			}
			m, ok := letterOf(el, jid(k.user))
			if ok {
				each(m)
			}
			if el.Child.Local == "result" {
				n, after = n+1, m.archive
			}
		}
		if n < page {
			return nil
		}
	}
}
