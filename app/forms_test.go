package app

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// The dialogs of rooms in the chat allow what the form on the pages does.
func TestLimits_RoomPanel(t *testing.T) {
	source, err := os.ReadFile("../static/js/chat/room/bounds.js")
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`\{ name: (\d+), about: (\d+)`).FindSubmatch(source)
	if got == nil || string(got[1]) != strconv.Itoa(maxRoomName) || string(got[2]) != strconv.Itoa(maxRoomAbout) {
		t.Errorf("%q; the form allows %d and %d characters", got, maxRoomName, maxRoomAbout)
	}
}
