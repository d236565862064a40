package extauth

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"testing"

	"foyer/e2e/peers"

	"github.com/fasthttp/websocket"
)

// visitor is a browser without a screen.
type visitor struct {
	t    *testing.T
	http http.Client
	base string
}

func (s *site) visitor() *visitor {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	transport := &http.Transport{}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &visitor{t: s.t, http: http.Client{Jar: jar, Transport: transport}, base: s.url}
}

func (v *visitor) get(path string) string {
	v.t.Helper()
	res, err := v.http.Get(v.base + path)
	return v.body(res, err)
}

func (v *visitor) body(res *http.Response, err error) string {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		v.t.Fatalf("%s: %s %v", res.Request.URL.Path, res.Status, err)
	}
	return string(raw)
}

var csrf = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// signIn types a password into the site's form, and returns what the site gives the page
// for the chat.
func (v *visitor) signIn(user, password string) (chatPassword string) {
	v.t.Helper()
	token := csrf.FindStringSubmatch(v.get("/signin"))
	if token == nil {
		v.t.Fatal("the form has no token")
	}
	res, err := v.http.PostForm(v.base+"/signin", url.Values{"csrf": {token[1]}, "username": {user}, "password": {password}})
	v.body(res, err)
	var credentials struct{ JID, Password string }
	if err := json.Unmarshal([]byte(v.get("/xmpp/credentials")), &credentials); err != nil {
		v.t.Fatal(err)
	}
	return credentials.Password
}

// A server that knows only real passwords (XMPP_LOGIN=typed): the site hands the page the
// one that was typed, and the gateway passes it on. Where the server knows another one, it
// refuses.
func TestProsody_RealPasswords(t *testing.T) {
	t.Parallel()
	addr, _ := packaged(t).start(t, prosodyOptions{passwords: map[string]string{"alice": password, "bob": "another one"}})
	s := newSiteWith(t, t.TempDir(), map[string]string{"XMPP_UPSTREAM": "xmpp://" + addr, "XMPP_LOGIN": "typed"})
	a, b := s.visitor(), s.visitor()
	good, other := a.signIn("alice", password), b.signIn("bob", password)
	if got := a.chat("alice", good); got != "features" {
		t.Error("what the page is given:", got)
	}
	if got := a.chat("alice", "wrong"); got != refused {
		t.Error("a password that the site does not know:", got)
	}
	if got := b.chat("bob", other); got != refused {
		t.Error("one that the server does not know:", got)
	}
}

// chat signs in to the chat over WebSocket (RFC 7395), as Converse does. It returns what
// comes then: "features", or the SASL condition.
func (v *visitor) chat(user, password string) string {
	v.t.Helper()
	base, err := url.Parse(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	header := http.Header{"Origin": {v.base}}
	for _, c := range v.http.Jar.Cookies(base) {
		header.Add("Cookie", c.String())
	}
	dialer := websocket.Dialer{Subprotocols: []string{"xmpp"}}
	conn, _, err := dialer.Dial("ws://"+base.Host+"/xmpp-websocket", header)
	if err != nil {
		v.t.Fatal(err)
	}
	defer conn.Close()
	var in peers.Element
	say := func(text string, answers int) {
		v.t.Helper()
		if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			v.t.Fatal(err)
		}
		for range answers {
			_, raw, err := conn.ReadMessage()
			if in = (peers.Element{}); err == nil {
				err = xml.Unmarshal(raw, &in)
			}
			if err != nil {
				v.t.Fatal(err)
			}
		}
	}
	open := "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='" + domain + "' version='1.0'/>"
	say(open, 2)
	say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"+base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password))+"</auth>", 1)
	if in.XMLName.Local == "failure" {
		return in.Condition()
	}
	say(open, 2)
	return in.XMLName.Local
}
