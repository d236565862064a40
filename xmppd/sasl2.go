package xmppd

import (
	"context"
	"encoding/base64"

	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// The extensible SASL profile (XEP-0388): the mechanisms of sasl.go, no restart
// afterwards, and what else a client wants along with it: resumption (XEP-0198
// §9), a resource (bind2.go), a token (fast.go). It is for native clients;
// browsers have no use for it.

// offersSASL2 reports whether the profile is there for the client. BOSH restarts
// in its own ways.
func (c *conn) offersSASL2() bool {
	return c.peer.Native && c.peer.Transport != stream.BOSH && len(sasl.Names(c.saslOptions())) > 0
}

// appendSASL2 appends the feature (XEP-0388 §2.2).
func (c *conn) appendSASL2(dst []byte) []byte {
	if !c.offersSASL2() {
		return dst
	}
	dst = append(dst, `<authentication xmlns="`+stanza.NSSASL2+`">`...)
	dst = sasl.AppendMechanisms(dst, sasl.Names(c.saslOptions()))
	dst = append(dst, `<inline><sm xmlns="`+stanza.NSSM+`"/>`+bind2Feature...)
	dst = c.appendFAST(dst)
	return append(dst, `</inline></authentication>`...)
}

// sasl2Request is what <authenticate/> asks for.
type sasl2Request struct {
	mechanism string
	initial   string // base64
	begun     bool   // there is an initial response
	agent     string // the client's own id; empty: it tells none
	resume    *stream.Child
	bind      *bind2Request
	fast      *fastRequest
	token     string // the mechanism that a token is wanted for; empty: none
}

// maxAgent is the maximum length, in bytes, of a client's id that is used; ids are UUIDs.
const maxAgent = 128

func parseSASL2(el *stream.Element) *sasl2Request {
	r := &sasl2Request{}
	r.mechanism, _ = el.Attr("mechanism")
	for child := range el.Children() {
		switch child.Name {
		case stream.Name{Space: stanza.NSSASL2, Local: "initial-response"}:
			r.initial, r.begun = child.Text(), true
		case stream.Name{Space: stanza.NSSASL2, Local: "user-agent"}:
			if id, _ := child.Attr("id"); len(id) <= maxAgent {
				r.agent = id
			}
		case stream.Name{Space: stanza.NSSM, Local: "resume"}:
			r.resume = &child
		case stream.Name{Space: nsBind2, Local: "bind"}:
			r.bind = parseBind2(child)
		case stream.Name{Space: nsFAST, Local: "fast"}:
			r.fast = parseFAST(child)
		case stream.Name{Space: nsFAST, Local: "request-token"}:
			r.token, _ = child.Attr("mechanism")
		}
	}
	return r
}

// sasl2Exchange is one exchange after the other:
//
//	(none) ──authenticate──▶ under way ──response──▶ done
type sasl2Exchange struct {
	conn    *conn
	request *sasl2Request
	running sasl.Mechanism // nil: none is under way
}

// takes reports whether an element belongs to the exchange that is under way: its response, or
// its end.
func (x *sasl2Exchange) takes(el *stream.Element) bool {
	return el.Name.Space == stanza.NSSASL2 && (el.Name.Local == "response" || el.Name.Local == "abort")
}

// handle answers one element.
func (x *sasl2Exchange) handle(ctx context.Context, el *stream.Element) (signInResult, error) {
	c := x.conn
	step, err := x.step(ctx, el)
	switch {
	case err != nil:
		failure := c.failureOf(err)
		return signInResult{failed: failure}, c.reply([]byte(`<failure xmlns="` + stanza.NSSASL2 + `"><` + string(failure) + ` xmlns="` + stanza.NSSASL + `"/></failure>`))
	case !step.Done:
		return signInResult{}, c.reply([]byte(`<challenge xmlns="` + stanza.NSSASL2 + `">` + base64.StdEncoding.EncodeToString(step.Reply) + `</challenge>`))
	}
	s, err := c.answerSASL2(ctx, x.request, step)
	return signInResult{done: true, session: s}, err
}

// step handles one element, which takes has let through while an exchange is under way.
func (x *sasl2Exchange) step(ctx context.Context, el *stream.Element) (sasl.Step, error) {
	m := x.running
	x.running = nil
	text := ""
	switch {
	case el.Name.Local == "abort":
		return sasl.Step{}, sasl.Aborted
	case el.Name.Local == "authenticate" && m == nil:
		x.request = parseSASL2(el)
		var err error
		if m, err = x.begin(); err != nil {
			return sasl.Step{}, err
		}
		if !x.request.begun {
			x.running = m
			return sasl.Step{}, nil
		}
		text = x.request.initial
	case el.Name.Local == "response" && m != nil:
		text = el.Text()
	default:
		return sasl.Step{}, sasl.MalformedRequest
	}
	message, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return sasl.Step{}, sasl.IncorrectEncoding
	}
	step, err := m.Next(ctx, message)
	switch from := x.conn.peer.From; {
	case err != nil:
	case !step.Done:
		x.running = m
	case from != "" && from != step.Identity.User+"@"+x.conn.server.domain:
		// XEP-0388 §2.3: the stream was opened in the name of somebody else.
		return sasl.Step{}, sasl.InvalidAuthzid
	}
	return step, err
}

func (x *sasl2Exchange) begin() (sasl.Mechanism, error) {
	if x.request.fast == nil {
		return sasl.New(x.request.mechanism, x.conn.saslOptions())
	}
	return x.conn.newFAST(x.request)
}

// answerSASL2 does what was asked for along with signing in, and answers: success
// first, the features next (XEP-0388 §2.6.1); to a resumed session, which has had
// them, what it missed (XEP-0198 §9.2).
func (c *conn) answerSASL2(ctx context.Context, r *sasl2Request, step sasl.Step) (*session, error) {
	c.setIdentity(step.Identity)
	if l, ok := c.stream.(stream.AuthDeadliner); ok {
		l.StopAuthDeadline()
	}
	w := &welcome{conn: c, additional: step.Reply, token: c.newToken(ctx, r)}
	var failed []byte
	if r.resume != nil {
		var s *session
		var err error
		s, failed, err = c.resume(ctx, *r.resume, func(resumed []byte) [][]byte { return [][]byte{w.success(c.bareJID(), resumed)} })
		if s != nil || err != nil {
			return s, err
		}
	}
	if r.bind != nil {
		if s, err := c.bind2(ctx, r, w, failed); s != nil || err != nil {
			return s, err
		}
	}
	// The features come from bind, the next state.
	return nil, c.reply(w.success(c.bareJID(), failed))
}

// bareJID is the address of the account that signed in.
func (c *conn) bareJID() string { return c.identity.User + "@" + c.server.domain }

// welcome is what a success consists of, apart from the session.
type welcome struct {
	conn       *conn
	additional []byte // nil: none
	token      []byte // <token/>, or nothing
}

// answer is the success of a stream that has a new session, managed or not
// (XEP-0198), with its features.
func (w *welcome) answer(jid string, session []byte, managed bool) [][]byte {
	return [][]byte{w.success(jid, session), w.conn.features("", !managed && w.conn.resumable())}
}

func (w *welcome) success(jid string, session []byte) []byte {
	dst := []byte(`<success xmlns="` + stanza.NSSASL2 + `">`)
	if w.additional != nil {
		dst = append(dst, `<additional-data>`+base64.StdEncoding.EncodeToString(w.additional)+`</additional-data>`...)
	}
	dst = append(stream.AppendEscaped(append(dst, `<authorization-identifier>`...), jid), `</authorization-identifier>`...)
	return append(append(append(dst, session...), w.token...), `</success>`...)
}
