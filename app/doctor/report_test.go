package doctor

import (
	"strings"
	"testing"
)

// What a server says cannot take the terminal over: no escape sequence, in seven bits or
// in eight, and no line that is turned around.
func TestReport_Printable(t *testing.T) {
	var out strings.Builder
	r := NewReport(&out, false)
	r.Tell(Finding{Check: "c\x1b]0;x\a", State: Fail, Text: "a\u009b2Jb\r\u202ec → é, 3 ms", Mend: "m\x1b[A", Paste: []string{"p\x7f"}})
	const want = `fail  c\x1b]0;x\a: a\u009b2Jb\r\u202ec → é, 3 ms` + "\n" + `      → m\x1b[A` + "\n" + `        p\x7f` + "\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
}
