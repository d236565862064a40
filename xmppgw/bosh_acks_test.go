package xmppgw

import (
	"fmt"
	"strings"
	"testing"
)

// XEP-0124 §9.1 (B-43): a client that acknowledges is acknowledged: at creation,
// and from then on where more has come than the request that is answered.
func TestBOSH_RequestAcks(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.wants(b.create(` ack="1"`), ` ack="1000"`)
	if got := b.post(b.body("", authFrame)); strings.Contains(got.body, "ack=") {
		t.Errorf("of itself: %s", got.body)
	}
	b.post(b.body(restart, ""))
	older := b.async(b.body("", ""))
	s.held(b)
	newer := b.async(b.body("", ""))
	b.wants(<-older, fmt.Sprintf(` ack="%d"`, b.rid-1))
	b.post(b.body(` type="terminate"`, ""))
	<-newer

	b = s.bosh(true)
	if got := b.create(""); strings.Contains(got.body, " ack=") {
		t.Errorf("not asked for: %s", got.body)
	}
}

// XEP-0124 §9.2 (B-42): what a client has received is kept no longer; a request
// without an acknowledgement says that everything before it came.
func TestBOSH_ResponseAcks(t *testing.T) {
	for name, c := range map[string]struct {
		ack  func(rid uint64) string // of the request with that id
		kept bool                    // whether the answer before it can be had again
	}{
		"up to the last but one": {func(rid uint64) string { return fmt.Sprintf(` ack="%d"`, rid-2) }, true},
		"none":                   {func(uint64) string { return "" }, false},
		"not a number":           {func(uint64) string { return ` ack="x"` }, true},
		"what is to come":        {func(rid uint64) string { return fmt.Sprintf(` ack="%d"`, rid+9) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newSite(t, nil).bosh(true)
			b.create(` ack="1"`)
			b.post(b.body("", authFrame))
			b.wants(b.post(b.body(restart, "")), "<stream:features")
			raw := b.body("", message("a", "1"))
			answer := b.post(raw)
			b.wants(b.post(b.body(c.ack(b.rid), message("a", "2"))), `id="2"`)
			if again := b.post(raw); (again.body == answer.body) != (c.kept) {
				t.Errorf("repeated: %s", again.body)
			}
		})
	}
}
