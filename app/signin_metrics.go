package app

import (
	"errors"

	"foyer/app/auth"

	"github.com/prometheus/client_golang/prometheus"
)

// newSignIns counts sign-ins to the site, by where people come from and how it went.
func newSignIns() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "foyer_site_signins_total",
		Help: "Sign-ins to the site, by source (form: user name and password, whosever they are) and outcome: ok, name (a user name is still to be chosen), refused, throttled, away (the source), error.",
	}, []string{"source", "outcome"})
}

// countSignIn counts one, by its error.
func (s *signInPages) countSignIn(source string, err error) {
	s.signIns.WithLabelValues(source, signInOutcome(err)).Inc()
}

func signInOutcome(err error) string {
	var (
		choose    *auth.ChooseNameError
		throttled *auth.ThrottledError
		refused   auth.Refusal
	)
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &choose):
		return "name"
	case errors.As(err, &throttled), errors.Is(err, auth.ErrBusy):
		return "throttled"
	case errors.Is(err, auth.ErrUnreachable):
		return "away"
	case errors.As(err, &refused), errors.Is(err, auth.ErrInvalidCredentials), errors.Is(err, auth.ErrNoAccount), errors.Is(err, auth.ErrBlocked), errors.Is(err, auth.ErrNoRedirect):
		return "refused"
	}
	return "error"
}
