package instances

import (
	"net/url"
	"testing"

	"foyer/e2e/peers"
)

// TestSignOut: two instances and the nodes behind them are one site. A sign-out at one
// instance ends the streams that the other one carries, whichever node they end at.
func TestSignOut(t *testing.T) {
	count := 1
	if *full {
		count = 2
	}
	n := reserveNodes(t, peers.Ejabberd(t), count)
	s := newSite(t, "XMPP_UPSTREAM="+n.upstream())
	s.addPeople(t, 1)
	n.start(t, s)
	first, second := s.instances[0], s.instances[1]
	for _, out := range []struct {
		name, page, action string
		same               bool // the session that signs out is the one whose streams end
	}{
		{"everywhere else", "/settings", "/settings/sessions/others/end", false},
		{"this browser", "/settings", "/signout", true},
	} {
		t.Run(out.name, func(t *testing.T) {
			here := s.signIn(t, account(0), first)
			elsewhere := here
			if !out.same {
				elsewhere = s.signIn(t, account(0), second)
			}
			var lines []line
			for _, transport := range []string{webSocket, bosh, webSocket, bosh} { // some end at each node
				k := newTalker(elsewhere.at(second), transport, account(0))
				l, _, err := k.connect(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer l.close()
				lines = append(lines, l)
			}
			here.submit(out.page, out.action, url.Values{})
			for _, l := range lines {
				for {
					if _, err := until(l, "", ""); err != nil {
						t.Log("the stream ends with", err)
						break
					}
				}
			}
		})
	}
}

// TestCrashes: an instance and then a node are killed under people who talk. Everybody
// comes back without help, nothing that had arrived is lost, and nothing is there twice;
// save for what ejabberd itself loses with a node (mayBeMissing).
func TestCrashes(t *testing.T) {
	for version, release := range map[string]func(testing.TB) peers.EjabberdRelease{"23.01": peers.Ejabberd, "24.12": peers.NewerEjabberd} {
		t.Run("ejabberd "+version, func(t *testing.T) { crash(t, release(t)) })
	}
}

func crash(t *testing.T, release peers.EjabberdRelease) {
	const size = 24
	n := reserveNodes(t, release, 2)
	s := newSite(t, "XMPP_UPSTREAM="+n.upstream())
	s.addPeople(t, size)
	n.start(t, s)
	c := gather(t, s, size)
	c.until("they talk", 5)
	c.kill("an instance", s.instances[0].Signal)
	c.killNode(n.busiest().Signal)
	c.end()
	c.check()
}
