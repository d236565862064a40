package move

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Report is what a copy did.
type Report struct {
	People, Rooms, Messages int64 // that were copied, or there already

	Added, Changed, Removed int64 // rows of the other server's tables

	people, rooms []string                  // names
	left          map[string]map[string]int // why → whose → how many
}

// PeopleNames are the user names of the people who were copied.
func (r *Report) PeopleNames() []string { return r.people }

// RoomNames are the names of the rooms that were copied.
func (r *Report) RoomNames() []string { return r.rooms }

// leave notes that something was not taken: why, and whose it is.
func (r *Report) leave(why, whose string) { r.leaveMany(1, why, whose) }

// leaveMany notes that n things were not taken, which may be none.
func (r *Report) leaveMany(n int, why, whose string) {
	if n == 0 {
		return
	}
	if r.left == nil {
		r.left = make(map[string]map[string]int)
	}
	if r.left[why] == nil {
		r.left[why] = make(map[string]int)
	}
	r.left[why][whose] += n
}

// Left is how many things of a kind were not taken.
func (r *Report) Left(why string) (n int) {
	for _, k := range r.left[why] {
		n += k
	}
	return n
}

// WriteTo writes what was not taken, line by line: why, how many, and whose.
func (r *Report) WriteTo(w io.Writer) (written int64, err error) {
	for _, why := range slices.Sorted(maps.Keys(r.left)) {
		var whose []string
		for name, n := range r.left[why] {
			if n > 1 {
				name = fmt.Sprintf("%s (%d)", name, n)
			}
			whose = append(whose, name)
		}
		slices.SortFunc(whose, cmp.Compare[string])
		n, err := fmt.Fprintf(w, "not taken: %d %s: %s\n", r.Left(why), why, strings.Join(whose, ", "))
		if written += int64(n); err != nil {
			return written, err
		}
	}
	return written, nil
}
