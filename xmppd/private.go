package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Private XML storage (XEP-0049).

// maxPrivate is the maximum size of a piece of private XML in bytes.
const maxPrivate = 64 << 10

func privateHandlers() map[iqKey]iqHandler {
	query := stream.Name{Space: stanza.NSPrivate, Local: "query"}
	forbidden := func(context.Context, *session, *stream.Element, stream.Child) ([]byte, error) {
		return nil, stanza.ErrForbidden // another's storage (§2, S-50)
	}
	return map[iqKey]iqHandler{
		{toSelf, "get", query}:    handlePrivateGet,
		{toSelf, "set", query}:    handlePrivateSet,
		{toAccount, "get", query}: forbidden,
		{toAccount, "set", query}: forbidden,
	}
}

// privateElement is the one element that a request is about.
func privateElement(query stream.Child) (stream.Child, error) {
	var found []stream.Child
	for c := range query.Children() {
		found = append(found, c)
	}
	if len(found) != 1 || found[0].Name.Space == "" || found[0].Name.Space == stanza.NSPrivate {
		return stream.Child{}, stanza.ErrBadRequest
	}
	return found[0], nil
}

func handlePrivateGet(ctx context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	c, err := privateElement(query)
	if err != nil {
		return nil, err
	}
	raw, err := s.server.stores.Private.Private(ctx, s.user, c.Name)
	if errors.Is(err, ErrNotFound) {
		raw, err = c.Raw(), nil // nothing stored: the request comes back
	}
	if view := s.server.mounted.private[c.Name]; view != nil && err == nil {
		raw, err = view.ReadPrivate(ctx, s.user, raw)
	}
	if err != nil {
		return nil, err
	}
	return append(append([]byte(`<query xmlns="`+stanza.NSPrivate+`">`), raw...), "</query>"...), nil
}

func handlePrivateSet(ctx context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	c, err := privateElement(query)
	if err != nil {
		return nil, err
	}
	raw := c.Raw()
	if len(raw) > maxPrivate {
		return nil, stanza.ErrNotAcceptable
	}
	if view := s.server.mounted.private[c.Name]; view != nil {
		if raw, err = view.WritePrivate(ctx, s.user, c); err != nil {
			return nil, err
		}
	}
	return nil, s.server.stores.Private.SetPrivate(ctx, s.user, c.Name, raw)
}
