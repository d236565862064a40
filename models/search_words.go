package models

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a search asks for, as a formula over words: which messages may have it, by
// sets of messages that have the words. A set is a sorted list of the first halves of
// ids. What the sets cannot tell, such as the order of words, is left to the message.

// wordNode is a part of the formula.
type wordNode struct {
	op   byte   // 'w', '!': a word, none; '&', '|': all, any of the parts; '*': every message
	word string // of op 'w' and '!': as the index has it, or a beginning and anyEnd
	of   []*wordNode
}

const (
	// indexedRunes is how much of a word the index has, in runes. What goes on beyond is told apart by the message.
	indexedRunes = 40

	// anyEnd stands behind the beginning of words. No letter comes after it, so that all those words are between the
	// beginning and this.
	anyEnd = "\U0010FFFF"
)

// indexedWord is a word as the index has it.
func indexedWord(word string) string {
	n := 0
	for i := range word {
		if n == indexedRunes {
			return word[:i]
		}
		n++
	}
	return word
}

// everyMessage is what no set can tell.
func everyMessage() *wordNode { return &wordNode{op: '*'} }

// maxWords is the maximum number of words of a search that sets are read for.
const maxWords = 16

// withBeginning makes the last word of a search, in what Postgres has written for the text that somebody typed, one that
// others begin with: 'tea' & 'pot':*. Where that is the end of several in one, such as 'well-kn' <-> 'well' <-> 'kn', so is
// the whole. A word that must not be there stays as it is, and so does what is quoted.
func withBeginning(tsquery, text string) string {
	before, ended := strings.CutSuffix(tsquery, "'")
	open := strings.LastIndexByte(before, '\'')
	if !ended || open < 0 || strings.Count(text, `"`)%2 != 0 {
		return tsquery
	}
	word, typed := before[open+1:], strings.Fields(strings.ToLower(text))
	whole := typed[len(typed)-1]
	if strings.HasSuffix(before[:open], "!") || !strings.HasSuffix(whole, word) || !BeginsWord(word) {
		return tsquery
	}
	if i := strings.LastIndex(before[:open], "'"+whole+"'"); i >= 0 {
		i += len(whole) + 2
		tsquery = tsquery[:i] + ":*" + tsquery[i:]
	}
	return tsquery + ":*"
}

// BeginsWord reports whether some letters are enough to look for words that begin with them. Hundreds begin with one letter
// of an alphabet, but not with one that is a word by itself.
func BeginsWord(letters string) bool {
	first, size := utf8.DecodeRuneInString(letters)
	return len(letters) > size || unicode.In(first, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

// needs returns the words that sets are needed for, each once. Sets of beginnings have what any of their words has.
func (n *wordNode) needs() []string {
	var words []string
	var walk func(*wordNode)
	walk = func(n *wordNode) {
		if n.word != "" && !slices.Contains(words, n.word) {
			words = append(words, n.word)
		}
		for _, part := range n.of {
			walk(part)
		}
	}
	walk(n)
	return words
}

// musts returns words that every message has that matches, each once.
func (n *wordNode) musts() []string {
	words := []string{}
	for _, part := range append([]*wordNode{n}, n.of...) {
		switch {
		case part.op == 'w' && (part == n || n.op == '&'):
			words = append(words, part.word)
		case part.op == '&' && part != n && n.op == '&':
			words = append(words, part.musts()...)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// among returns the messages that may match. Of '!' that is what must not.
func (n *wordNode) among(sets map[string][]int64) []int64 {
	if n.word != "" {
		return sets[n.word]
	}
	var out []int64
	for i, part := range n.of {
		switch set := part.among(sets); {
		case i == 0:
			out = set
		case part.op == '!':
			out = slices.DeleteFunc(slices.Clone(out), func(x int64) bool { _, there := slices.BinarySearch(set, x); return there })
		case n.op == '&':
			out = intersect(out, set)
		default:
			out = unite(out, set)
		}
	}
	return out
}

// intersect returns what both sorted lists have.
func intersect(a, b []int64) []int64 {
	if len(a) > len(b) {
		a, b = b, a
	}
	var out []int64
	for _, x := range a {
		i, there := slices.BinarySearch(b, x)
		if there {
			out = append(out, x)
		}
		b = b[i:]
	}
	return out
}

// unite returns what at least one sorted list has.
func unite(a, b []int64) []int64 {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// all and anyOf simplify: a part that every message may have does not limit, and what
// must not be there says only what to leave out of something.
func all(parts []*wordNode) *wordNode {
	limits := func(n *wordNode) bool { return n.op != '*' && n.op != '!' }
	var out []*wordNode
	for _, n := range parts {
		if limits(n) {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		if len(parts) == 1 {
			return parts[0]
		}
		return everyMessage()
	}
	for _, n := range parts {
		if n.op == '!' {
			out = append(out, n)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return &wordNode{op: '&', of: out}
}

func anyOf(parts []*wordNode) *wordNode {
	if slices.ContainsFunc(parts, func(n *wordNode) bool { return n.op == '*' || n.op == '!' }) && len(parts) > 1 {
		return everyMessage()
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &wordNode{op: '|', of: parts}
}

var errTSQuery = errors.New("models: the database writes searches in a way that is not known")

// parseTSQuery reads what Postgres writes for a search, without weights and
// words that must not be within others in order:
// 'a' & ( 'b' | !'c' ) <-> 'd':*. Words beyond maxWords limit nothing.
func parseTSQuery(text string) (*wordNode, error) {
	p := &tsqueryParser{rest: text}
	n, err := p.list("|")
	switch {
	case err != nil:
		return nil, err
	case p.rest != "":
		return nil, errTSQuery
	case n.op == '!':
		return everyMessage(), nil
	}
	return n, nil
}

type tsqueryParser struct {
	rest  string
	words []string
}

// list parses parts with an operator between them: "|", or those that bind closer.
func (p *tsqueryParser) list(op string) (*wordNode, error) {
	part, join := p.part, all
	if op == "|" {
		part, join = func() (*wordNode, error) { return p.list("&") }, anyOf
	}
	var parts []*wordNode
	for {
		n, err := part()
		if err != nil {
			return nil, err
		}
		if parts = append(parts, n); !p.operator(op) {
			return join(parts), nil
		}
	}
}

// operator takes an operator. That words follow each other, <->, means here that all
// are there.
func (p *tsqueryParser) operator(op string) bool {
	if op == "&" && p.take("<") {
		_, rest, _ := strings.Cut(p.rest, ">")
		p.rest = strings.TrimLeft(rest, " ")
		return true
	}
	return p.take(op)
}

// part parses a word, what stands in parentheses, or what must not be there.
func (p *tsqueryParser) part() (*wordNode, error) {
	switch {
	case p.take("!"):
		n, err := p.part()
		if err != nil || n.op != 'w' || utf8.RuneCountInString(n.word) >= indexedRunes {
			return everyMessage(), err // words in order, or how one ends: the sets do not know
		}
		return &wordNode{op: '!', word: n.word}, nil
	case p.take("("):
		n, err := p.list("|")
		if err == nil && !p.take(")") {
			err = errTSQuery
		}
		return n, err
	case p.take("'"):
		return p.word()
	}
	return nil, errTSQuery
}

// word parses a quoted word, in which quotes and backslashes are doubled.
func (p *tsqueryParser) word() (*wordNode, error) {
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		c := p.rest[i]
		if c == '\'' || c == '\\' {
			if i++; i == len(p.rest) || p.rest[i] != c {
				if c == '\\' {
					return nil, errTSQuery
				}
				p.rest = strings.TrimLeft(p.rest[i:], " ")
				word := indexedWord(b.String())
				if p.take(":*") && word == b.String() {
					word += anyEnd
				}
				return p.known(word), nil
			}
		}
		b.WriteByte(c)
	}
	return nil, errTSQuery
}

func (p *tsqueryParser) known(word string) *wordNode {
	if !slices.Contains(p.words, word) {
		if len(p.words) == maxWords {
			return everyMessage()
		}
		p.words = append(p.words, word)
	}
	return &wordNode{op: 'w', word: word}
}

// take takes a token, and the spaces behind it.
func (p *tsqueryParser) take(token string) bool {
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = strings.TrimLeft(rest, " ")
	}
	return ok
}
