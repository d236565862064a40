package auth

import (
	"errors"
	"testing"

	"foyer/internal/sasl"
	"foyer/internal/stream"
)

// A token for the server behind the gateway is somebody's own, and made only while
// their session stands; the site itself has an address there that no account can
// have.
func TestUpstream(t *testing.T) {
	s := newSite(t, nil)
	ann := s.account("ann")
	in, err := s.signIn("ann", testPassword)
	if err != nil {
		t.Fatal(err)
	}
	session, _, err := s.Session(t.Context(), in.Secret)
	if err != nil {
		t.Fatal(err)
	}
	id := ChatIdentity(ann, session)
	user, secret, err := s.Upstream(t.Context(), id)
	if err != nil || user != "ann" {
		t.Fatal(user, err)
	}
	if claims, err := s.tokenKeys.verify(t.Context(), secret); err != nil || claims.JID != "ann@h" || claims.Session != id.Session {
		t.Errorf("%+v %v", claims, err)
	}
	if _, _, err := s.Upstream(t.Context(), stream.Identity{User: "ben", Session: id.Session}); !errors.Is(err, sasl.NotAuthorized) {
		t.Error("for somebody else's session:", err)
	}
	if err := s.EndSession(t.Context(), ann, session.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Upstream(t.Context(), id); !errors.Is(err, sasl.NotAuthorized) {
		t.Error("after signing out:", err)
	}
	if user, _, err := s.Upstream(t.Context(), stream.Identity{User: ServiceUser}); err != nil || user != ServiceUser {
		t.Error(user, err)
	}
	if _, err := PrepareUsername(ServiceUser); err == nil {
		t.Error("somebody could call themselves", ServiceUser)
	}
}
