package remote

import (
	"strings"
	"testing"
	"time"
)

// XEP-0202 §3, XEP-0082 §3.2: what the server's clock says, and what is no answer.
func TestTime(t *testing.T) {
	told := func(utc string) string {
		return `<iq xmlns="jabber:client" type="result" from="h" id="ID"><time xmlns="urn:xmpp:time"><tzo>-06:00</tzo>` + utc + `</time></iq>`
	}
	for answer, want := range map[string]string{
		told(`<utc>2006-12-19T17:58:35Z</utc>`):                      "2006-12-19T17:58:35Z",
		told(`<utc>2006-12-19T17:58:35.250Z</utc>`):                  "2006-12-19T17:58:35.25Z",
		told(`<utc>yesterday</utc>`):                                 `is no time (XEP-0082): "yesterday"`,
		told(``):                                                     "has no time",
		`<iq xmlns="jabber:client" type="result" from="h" id="ID"/>`: "has no time",
		`<iq xmlns="jabber:client" type="error" from="h" id="ID"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`: "service-unavailable",
	} {
		s, c := play(t, [2]string{"<time", answer})
		before := time.Now()
		theirs, ours, err := s.Time(t.Context(), "h")
		got := theirs.Format(time.RFC3339Nano)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || !c.said(`to="h"`, `<time xmlns="urn:xmpp:time"/>`) {
			t.Errorf("%s: %s %v", answer, got, c.sent)
		}
		if err == nil && (ours.Before(before) || ours.After(time.Now())) {
			t.Errorf("ours was %s", ours)
		}
	}
}
