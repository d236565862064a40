package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"
)

// A trip of the browser to a source's own pages, and back. What has to be known at its end is
// sealed under a key of the site, in a cookie of the browser that began it: an answer that
// comes to another browser finds none (RFC 9700 §4.7). It is good for TripLifetime, and for
// the source that it was made for.

// TripLifetime is how long a trip may take.
const TripLifetime = 10 * time.Minute

// TripPurpose says what somebody proves themselves for.
type TripPurpose string

// The purposes.
const (
	ToSignIn  TripPurpose = "signin"
	ToConfirm TripPurpose = "confirm" // that it is still them (Confirmed)
	ToLink    TripPurpose = "link"    // that the identity is theirs, to link it to their account
)

// TripRecord is what is known again when the browser comes back.
type TripRecord struct {
	Source  string
	State   string // of the Trip
	Purpose TripPurpose
	Session string // in which it began, unless it is to sign in
	Fresh   bool
	Next    string // where to go then; checked by the one who goes
	Trusted bool
	Began   time.Time
}

// ErrNoTrip: this browser began no such trip, or too long ago.
var ErrNoTrip = errors.New("auth: this browser is on no such way")

// SealTrip returns the value of the trip's cookie.
func (s *Service) SealTrip(r TripRecord) (string, error) {
	r.Began = s.now()
	text, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	sealed, err := sealFor(s.tripKey, sealTrip, text, []byte(r.Source))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// OpenTrip returns what a cookie holds for a source: ErrNoTrip.
func (s *Service) OpenTrip(cookie string, source Source) (TripRecord, error) {
	var r TripRecord
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || cookie == "" {
		return r, ErrNoTrip
	}
	text, err := openFor(s.tripKey, sealTrip, sealed, []byte(source.Name()))
	if err != nil {
		return r, ErrNoTrip
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, err
	}
	if age := s.now().Sub(r.Began); age > TripLifetime || age < -time.Minute {
		return r, ErrNoTrip
	}
	return r, nil
}
