package app

import (
	"fmt"
	"testing"

	"foyer/models"
)

// an account that changes again before the chat is told of it is told of once, and whoever
// changes it waits for nobody.
func TestAccountChanges(t *testing.T) {
	changes := newAccountChanges()
	changed := func(user string) { changes.add(models.EventChanged, user) }
	told := func() (all string) {
		<-changes.wake
		for e, ok := changes.take(); ok; e, ok = changes.take() {
			all += fmt.Sprint(e.Kind, " ", e.User, "; ")
		}
		return all
	}
	changed("alice")
	changed("bob")
	changes.add(models.EventRemoved, "alice")
	changed("alice")
	changed("bob")
	want := fmt.Sprintf("%v alice; %v bob; %v alice; ", models.EventChanged, models.EventChanged, models.EventRemoved)
	if got := told(); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	changed("alice") // it was told of before this
	if got, want := told(), fmt.Sprintf("%v alice; ", models.EventChanged); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}
