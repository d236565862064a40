package auth

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// what others would try first is refused, with a reason.
func TestCheckPasswordStrength(t *testing.T) {
	s := &Service{cfg: Config{SiteName: "Foyer", Domain: "chat.example.org"}}
	for password, reason := range map[string]string{
		"short": "10 characters", strings.Repeat("word ", 200): "too long", "alice-in-chains": "user name",
		"Password123!": "try first", "qwerty123456": "try first", "P@ssw0rd2024": "try first", "iloveyou1234": "try first", "Welcome2024!": "try first",
		"foyerfoyer": "Repeating", "aaaaaaaaaa": "Repeating", "abcdefghij": "in a row", "FoyerFoyer1": "Repeating",
		"foyer12345": "this site", "Adlerchat1": "Your name",
	} {
		err := s.CheckPasswordStrength(password, "alice", "Alice Adler")
		var refusal Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.20q: %v, want %q", password, err, reason)
		}
	}
	for _, password := range []string{"a few words in a row", "another long one", "correct horse battery", "Kieselstein-4711", strings.Repeat("aB3$x9 ", 70)} {
		if err := s.CheckPasswordStrength(password, "bob", "Bob Baker"); err != nil {
			t.Errorf("%.20q: %v", password, err)
		}
	}
}

// nor does it help to write the same with spaces, signs, a year or accents, or in
// another script.
func TestCheckPasswordStrength_Disguised(t *testing.T) {
	s := &Service{cfg: Config{SiteName: "Green Valley School", Domain: "talk.example.org"}}
	for password, reason := range map[string]string{
		"Green Valley School": "this site", "green-valley-school": "this site", "GreenValley2026!": "this site", "greenvalleyschool": "this site",
		"valley valley!": "this site", "Valley!!Chat26": "this site", "talkexampleorg": "this site", "Zoë & Müller": "Your name", "zoemuller1999": "Your name",
		"pässword123!": "try first", "contraseña123": "try first", "ééééééééééé": "Repeating",
		"密码密码密码密码密码": "Repeating", "🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊": "Repeating", "абвабвабваб": "Repeating",
	} {
		err := s.CheckPasswordStrength(password, "zmlr", "Zoë Müller")
		var refusal Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, want %q", password, err, reason)
		}
	}
	for _, password := range []string{"kelp in the valley of schools", "Zoë mag lieber Kieselsteine", "green-27-Kieselstein", "тёплый чай и мёд", "木漏れ日の散歩道を歩く"} {
		if err := s.CheckPasswordStrength(password, "zmlr", "Zoë Müller"); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

// a short user name stands in many passwords, and makes none of them easy.
func TestCheckPasswordStrength_ShortUserName(t *testing.T) {
	s := &Service{cfg: Config{SiteName: "Foyer", Domain: "chat.example.org"}}
	for _, username := range []string{"a", "al", "ali"} {
		if err := s.CheckPasswordStrength("vertical-plankton-alibi", username, username); err != nil {
			t.Errorf("%s: %v", username, err)
		}
		if err := s.CheckPasswordStrength(strings.Repeat(username, 12)[:12], username, username); err == nil {
			t.Errorf("%s: the user name again and again is taken", username)
		}
	}
}

// The rating of a long password takes no longer than that of a shorter one.
func BenchmarkCheckPasswordStrength_Long(b *testing.B) {
	s := &Service{}
	password := strings.Repeat("aB3$", MaxPassword/4)
	for b.Loop() {
		_ = s.CheckPasswordStrength(password, "alice", "Alice")
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(time.Millisecond), "ms/op")
}
