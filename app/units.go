package app

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Size is a number of bytes in the settings: 25MB, 1 GiB, 500000.
type Size int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	if err != nil || n > 1<<50 {
		return fmt.Errorf("%q is not a size, such as 25MB or 1GB", text)
	}
	*s = Size(n)
	return nil
}

// String says it as people read it, and as the chat does (static/js/chat/size.js).
func (s Size) String() string {
	switch {
	case s == 1:
		return "1 byte"
	case s < 1000:
		return fmt.Sprintf("%d bytes", max(s, 0))
	}
	return strings.Replace(humanize.Bytes(uint64(s)), ".0 ", " ", 1)
}

// Period is a length of time in the settings: 90d, or what Go knows, such as
// 12h30m.
type Period time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Period) UnmarshalText(text []byte) error {
	s := string(text)
	wrong := fmt.Errorf("%q is not a period, such as 90d or 12h", text)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		*p = Period(time.Duration(n) * 24 * time.Hour)
		if err != nil {
			return wrong
		}
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return wrong
	}
	*p = Period(d)
	return nil
}
