package instances

import (
	"context"
	"errors"
	"fmt"
	"time"

	"foyer/internal/stream"
)

// The two ways into the chat.
const (
	webSocket = "websocket"
	bosh      = "bosh"
)

// timeout bounds a wait for another program: the relay waits for 30 s itself.
const timeout = time.Minute

// line is somebody's stream. An error means that it is lost.
type line interface {
	send(elements ...string) error
	next() (*stream.Element, error)
	open() error // opens the stream, or opens it again after SASL
	close()
}

// limits of what the gateway sends.
var limits = stream.Limits{Bytes: 1 << 20}

// errEnded: the gateway ended the stream with a stream error, in order.
type errEnded struct{ condition string }

func (e *errEnded) Error() string { return "the stream ended with " + e.condition }

// until reads to the next element with that name and that id, each of which may be empty.
func until(l line, name, id string) (*stream.Element, error) {
	for {
		el, err := l.next()
		switch {
		case err != nil:
			return nil, err
		case el.Name == stream.Name{Space: stream.NSStream, Local: "error"}:
			return nil, &errEnded{el.Child.Local}
		case el.Name.Local == "failure", el.Name.Local == "close":
			return nil, fmt.Errorf("%s", el.Raw)
		case (name == "" || el.Name.Local == name) && (id == "" || el.ID == id):
			return el, nil
		}
	}
}

// signIn signs in by the cookie, up to the features that follow.
func signIn(l line) error {
	if err := l.open(); err != nil {
		return err
	}
	if _, err := until(l, "features", ""); err != nil {
		return err
	}
	if err := l.send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`); err != nil {
		return err
	}
	if _, err := until(l, "success", ""); err != nil {
		return err
	}
	if err := l.open(); err != nil {
		return err
	}
	_, err := until(l, "features", "")
	return err
}

// bind binds a resource, and is available.
func bind(l line) error {
	if err := l.send(`<iq xmlns="jabber:client" type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`); err != nil {
		return err
	}
	if _, err := until(l, "iq", "bind"); err != nil {
		return err
	}
	return errors.Join(l.send(`<presence xmlns="jabber:client"/>`, ping("here")), await(l, "here"))
}

func ping(id string) string {
	return `<iq xmlns="jabber:client" type="get" to="` + domain + `" id="` + id + `"><ping xmlns="urn:xmpp:ping"/></iq>`
}

// await waits for the answer to a question.
func await(l line, id string) error {
	_, err := until(l, "iq", id)
	return err
}

// pause waits a little, less than anybody notices.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
