package oidc_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"foyer/app/auth/oidc"
	"foyer/app/auth/oidc/oidctest"
)

// TestCheckFor: what `foyer doctor` says of a provider, and on whose side it is to be mended.
func TestCheckFor(t *testing.T) {
	refuse := func(path string, status int) func(*oidctest.Provider) {
		return func(idp *oidctest.Provider) {
			idp.Before = at(path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		}
	}
	for name, c := range map[string]struct {
		idp    func(*oidctest.Provider)
		site   func(*oidc.Config)
		failed string // empty: well
		advice string
	}{
		"all is well":         {advice: "https://chat.example/signin/with/idp/logout"},
		"another secret":      {site: func(c *oidc.Config) { c.ClientSecret = "wrong" }, failed: "OIDC_IDP_CLIENT_SECRET"},
		"a clock":             {site: func(c *oidc.Config) { c.Now = func() time.Time { return time.Now().Add(time.Hour) } }, failed: "clock"},
		"no redirect address": {idp: refuse("/authorize", http.StatusBadRequest), failed: "add https://chat.example/signin/with/idp/back to the redirect addresses"},
		"no keys":             {idp: refuse("/keys", http.StatusNotFound), failed: "its keys"},
		"another issuer": {idp: func(idp *oidctest.Provider) {
			idp.Metadata = func(m map[string]any) { m["issuer"] = "https://x.example" }
		}, failed: `it calls itself "https://x.example"`},
		"no word of logouts": {idp: func(idp *oidctest.Provider) {
			idp.Metadata = func(m map[string]any) { delete(m, "backchannel_logout_supported"); delete(m, "end_session_endpoint") }
		}, advice: "stays signed in here"},
		"another claim": {site: func(c *oidc.Config) { c.GroupsClaim = "teams" }, idp: func(idp *oidctest.Provider) {
			idp.Metadata = func(m map[string]any) { m["claims_supported"] = []string{"sub", "preferred_username"} }
		}, advice: "OIDC_IDP_GROUPS_CLAIM"},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.Start(t)
			if c.idp != nil {
				c.idp(idp)
			}
			advice, err := newSite(t, idp, c.site).p.CheckFor(t.Context(), "https://chat.example")
			if (err == nil) != (c.failed == "") || err != nil && !strings.Contains(err.Error(), c.failed) {
				t.Error(err)
			}
			said := ""
			for _, a := range advice {
				said += a.Text + " " + a.Mend + "\n"
			}
			if !strings.Contains(said, c.advice) {
				t.Error(said)
			}
		})
	}
}
