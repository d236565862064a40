package instances

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"foyer/internal/stream"
)

// boshLine is XMPP over BOSH (XEP-0124, XEP-0206), one request after the other.
type boshLine struct {
	ctx    context.Context
	person *person
	sid    string
	rid    uint64
	came   []*stream.Element
	ended  string // the condition that it ended with
}

const boshBody = `<body xmlns="http://jabber.org/protocol/httpbind" xmlns:xmpp="urn:xmpp:xbosh" `

func (p *person) openBOSH(ctx context.Context) (*boshLine, error) {
	return &boshLine{ctx: ctx, person: p, rid: rand.Uint64N(1 << 40)}, nil
}

func (l *boshLine) open() error {
	if l.sid == "" {
		return l.post(`to="`+domain+`" wait="59" hold="1" ver="1.6" xmpp:version="1.0"`, "")
	}
	return l.post(`sid="`+l.sid+`" to="`+domain+`" xmpp:restart="true"`, "")
}

func (l *boshLine) send(elements ...string) error {
	return l.post(`sid="`+l.sid+`"`, strings.Join(elements, ""))
}

func (l *boshLine) next() (*stream.Element, error) {
	for len(l.came) == 0 {
		if l.ended != "" {
			return nil, &errEnded{l.ended}
		}
		if err := l.post(`sid="`+l.sid+`"`, ""); err != nil {
			return nil, err
		}
	}
	el := l.came[0]
	l.came = l.came[1:]
	return el, nil
}

// close lets the client vanish.
func (l *boshLine) close() {}

// post makes a request, and waits for its answer.
func (l *boshLine) post(attrs, payload string) error {
	l.rid++
	body := boshBody + `rid="` + strconv.FormatUint(l.rid, 10) + `" ` + attrs + `>` + payload + `</body>`
	ctx, cancel := context.WithTimeout(l.ctx, timeout+timeout/2) // a poll waits for 59 s itself
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.person.site.url+"/http-bind", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = l.person.header()
	raw, err := exchange(&l.person.http, req)
	if err != nil {
		return err
	}
	answer, err := stream.ParseBody(raw, limits)
	if err != nil {
		return fmt.Errorf("%s: %w", raw, err)
	}
	if l.sid == "" {
		l.sid = answer.Attr("sid")
	}
	l.came = append(l.came, answer.Elements...)
	if answer.Attr("type") == "terminate" {
		l.ended = answer.Attr("condition")
	}
	return nil
}
