package relay

import (
	"context"
	"slices"
)

// Check dials the upstream and looks at what it offers, without signing anybody in: for
// /readyz and foyer doctor. The error says what to mend.
func (r *Relay) Check(ctx context.Context) error {
	l, features, err := r.connect(ctx, "")
	if err != nil {
		return err
	}
	defer l.finish()
	l.close()
	offered := mechanisms(features)
	switch {
	case len(offered) == 0:
		return MechanismError("the XMPP server offers no way to sign in: look at its authentication")
	case r.cfg.PassSASL:
		return nil // whatever it offers
	case r.cfg.PassPasswords:
		_, err := l.passwordMechanism(features)
		return err
	case !slices.Contains(offered, "PLAIN"):
		return errNoPlain
	}
	return nil
}
