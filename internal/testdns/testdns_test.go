package testdns

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestResolver(t *testing.T) {
	said := [4]byte{192, 0, 2, 1}
	r := Resolver(t, func() [4]byte { return said })
	for _, last := range []byte{1, 2} { // each question is answered by itself
		said[3] = last
		got, err := r.LookupIP(t.Context(), "ip4", "any.example.test")
		if err != nil || len(got) != 1 || !got[0].Equal([]byte{192, 0, 2, last}) {
			t.Errorf("%v %v", got, err)
		}
	}
}
