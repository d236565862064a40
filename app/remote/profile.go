package remote

import (
	"context"
	"encoding/base64"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Profile is what the site says of a person.
type Profile struct {
	Name      string
	Photo     []byte // nil: none
	PhotoType string // of the picture, such as image/png
}

// SetProfile writes name and picture into the card of the session's account (XEP-0054).
// What else apps wrote there stays.
func (s *Session) SetProfile(ctx context.Context, p Profile) error {
	el, err := s.iq(ctx, "get", "", `<vCard xmlns="`+stanza.NSVCard+`"/>`)
	if err != nil && !isRefusal(err, "item-not-found") { // XEP-0054 §3.2: there is none yet
		return err
	}
	card := []byte(`<vCard xmlns="` + stanza.NSVCard + `"/>`)
	if err == nil {
		if old, ok := el.Find(stanza.NSVCard, "vCard"); ok {
			card = old.Raw()
		}
	}
	parsed, err := stream.Parse(card, stream.Limits{Bytes: 1 << 20})
	if err != nil {
		return err
	}
	ours := func(c stream.Child) bool { return c.Name.Local == "FN" || c.Name.Local == "PHOTO" }
	card = parsed.Edit().Drop(ours).Append(p.elements()).Bytes()
	_, err = s.iq(ctx, "set", "", string(card))
	return err
}

func (p Profile) elements() []byte {
	out := []byte(`<FN xmlns="` + stanza.NSVCard + `">` + stream.Escape(p.Name) + `</FN>`)
	if len(p.Photo) > 0 {
		out = append(out, `<PHOTO xmlns="`+stanza.NSVCard+`"><TYPE>`+stream.Escape(p.PhotoType)+`</TYPE><BINVAL>`...)
		out = base64.StdEncoding.AppendEncode(out, p.Photo)
		out = append(out, `</BINVAL></PHOTO>`...)
	}
	return out
}
