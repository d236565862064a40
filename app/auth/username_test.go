package auth

import (
	"strings"
	"testing"
)

// A prepared name is one: whoever prepares it again, as other chat servers' questions are, gets
// the same.
func TestPrepareUsername_Again(t *testing.T) {
	for typed, ok := range map[string]bool{
		"Alice": true, " bob.b ": true, "Ζωή": true, "\u0130stanbul": true, strings.Repeat("a", MaxUsername): true,
		strings.Repeat("\u0130", MaxUsername):   false, // a small one is two characters
		strings.Repeat("\u0130", MaxUsername/2): true, "a b": false, "_a": false, "": false,
	} {
		name, err := PrepareUsername(typed)
		if (err == nil) != ok {
			t.Errorf("%q: %q, %v", typed, name, err)
		}
		if err != nil {
			continue
		}
		if again, err := PrepareUsername(name); err != nil || again != name {
			t.Errorf("%q: %q, and then %q, %v", typed, name, again, err)
		}
	}
}

// no new account has a name that looks like another one.
func TestCheckAvailable_LookAlikes(t *testing.T) {
	s := &Service{}
	for typed, ok := range map[string]bool{
		"alice": true, "Ali\u00e7e": true, "\u0131rmak": true, "\u017Cubr": true, "al\u0456ce": false, "AL\u0130CE": false, "ali\u0307ce": false, "al\u0131\u0307ce": false, "bj\u0307orn": false, "z\u0307ubr": true,
	} {
		name, err := PrepareUsername(typed)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.CheckAvailable(name); (err == nil) != ok {
			t.Errorf("%+q: %v", name, err)
		}
	}
}
