package markup

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Marks are styling where XEP-0393 says so, and text where it does not.
func TestStyled(t *testing.T) {
	link := `<a href="https://a.example/x_y_z" rel="nofollow ugc noopener">https://a.example/x_y_z</a>`
	for text, want := range map[string]string{
		"*a _b_ c* ~d~ `e*f*<`":          "<strong>a <em>b</em> c</strong> <del>d</del> <code>e*f*&lt;</code>", // §6.2
		"* not * x*y*z *a\nb*":           "* not * x*y*z *a\nb*",
		"a\n> b\n> c\nd":                 "a\n<blockquote>b\nc\n</blockquote>d", // §5.1.3
		"> a\n>>> b\nc":                  "<blockquote>a\n<blockquote><blockquote>b\n</blockquote></blockquote></blockquote>c",
		"> *a*\n\n> b":                   "<blockquote><strong>a</strong>\n</blockquote>\n<blockquote>b</blockquote>",
		"```go\nif a < *b* {\n```\nthat": "<pre>if a &lt; *b* {\n</pre>that", // §5.1.2
		"> ```\n> code\n> ```\n> said":   "<blockquote><pre>code\n</pre>said</blockquote>",
		"```\nnever ends":                "<pre>never ends</pre>",
		"*see https://a.example/x_y_z*":  "<strong>see " + link + "</strong>",
		"`https://a.example/x_y_z`":      "<code>https://a.example/x_y_z</code>",
		strings.Repeat("> ", 11) + "*x*": strings.Repeat("&gt; ", 11) + "*x*",
		"<b>*x*</b>":                     "&lt;b&gt;*x*&lt;/b&gt;",
	} {
		if got := string(Styled(text)); got != want {
			t.Errorf("%q is %s; want %s", text, got, want)
		}
	}
}

// Whatever somebody writes, only these elements come of it, and each that begins ends.
func FuzzStyled(f *testing.F) {
	f.Add("> ```\n>> *a _b* c_\n`~<a href=x>~`\n> \n*")
	f.Add("https://a.example/\"><script>alert(1)</script>*x*")
	f.Add(strings.Repeat("*a ", 1300))
	f.Fuzz(func(t *testing.T, text string) {
		var open []string
		for z := html.NewTokenizer(strings.NewReader(string(Styled(text)))); z.Next() != html.ErrorToken; {
			switch token := z.Token(); token.Type {
			case html.StartTagToken:
				open = append(open, token.Data)
				if allowed := "blockquote pre strong em del code a"; !strings.Contains(allowed, token.Data) {
					t.Fatalf("%q makes a %s", text, token.Data)
				}
			case html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != token.Data {
					t.Fatalf("%q ends %s, and %v is open", text, token.Data, open)
				}
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			t.Fatalf("%q leaves %v open", text, open)
		}
	})
}
