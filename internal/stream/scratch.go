package stream

import "sync"

// scanners keeps the working memory of scanners between elements: it is wanted
// for microseconds at a time, and for every element there is.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// What a scanner may keep, of each kind; more than ordinary elements need.
const scratchKept = 32

// newScanner returns a scanner of in, with the namespaces of outer in force.
// free gives it back.
func newScanner(in []byte, limits Limits, outer []binding) *scanner {
	s := scanners.Get().(*scanner)
	s.in, s.limits = in, limits
	s.ns = append(s.ns, outer...)
	return s
}

// free ends the use of the scanner and of everything in it.
func (s *scanner) free() {
	*s = scanner{attrs: emptied(s.attrs), open: emptied(s.open), ns: emptied(s.ns), childSpans: emptied(s.childSpans), used: emptied(s.used)}
	scanners.Put(s)
}

// emptied returns the slice without what it refers to, for another use; a large
// one is let go.
func emptied[T any](of []T) []T {
	if cap(of) > scratchKept {
		return nil
	}
	clear(of[:cap(of)])
	return of[:0]
}
