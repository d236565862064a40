package stream

import "testing"

// A corked queue tells nobody of work until it is uncorked, and then the caller, once;
// the end of the queue is told in any case.
func TestQueue_Cork(t *testing.T) {
	told := 0
	q := NewQueue(100, func() { told++ })
	push := func() {
		t.Helper()
		if err := q.Push([]byte("<a/>")); err != nil {
			t.Fatal(err)
		}
	}
	q.Cork()
	push()
	push()
	if told != 0 {
		t.Error("told while it was corked")
	}
	if !q.Uncork() || q.Uncork() {
		t.Error("the caller is to do the work, once")
	}
	push() // the caller is at work
	if items, _, _ := q.Next(100); len(items) != 3 || told != 0 {
		t.Errorf("%d elements, told %d times", len(items), told)
	}
	_, _, _ = q.Next(100) // nothing is left
	push()
	if told != 1 {
		t.Errorf("told %d times after it was uncorked", told)
	}
	q.Cork() // somebody is at work already
	push()
	if q.Uncork() {
		t.Error("two are to do the work")
	}
	if q.Take(); q.Take() != nil {
		t.Fatal("something is left")
	}
	q.Cork()
	push()
	if q.Close(nil); told != 2 || q.Uncork() {
		t.Errorf("told %d times when it was closed", told)
	}
}
