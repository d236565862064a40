package pep

import (
	"strings"
	"testing"
)

// names that people publish go by the rule for all names, as those in vCards
// do (XEP-0172, XEP-0292).
func TestNickname_Published(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.online("alice", "a")
	publish := func(node, payload string) string {
		return inPubsub("set", "", `<publish node="`+node+`"><item id="current">`+payload+`</item></publish>`)
	}
	nick := func(name string) string { return `<nick xmlns="http://jabber.org/protocol/nick">` + name + `</nick>` }
	card := func(name string) string {
		return `<vcard xmlns="urn:ietf:params:xml:ns:vcard-4.0"><fn><text>` + name + `</text></fn></vcard>`
	}
	for _, name := range []string{"Al&#x200B;ice", "&#x202E;ecila", strings.Repeat("x", 65)} {
		alice.refused(publish(nodeNick, nick(name)), "modify", "not-acceptable")
		alice.refused(publish(nodeVCard4, card(name)), "modify", "not-acceptable")
	}
	alice.refused(publish(nodeVCard4, card("Al\nice")), "modify", "not-acceptable")
	alice.ask(publish(nodeVCard4, card("Alice · Design")), `<iq xmlns="jabber:client" type="result" id="p"><any xmlns="test"/></iq>`)
	alice.ask(publish(nodeNick, nick(" Al\nice ❤\uFE0F")), `<iq xmlns="jabber:client" type="result" id="p"><any xmlns="test"/></iq>`)
	alice.ask(`<iq xmlns="jabber:client" type="get" id="g"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="`+nodeNick+`"/></pubsub></iq>`,
		`<iq xmlns="jabber:client" type="result" id="g"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="`+nodeNick+`"><item id="current"><nick xmlns="http://jabber.org/protocol/nick">Al ice ❤</nick></item></items></pubsub></iq>`)
}

// a picture inside a vCard 4 (RFC 6351, XEP-0292) would be seen as it was sent, with where it was taken.
func TestVCard4_Pictures(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.online("alice", "a")
	publish := func(inside string) string {
		return inPubsub("set", "", `<publish node="`+nodeVCard4+`"><item id="current"><vcard xmlns="`+nsVCard4+`"><fn><text>Alice</text></fn>`+inside+`</vcard></item></publish>`)
	}
	for _, inside := range []string{
		`<photo><uri>data:image/jpeg;base64,/9j/4AAQ</uri></photo>`,
		`<photo><parameters><mediatype><text>image/jpeg</text></mediatype></parameters><uri> DATA:image/jpeg;base64,/9j/4AAQ</uri></photo>`,
		`<logo><uri>data:,x</uri></logo>`,
	} {
		alice.refused(publish(inside), "modify", "not-acceptable")
	}
	for _, inside := range []string{`<photo><uri>https://example.org/alice.jpg</uri></photo>`, `<url><uri>https://example.org/data:</uri></url>`, `<photo/>`} {
		alice.ask(publish(inside), `<iq xmlns="jabber:client" type="result" id="p"><any xmlns="test"/></iq>`)
	}
}
