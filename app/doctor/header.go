package doctor

import (
	"context"
	"net/http"
)

// ForgedPerson is what is tried as the header of a proxy that signs people in. A site that
// believes it answers 400, since it names two people, and nobody is signed in by it.
const ForgedPerson = "foyer-doctor,forged"

// headerSignIn: who sends the header themselves is nobody (docs/IDENTITY.md).
func (d *Doctor) headerSignIn(ctx context.Context) []Finding {
	const check = "header sign-on"
	forged, err := d.get(ctx, "/", http.Header{d.Header: {ForgedPerson}})
	if err != nil {
		return nil // that the site is not reached is told by itself
	}
	without, err := d.get(ctx, "/", nil)
	if err != nil {
		return nil
	}
	if forged.status == http.StatusBadRequest && without.status != http.StatusBadRequest {
		return fail(check, "In the proxy: set "+d.Header+" on every request, and take out what came with it (nginx proxy_set_header; Apache RequestHeader unset … early). "+
			"TRUSTED_PROXIES must name the proxy alone, and nothing else may reach the site's port.",
			"the site believes a header that a visitor sent: anybody can be anybody")
	}
	return ok(check, "the site believes no %s that a visitor sent", d.Header)
}

// asksFirst reports whether a proxy wants people to sign in before anything is shown.
func (d *Doctor) asksFirst(a answer) bool {
	switch a.status {
	case http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusUnauthorized, http.StatusForbidden:
		return d.Header != ""
	}
	return false
}
