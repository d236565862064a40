package muc

import (
	"context"

	"foyer/internal/stanza"
)

// Hat is a role that somebody has beyond the room (XEP-0317).
type Hat struct {
	URI   string // identifies it
	Title string // what people see
}

// hatsOf returns the hats of an account as the element in its presence. Only the
// site gives them: what clients send is taken out (§3.1, S-92).
func (s *Service) hatsOf(ctx context.Context, user string) ([]byte, error) {
	if s.cfg.Hats == nil {
		return nil, nil
	}
	hats, err := s.cfg.Hats(ctx, user)
	if err != nil || len(hats) == 0 {
		return nil, err
	}
	dst := []byte(`<hats xmlns="` + nsHats + `">`)
	for _, h := range hats {
		dst = stanza.AppendAttr(append(dst, "<hat"...), "uri", h.URI)
		dst = append(stanza.AppendAttr(dst, "title", h.Title), "/>"...)
	}
	return append(dst, "</hats>"...), nil
}
