package oidc

import "testing"

// What an ID token does not say comes from userinfo, also where it has the name of the claim: as null, or as an
// object without what is looked for in it. What it says stays.
func TestClaims_With(t *testing.T) {
	for name, c := range map[string]struct{ token, userinfo, claim, value string }{
		"missing":                 {`{}`, `{"groups":["staff"]}`, "groups", "staff"},
		"null":                    {`{"groups":null}`, `{"groups":["staff"]}`, "groups", "staff"},
		"an object without it":    {`{"realm_access":{}}`, `{"realm_access":{"roles":["staff"]}}`, "realm_access.roles", "staff"},
		"an object with null":     {`{"realm_access":{"roles":null}}`, `{"realm_access":{"roles":["staff"]}}`, "realm_access.roles", "staff"},
		"said, and another":       {`{"groups":["staff"]}`, `{"groups":["guests"]}`, "groups", "staff"},
		"said below, and another": {`{"realm_access":{"roles":["staff"]}}`, `{"realm_access":{"roles":["guests"]}}`, "realm_access.roles", "staff"},
		"said, and null":          {`{"groups":["staff"]}`, `{"groups":null}`, "groups", "staff"},
	} {
		token, err := parseClaims([]byte(c.token))
		if err != nil {
			t.Fatal(err)
		}
		userinfo, err := parseClaims([]byte(c.userinfo))
		if err != nil {
			t.Fatal(err)
		}
		if all := token.with(userinfo); !all.holds(c.claim, c.value) || all.holds(c.claim, "guests") {
			t.Errorf("%s: %s", name, all)
		}
	}
}
