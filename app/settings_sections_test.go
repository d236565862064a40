package app

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"foyer/app/auth"
)

var (
	settingsSections = regexp.MustCompile(`(?s)<section class="card[^"]*" id="(\w+)" aria-labelledby="(\w+)-title"([^>]*)>\s*<h2 id="(\w+)-title">(.*?)</section>`)
	settingsForms    = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
	settingsIndex    = regexp.MustCompile(`<li><a href="#(\w+)">`)
	settingsNotice   = regexp.MustCompile(`<p class="flash (\w+)" (role="\w+")[^>]*>([^<]+)</p>`)
)

// sectionsOf returns what is in each section of the settings, by its id, and their order.
func sectionsOf(t *testing.T, b *browser) (in map[string]string, order []string) {
	t.Helper()
	in = make(map[string]string)
	for _, s := range settingsSections.FindAllStringSubmatch(b.body, -1) {
		if id := s[1]; id != s[2] || id != s[4] {
			t.Errorf("section %s is named by %s, and its heading is %s", id, s[2], s[4])
		}
		in[s[1]] = s[0]
		order = append(order, s[1])
	}
	return in, order
}

// What a form of the settings did is said in its section, to which the answer leads: whatever forms there are.
func TestSettings_SaidInTheSection(t *testing.T) {
	_, base := start(t, map[string]string{"XMPP_C2S_ADDR": "localhost:0", "XMPP_C2S_PLAIN": "true"})
	b := signedInAs(t, base, "alice")
	signedInAs(t, base, "alice")
	signedInAs(t, base, "alice")
	b.submit("/settings", "/settings/apps", "name", "Phone").wants(201, "")
	// A page comes after these first, or a file; the picture's form is of another kind (e2e/accounts.spec.ts).
	elsewhere := []string{"/settings/passkeys", "/settings/apps", "/settings/data", "/settings/delete", "/settings/picture"}
	fields := map[string]url.Values{
		"/settings/profile":        {"name": {"Alice"}},
		"/settings/picture/remove": {}, "/settings/notifications": {}, "/settings/sessions/others/end": {},
		"/settings/password": {"current": {demoPassword}, "password": {"a few words in a row"}},
	}
	said := make(map[string]bool)
	for range 20 { // what was done may take a form away
		in, order := sectionsOf(t, b.get("/settings"))
		action, section := "", ""
		for _, id := range order {
			for _, form := range settingsForms.FindAllStringSubmatch(in[id], -1) {
				if !said[form[1]] && !slices.Contains(elsewhere, form[1]) && (action == "" || action == "/settings/password") { // which signs out all others: the last
					action, section = form[1], id
				}
			}
		}
		if action == "" {
			break
		}
		said[action] = true
		form := maps.Clone(fields[action])
		if form == nil {
			if !regexp.MustCompile(`^/settings/(sessions|apps)/[-0-9a-f]{36}/(end|revoke)$`).MatchString(action) {
				t.Errorf("nobody says what %s takes", action)
				continue
			}
			form = url.Values{}
		}
		form.Set("csrf", csrfField.FindStringSubmatch(b.body)[1])
		if b.do("POST", action, form).wants(303, ""); b.last.Header.Get("Location") != "/settings#"+section {
			t.Errorf("%s leads to %s", action, b.last.Header.Get("Location"))
		}
		in, _ = sectionsOf(t, b.get("/settings"))
		if n := settingsNotice.FindAllStringSubmatch(b.body, -1); len(n) != 1 || n[0][1] != "ok" || n[0][2] != `role="status"` || !strings.Contains(in[section], n[0][0]) {
			t.Errorf("%s: %q is said", action, n)
		}
		if !strings.Contains(in[section], `aria-labelledby="`+section+`-title" tabindex="-1" aria-describedby="said" data-said>`) {
			t.Errorf("%s: %.300s", action, in[section])
		}
		if b.get("/settings"); settingsNotice.MatchString(b.body) {
			t.Errorf("%s: it is said again", action)
		}
	}
	if len(said) < len(fields)+2 {
		t.Errorf("only %v", said)
	}
}

// What is said of a section that is not there any more is said above the page, and on another page likewise.
func TestSettings_SaidWithoutASection(t *testing.T) {
	_, base := start(t, map[string]string{"PASSKEYS": "false"})
	b := signedInAs(t, base, "alice")
	for _, path := range []string{"/settings", "/people"} {
		b.submit("/settings", "/settings/passkeys/8f14e45f-ceea-467f-a1e4-0d3a4a1b2c3d/remove")
		b.get(path).wants(200, `<main class="pico" id="main" tabindex="-1">`+"\n      "+`<p class="flash ok" role="status">The passkey has been removed.`)
	}
}

// The index leads to every section, and nowhere else.
func TestSettings_Index(t *testing.T) {
	for _, more := range []map[string]string{nil, {"PASSKEYS": "false", "UPLOAD_MAX_SIZE": "0"}, {"XMPP_C2S_ADDR": "localhost:0", "XMPP_C2S_PLAIN": "true"}} {
		_, base := start(t, more)
		b := signedInAs(t, base, "alice").get("/settings")
		var index []string
		for _, link := range settingsIndex.FindAllStringSubmatch(b.body, -1) {
			index = append(index, link[1])
		}
		if _, order := sectionsOf(t, b); len(order) < 7 || !slices.Equal(index, order) {
			t.Errorf("%v: the index has %v, the page %v", more, index, order)
		}
	}
}

func TestSettingsSection(t *testing.T) {
	for path, want := range map[string]string{"/settings#data": "data", "/settings": "", "/people#data": "", "/settings/ways/x/remove": "", "": ""} {
		if got := settingsSection(path); got != want {
			t.Errorf("%q: %q", path, got)
		}
	}
}

// Every section that is said of is one that the page can have.
func TestSettingsPage_Sections(t *testing.T) {
	all := SettingsPage{
		MayHavePassword: true, MayPasskeys: true, Native: true, Files: &FileUsage{}, Identities: IdentitiesForm{List: []auth.LinkedIdentity{{}}},
		Notice: &Flash{Kind: "error", Text: "No.", Section: "ways"},
	}
	if n := len(all.Sections()); n != 11 {
		t.Errorf("%d sections", n)
	}
	for _, s := range all.Sections() {
		if got := all.Section(s.ID); got == nil || (got.Notice != nil) != (s.ID == "ways") {
			t.Errorf("%s: %+v", s.ID, got)
		}
	}
	if (SettingsPage{}).Shows("password") || (SettingsPage{}).Shows("") || !(SettingsPage{Passkeys: make([]PasskeyRow, 1)}).Shows("passkeys") {
		t.Error("a section that is not there is shown, or one that is there is not")
	}
}
