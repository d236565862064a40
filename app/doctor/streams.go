package doctor

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// webSocket: the upgrade gets through the proxy (RFC 7395 §3.1).
func (d *Doctor) webSocket(ctx context.Context) []Finding {
	const check = "WebSocket"
	a, err := d.get(ctx, "/xmpp-websocket", http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Protocol": {"xmpp"},
		"Sec-Websocket-Key": {base64.StdEncoding.EncodeToString([]byte("sixteen bytes ..")[:16])}, "Origin": {d.BaseURL},
	})
	switch {
	case err != nil:
		return unanswered(check, err)
	case a.status == http.StatusSwitchingProtocols:
		return ok(check, "the upgrade gets through")
	case a.status == http.StatusForbidden:
		return fail(check, "The site that runs must have BASE_URL="+d.BaseURL+"; restart it after a change.", "the site takes its own pages for foreign ones")
	}
	return fail(check, `nginx: proxy_http_version 1.1, and proxy_set_header for Upgrade and Connection, as in deploy/nginx/foyer.conf; Apache: ProxyPass … upgrade=websocket.`,
		"the proxy does not pass on the upgrade (%d); people's chats go over BOSH, which costs more", a.status)
}

// httpBody is a body of BOSH (XEP-0124).
type httpBody struct {
	XMLName   xml.Name `xml:"body"`
	SID       string   `xml:"sid,attr"`
	Type      string   `xml:"type,attr"`
	Condition string   `xml:"condition,attr"`
	Inner     string   `xml:",innerxml"`
}

// boshSession is a BOSH session with the site.
type boshSession struct {
	d   *Doctor
	sid string
	rid int
}

// endedBOSH is the condition that a session ended with (XEP-0124 §17.2).
type endedBOSH string

func (e endedBOSH) Error() string { return "the session ended: " + string(e) }

var errNotBOSH = errors.New("what came back is no BOSH")

// send sends what a body holds, and returns what comes back.
func (s *boshSession) send(ctx context.Context, attributes, content string) (httpBody, answer, error) {
	s.rid++
	if s.sid != "" {
		attributes = fmt.Sprintf(`sid="%s" %s`, s.sid, attributes)
	}
	raw := fmt.Sprintf(`<body xmlns="%s" xmlns:xmpp="%s" rid="%d" %s>%s</body>`, stream.NSHTTPBind, stream.NSXBOSH, s.rid, attributes, content)
	a, err := s.d.ask(ctx, http.MethodPost, s.d.BaseURL+"/http-bind", http.Header{"Content-Type": {"text/xml"}}, raw, s.d.Wait+timeout)
	if err != nil {
		return httpBody{}, a, err
	}
	var body httpBody
	if a.status != http.StatusOK || xml.Unmarshal([]byte(a.body), &body) != nil || body.XMLName.Space != stream.NSHTTPBind {
		return body, a, errNotBOSH
	}
	if body.Type == "terminate" {
		return body, a, endedBOSH(body.Condition)
	}
	return body, a, nil
}

// bosh: a request may wait for as long as Converse asks for (B-60).
func (d *Doctor) bosh(ctx context.Context) []Finding {
	const check = "BOSH"
	s := &boshSession{d: d, rid: 1}
	body, a, err := s.send(ctx, fmt.Sprintf(`to="%s" wait="%d" hold="1" ver="1.6" xmpp:version="1.0"`, d.Domain, int(d.Wait.Seconds())), "")
	if err != nil {
		return fail(check, d.mendOpening(err), "a session cannot be opened (%d): %v", a.status, err)
	}
	s.sid = body.SID
	switch {
	case d.Quick:
		_, _, _ = s.send(ctx, `type="terminate"`, "")
		return ok(check, "sessions can be opened; whether the proxy waits for a minute was left out")
	case d.RealPasswords:
		_, _, _ = s.send(ctx, `type="terminate"`, "")
		return warn(check, "Compare the proxy's time-outs with those of the files in deploy/.",
			"sessions can be opened; whether the proxy waits for a minute was not looked at, since only people's own passwords sign in")
	case d.SignIn == nil:
		_, _, _ = s.send(ctx, `type="terminate"`, "")
		return warn(check, "Create an account (foyer user add), and try again.", "sessions can be opened; whether the proxy waits for a minute takes an account")
	}
	if err := s.signIn(ctx); err != nil {
		return fail("sign-in", "Look at the site's log: journalctl -u foyer.", "a token of the site does not sign in to the chat: %v", err)
	}
	found := append(ok("sign-in", "a token signs in to the chat"), s.poll(ctx, check)...)
	_, _, _ = s.send(ctx, `type="terminate"`, "")
	return found
}

// mendOpening says what to change when a session cannot be opened: if the site has ended
// it, the proxy has passed it on.
func (d *Doctor) mendOpening(err error) string {
	var ended endedBOSH
	if !errors.As(err, &ended) {
		return "Let the proxy pass on /http-bind like everything else."
	}
	switch ended {
	case "host-unknown", "host-gone", "improper-addressing":
		return "The site that runs must have XMPP_DOMAIN=" + d.Domain + ", as this command has; restart it after a change."
	case "policy-violation":
		return "This machine's address has met a limit: try again later, and see STREAMS_PER_ADDRESS and NEW_STREAMS_PER_ADDRESS if people meet it too."
	}
	return "The chat is not available: look at the site's log (journalctl -u foyer), and at the chat server of XMPP_UPSTREAM, if there is one."
}

// signIn signs in with a token, and binds; without presence nobody notices.
func (s *boshSession) signIn(ctx context.Context) error {
	jid, token, err := s.d.SignIn(ctx)
	if err != nil {
		return err
	}
	user, _, _ := strings.Cut(jid, "@")
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + token))
	for _, step := range []struct{ attributes, content, want string }{
		{"", `<auth xmlns="` + stanza.NSSASL + `" mechanism="PLAIN">` + plain + `</auth>`, "<success"},
		{`xmpp:restart="true" to="` + s.d.Domain + `"`, "", "bind"},
		{"", `<iq xmlns="jabber:client" type="set" id="bind"><bind xmlns="` + stanza.NSBind + `"/></iq>`, "<jid>"},
	} {
		body, _, err := s.send(ctx, step.attributes, step.content)
		if err != nil {
			return err
		}
		if !strings.Contains(body.Inner, step.want) {
			return fmt.Errorf("the server answers %.200s", body.Inner)
		}
	}
	return nil
}

// Polls that bring something are repeated, up to so many.
const maxPolls = 5

// poll waits once for as long as a poll may take.
func (s *boshSession) poll(ctx context.Context, check string) []Finding {
	const mend = "Above 59 s, and reload it: nginx proxy_read_timeout 75s; in foyer.conf; Apache timeout=75 of ProxyPass in foyer.conf; Caddy response_header_timeout 75s in the Caddyfile (as in deploy/); " +
		"and the same of whatever stands before those."
	for range maxPolls {
		_, a, err := s.send(ctx, "", "")
		took := a.took.Round(time.Second)
		switch {
		case errors.Is(err, errNotBOSH):
			return fail(check, mend, "the proxy gave up a poll after %s, with %d and a page that chat programs cannot read", took, a.status)
		case err != nil:
			return fail(check, mend, "a poll was cut off after %s: %v", took, err)
		case a.took >= s.d.Wait*9/10:
			return ok(check, "a poll waited for %s", took)
		}
	}
	return warn(check, "Try again when that person is not in the chat.", "there was always something to say, so that no poll waited")
}
