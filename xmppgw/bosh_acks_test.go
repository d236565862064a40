package xmppgw

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
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

// XEP-0124 §14.3 (B-29): with acknowledgements the answers that the client has not
// acknowledged are kept, within bounds; else those to as many requests as may be under way.
func TestBOSH_AnswersKept(t *testing.T) {
	big := strings.Repeat("x", maxAnswerBytes/4)
	for name, c := range map[string]struct {
		attrs, payload string
		later          int // requests after the one that is repeated
		kept           bool
	}{
		"all that are not acknowledged": {` ack="1"`, "", maxAnswers - 1, true},
		"but not too many":              {` ack="1"`, "", maxAnswers, false},
		"nor too large ones":            {` ack="1"`, big, 4, false},
		"but always as many as usual":   {` ack="1"`, strings.Repeat(big, 4), 1, true},
		"as many as usual":              {"", "", 1, true},
		"no more without":               {"", "", 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newModelSession(t, `wait="30" hold="1"`+c.attrs)
				say := func(id string) string {
					return `<message xmlns="jabber:client" to="a" id="` + id + `"><body>` + c.payload + `</body></message>`
				}
				rid := s.rid
				ack := fmt.Sprintf(` ack="%d"`, rid-1)
				if c.attrs == "" {
					ack = ""
				}
				first := string((<-s.start(ack, say("first"))).body)
				for range c.later {
					<-s.start(ack, say("later"))
				}
				if got := s.repeat(rid, say("first")); (got == first) != c.kept {
					t.Errorf("repeated: %.200s", got)
				}
			})
		})
	}
}

// XEP-0124 §14.3 (B-29): an answer to a pause takes nobody's place among those that are
// kept; but a client that only pauses does not fill the memory.
func TestBOSH_AnswersKeptOverAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newModelSession(t, `wait="30" hold="1"`)
		rid := s.rid
		first := s.post(message("a", "first"))
		poll := s.start("", "")
		<-s.start(` pause="60"`, "")
		<-poll
		if got := s.repeat(rid, message("a", "first")); got != first {
			t.Errorf("repeated: %s", got)
		}
		for range 2 * maxAnswers {
			<-s.start(` pause="60"`, "")
		}
		if n := len(s.session.answered); n > maxAnswers {
			t.Errorf("%d answers are kept", n)
		}
	})
}
