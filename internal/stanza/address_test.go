package stanza

import (
	"errors"
	"testing"
)

// RFC 7622 §3 (S-07).
func TestParseAddress(t *testing.T) {
	for in, want := range map[string]string{
		"alice@h": "alice@h", "ALICE@H/Res": "alice@h/Res", "h": "h", "h/r": "h/r", "straße@h": "straße@h", "a.b-c_d@h.example/x y": "a.b-c_d@h.example/x y",
		"alice@h./r": "alice@h/r", "bert@xn--bcher-kva.example": "bert@bücher.example", "bert@BÜCHER.example/r": "bert@bücher.example/r",
	} {
		if a, err := ParseAddress(in); err != nil || a.String() != want {
			t.Errorf("%q: %v %v", in, a, err)
		}
	}
	for _, in := range []string{"", "@h", "a@", "a b@h", "a@h/", "a@b@c", string(make([]byte, 1100)), "a\"@h", "a@.h", "a@h..g", "a@xn--\u00e4"} {
		if a, err := ParseAddress(in); !errors.Is(err, ErrJIDMalformed) {
			t.Errorf("%q is %v", in, a)
		}
	}
}

// a domain is the same in whatever way it is written (RFC 7622 §3.2).
func TestSameDomain(t *testing.T) {
	for _, same := range [][2]string{
		{"localhost", "localhost"}, {"localhost", "LOCALHOST"}, {"localhost", "Localhost."}, {"bücher.example", "xn--bcher-kva.example"},
		{"bücher.example", "XN--BCHER-KVA.Example"}, {"bücher.example", "Bücher.example"}, {"127.0.0.1", "127.0.0.1"}, {"[::1]", "[::1]"},
	} {
		if prepared, err := PrepareDomain(same[1]); err != nil || prepared != same[0] || !SameDomain(same[0], same[1]) {
			t.Errorf("%q is not %q but %q %v", same[1], same[0], prepared, err)
		}
	}
	for _, other := range [][2]string{{"localhost", "localhost.org"}, {"localhost", "a@localhost"}, {"localhost", "localhost/r"}, {"localhost", ""}, {"h", "h.."}} {
		if SameDomain(other[0], other[1]) {
			t.Errorf("%q is %q", other[1], other[0])
		}
	}
}

func TestASCIIDomain(t *testing.T) {
	for in, want := range map[string]string{"localhost": "localhost", "bücher.example": "xn--bcher-kva.example", "127.0.0.1": "127.0.0.1", "[::1]": "[::1]"} {
		if got := ASCIIDomain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// The addresses of nearly all stanzas cost nothing but looking at them.
func TestParseAddressDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		_, _ = ParseAddress("alice.b-c_d@chat.example.org/converse.js-123")
		SameDomain("chat.example.org", "chat.example.org")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParseAddress(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = ParseAddress("alice@chat.example.org/converse.js-123")
	}
}
