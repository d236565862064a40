package streamtest

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

// node is an element of a pattern or of what came.
type node struct {
	name     xml.Name
	attrs    map[xml.Name]string
	text     string
	children []*node
}

// Match compares XML with a pattern: names, the pattern's attributes (others
// may be there), text and children in order. In the pattern, the value or text
// * matches anything, {name} anything and captures it, and an attribute value
// ! means that the attribute must be absent. A pattern element <any
// xmlns='test'/> as the last child allows further children.
func Match(pattern string, raw []byte) (map[string]string, error) {
	return match(pattern, raw, false)
}

// Contains is Match, but children may stand in any order and among others, and
// text that the pattern lacks is no matter.
func Contains(pattern string, raw []byte) (map[string]string, error) {
	return match(pattern, raw, true)
}

func match(pattern string, raw []byte, more bool) (map[string]string, error) {
	want, err := parseNode(pattern)
	if err != nil {
		return nil, fmt.Errorf("the pattern: %w", err)
	}
	got, err := parseNode(string(raw))
	if err != nil {
		return nil, fmt.Errorf("what came: %w", err)
	}
	captured := map[string]string{}
	return captured, want.match(got, captured, more)
}

func parseNode(s string) (*node, error) {
	d := xml.NewDecoder(strings.NewReader(s))
	root := &node{}
	stack := []*node{root}
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			n := &node{name: tok.Name, attrs: map[xml.Name]string{}}
			for _, a := range tok.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					n.attrs[a.Name] = a.Value
				}
			}
			top.children = append(top.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(tok)
		}
	}
	if len(root.children) != 1 {
		return nil, fmt.Errorf("%d elements in %q", len(root.children), s)
	}
	return root.children[0], nil
}

func (n *node) match(got *node, captured map[string]string, more bool) error {
	if n.name != got.name {
		return fmt.Errorf("element %v, want %v", got.name, n.name)
	}
	for name, want := range n.attrs {
		value, ok := got.attrs[name]
		if want == "!" {
			if ok {
				return fmt.Errorf("<%s> has the attribute %s", n.name.Local, name.Local)
			}
			continue
		}
		if !ok || !matchText(want, value, captured) {
			return fmt.Errorf("<%s> attribute %s is %q, want %q", n.name.Local, name.Local, value, want)
		}
	}
	text := strings.TrimSpace(n.text)
	if (text != "" || !more) && !matchText(text, strings.TrimSpace(got.text), captured) {
		return fmt.Errorf("<%s> has text %q, want %q", n.name.Local, got.text, n.text)
	}
	if more {
		return n.findChildren(got, captured)
	}
	return n.matchChildren(got, captured)
}

// findChildren looks for each of the pattern's children among those that came.
func (n *node) findChildren(got *node, captured map[string]string) error {
	rest := slices.Clone(got.children)
	for _, w := range n.children {
		err := fmt.Errorf("<%s> lacks <%s>", n.name.Local, w.name.Local)
		at := slices.IndexFunc(rest, func(child *node) bool {
			failed := w.match(child, captured, true)
			if failed != nil && child.name == w.name {
				err = failed
			}
			return failed == nil
		})
		if at < 0 {
			return err
		}
		rest = slices.Delete(rest, at, at+1)
	}
	return nil
}

func (n *node) matchChildren(got *node, captured map[string]string) error {
	want := n.children
	if k := len(want) - 1; k >= 0 && want[k].name == (xml.Name{Space: "test", Local: "any"}) {
		want = want[:k]
	} else if len(got.children) > len(want) {
		return fmt.Errorf("<%s> has %d children, want %d", n.name.Local, len(got.children), len(want))
	}
	for i, w := range want {
		if i >= len(got.children) {
			return fmt.Errorf("<%s> lacks <%s>", n.name.Local, w.name.Local)
		}
		if err := w.match(got.children[i], captured, false); err != nil {
			return err
		}
	}
	return nil
}

func matchText(want, got string, captured map[string]string) bool {
	switch {
	case want == "*":
		return true
	case strings.HasPrefix(want, "{") && strings.HasSuffix(want, "}"):
		captured[want[1:len(want)-1]] = got
		return true
	}
	return want == got
}
