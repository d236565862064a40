package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"foyer/internal/stanza"
)

// Time returns what the clock at an address says, such as the server's at its domain (XEP-0202
// §3), and what this machine's said meanwhile: halfway between question and answer. Errors: a
// *Refusal, if it does not tell; ErrUnreachable.
func (s *Session) Time(ctx context.Context, at string) (theirs, ours time.Time, err error) {
	asked := time.Now()
	el, err := s.iq(ctx, "get", at, `<time xmlns="`+stanza.NSTime+`"/>`)
	if err != nil {
		return theirs, ours, err
	}
	ours = asked.Add(time.Since(asked) / 2)
	told, _ := el.Find(stanza.NSTime, "time")
	utc, ok := told.Find(stanza.NSTime, "utc")
	if !ok {
		return theirs, ours, errors.New("remote: its answer has no time (XEP-0202 §3)")
	}
	theirs, err = time.Parse(time.RFC3339, utc.Text()) // XEP-0082 §3.2, with a fraction or without
	if err != nil {
		return theirs, ours, fmt.Errorf("remote: its answer is no time (XEP-0082): %.40q", utc.Text())
	}
	return theirs, ours, nil
}
