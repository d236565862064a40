package cli

import (
	"strings"
	"testing"
)

// The operator makes a room under a name that a template can say, and sees which there are.
func TestRoom(t *testing.T) {
	c := newTerminal(t, nil)
	c.says("is created", "", "user", "add", "zoe", "--no-password")
	c.says(`garden@conference.localhost, and templates show it with {{room "garden"}}`, "", "room", "add", "Garden", "--title", "The garden", "--about", "Beans", "--owner", "Zoe", "--on-pages")
	out, err := c.run("", "room", "add", "shed", "--title", "The shed")
	if err != nil || !strings.Contains(out, "Pages show nothing of it yet") {
		t.Error(out, err)
	}
	c.fails("there is a room garden already", "", "room", "add", "garden", "--title", "Another")
	c.fails("cannot be a room's name", "", "room", "add", "a room", "--title", "x")
	c.fails("--title", "", "room", "add", "hut")
	c.fails("shorter", "", "room", "add", "hut", "--title", strings.Repeat("x", 61))
	c.fails(`no account "yan"`, "", "room", "add", "hut", "--title", "x", "--owner", "yan")
	c.says("garden\tThe garden\tzoe\ton pages\nshed\tThe shed\t\n", "", "room", "list")
	c.says(`{"name":"garden","jid":"garden@conference.localhost","title":"The garden","owners":["zoe"],"public":true,"membersOnly":false,"onPages":true}`, "", "room", "list", "--json")

	external := newTerminal(t, map[string]string{"XMPP_UPSTREAM": "xmpp://localhost:5222"})
	external.fails("XMPP_UPSTREAM", "", "room", "add", "garden", "--title", "x")
	external.fails("XMPP_UPSTREAM", "", "room", "list")
}
