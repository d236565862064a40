package streamtest

import (
	"fmt"

	"foyer/internal/stream"
)

// Steps that nearly every test of a server takes, on a client for which the gateway vouches.

// SignIn goes through SASL EXTERNAL and the restart of the stream (RFC 6120 §6).
func (c *Client) SignIn() {
	c.t.Helper()
	c.Read()
	c.Send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`)
	c.Expect(`<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
	c.Restart()
	c.Read()
}

// Bind asks for a resource and returns the address that the client has from then on (RFC 6120 §7).
func (c *Client) Bind(resource string) (full string) {
	c.t.Helper()
	c.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>` + resource + `</resource></bind></iq>`)
	return c.Expect(`<iq xmlns="jabber:client" type="result" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>{jid}</jid></bind></iq>`)["jid"]
}

// Until reads up to the element that matches, and returns what the pattern captures.
func (c *Client) Until(pattern string) map[string]string {
	c.t.Helper()
	for {
		if got, err := Match(pattern, c.Read().Raw); err == nil {
			return got
		}
	}
}

// Sync returns everything up to the answer of a ping to h: what the server had for the client is
// read then. The id is the client's own, because after a resumption old answers may come again.
func (c *Client) Sync() (before []*stream.Element) {
	c.t.Helper()
	c.syncs++
	id := fmt.Sprintf("sync-%p-%d", c, c.syncs)
	c.Send(`<iq xmlns="jabber:client" type="get" id="` + id + `" to="h"><ping xmlns="urn:xmpp:ping"/></iq>`)
	for {
		e := c.Read()
		if e.Name.Local == "iq" && e.ID == id {
			return before
		}
		before = append(before, e)
	}
}
