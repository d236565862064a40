package sasl

import (
	"context"
	"encoding/base64"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// The profile of RFC 6120 §6: how the messages of a mechanism travel in elements of a
// stream.

// discardedExchanges is how many exchanges a client may give up for another one that
// waits to be asked as well.
const discardedExchanges = 3

// Exchange is one exchange after the other, of one stream. It is for one goroutine.
//
//	(none) ──auth──▶ under way ──response──▶ done
//	                  ▲      │
//	                  └──────┘ response
type Exchange struct {
	Options   func() Options // what is offered now
	running   Mechanism      // nil: none is under way
	discarded int            // exchanges that a new <auth/> cut short
}

// Next handles one element of the client. A new <auth/> discards the exchange under way
// (RFC 6120 §6.4.2, S-18), but not for ever. Errors are as for Mechanism.
func (x *Exchange) Next(ctx context.Context, el *stream.Element) (Step, error) {
	m := x.running
	x.running = nil
	text := el.Text()
	switch {
	case el.Name.Local == "abort":
		return Step{}, Aborted
	case el.Name.Local == "auth":
		if m != nil {
			x.discarded++
		}
		name, _ := el.Attr("mechanism")
		var err error
		if m, err = New(name, x.Options()); err != nil {
			return Step{}, err
		}
		if text == "" && x.discarded < discardedExchanges {
			// §6.4.2: the client waits to be asked.
			x.running = m
			return Step{}, nil
		}
	case el.Name.Local != "response" || m == nil:
		return Step{}, MalformedRequest
	}
	message, err := Decode(text)
	if err != nil {
		return Step{}, err
	}
	step, err := m.Next(ctx, message)
	if err == nil && !step.Done {
		x.running = m
	}
	return step, err
}

// Element is one of the profile's own: a challenge, a success, or a failure with its
// condition inside. The content is empty, or XML.
func Element(name, content string) []byte {
	if content == "" {
		return []byte(`<` + name + ` xmlns="` + stanza.NSSASL + `"/>`)
	}
	return []byte(`<` + name + ` xmlns="` + stanza.NSSASL + `">` + content + `</` + name + `>`)
}

// FailureElement tells the client of a failure.
func FailureElement(f Failure) []byte { return Element("failure", `<`+string(f)+`/>`) }

// Encode encodes what goes with a challenge or success; nothing at all is told from
// something empty (RFC 6120 §6.4.2).
func Encode(data []byte) string {
	switch {
	case data == nil:
		return ""
	case len(data) == 0:
		return "="
	}
	return base64.StdEncoding.EncodeToString(data)
}

// Decode decodes a response; = stands for one of no length (RFC 6120 §6.4.2).
func Decode(text string) ([]byte, error) {
	if text == "=" || text == "" {
		return nil, nil
	}
	response, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, IncorrectEncoding
	}
	return response, nil
}

// AppendMechanisms appends what the features of a stream say about the mechanisms.
func AppendMechanisms(dst []byte, names []string) []byte {
	for _, m := range names {
		dst = append(append(append(dst, "<mechanism>"...), m...), "</mechanism>"...)
	}
	return dst
}
