// Package deploy has the files that operators copy; its tests look at those that are
// not run by other tests (e2e/proxies, e2e/servers).
package deploy

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"
)

// The unit leaves the program little to harm: 1.5 of 10 at most.
func TestSystemd_Exposure(t *testing.T) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed (package systemd)")
	}
	out, err := exec.Command(program, "security", "--no-pager", "--offline=true", "--threshold=15", "systemd/foyer.service").CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// settings are the names that the README's table has.
func settings(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)`(?: `([A-Z0-9_]+)`)?").FindAllSubmatch(readme, -1) {
		all = append(all, string(m[1]), string(m[2]))
	}
	if len(all) < 40 {
		t.Fatalf("the README has %d settings", len(all))
	}
	return all
}

// Whatever a unit sets is a setting.
func TestSystemd_Settings(t *testing.T) {
	unit, err := os.ReadFile("systemd/foyer.service")
	if err != nil {
		t.Fatal(err)
	}
	set := regexp.MustCompile(`(?m)^Environment=([A-Z0-9_]+)=`).FindAllSubmatch(unit, -1)
	if len(set) == 0 {
		t.Error("the unit sets nothing")
	}
	for _, m := range set {
		if !slices.Contains(settings(t), string(m[1])) {
			t.Errorf("%s is no setting", m[1])
		}
	}
}
