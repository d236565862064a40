package app

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// The room's panel in the chat allows what the form on the pages does.
func TestLimits_RoomPanel(t *testing.T) {
	source, err := os.ReadFile("../static/js/chat/room/about.js")
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`\{ name: (\d+), about: (\d+)`).FindSubmatch(source)
	if got == nil || string(got[1]) != strconv.Itoa(maxRoomName) || string(got[2]) != strconv.Itoa(maxRoomAbout) {
		t.Errorf("%q; the form allows %d and %d characters", got, maxRoomName, maxRoomAbout)
	}
}
