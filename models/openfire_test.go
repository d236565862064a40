package models

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// An Openfire behind the site reads there who there is (deploy/openfire/site.properties), with no more rights than that file
// says, as its JDBCUserProvider does: the name and the address of one, how many there are, and all of them.
func TestOpenfire_People(t *testing.T) {
	raw, err := os.ReadFile("../deploy/openfire/site.properties")
	if err != nil {
		t.Fatal(err)
	}
	statement := func(pattern string) string {
		t.Helper()
		found := regexp.MustCompile(`(?m)^` + pattern + `$`).FindSubmatch(raw)
		if found == nil {
			t.Fatalf("there is no %s", pattern)
		}
		return string(found[1])
	}
	grant, load := statement(`#   (CREATE ROLE openfire .*; GRANT .* TO openfire;)`), statement(`jdbcUserProvider\.loadUserSQL = (.*)`)
	count, list := statement(`jdbcUserProvider\.userCountSQL = (.*)`), statement(`jdbcUserProvider\.allUsersSQL = (.*)`)
	url := cluster.DB(t)
	openAt(t, url).person(t, "alice")
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), grant+" SET ROLE openfire"); err != nil {
		t.Fatalf("%s: %v", grant, err)
	}
	ask := func(sql string, args ...any) []string {
		t.Helper()
		rows, err := conn.Query(t.Context(), sql, args...)
		if err != nil {
			t.Fatal(err)
		}
		all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (first string, err error) {
			values, err := row.Values()
			return values[0].(string), err
		})
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return all
	}
	for user, name := range map[string][]string{"alice": {"Alice"}, "_foyer": {"Foyer"}, "bob": nil} {
		if got := ask(strings.Replace(load, "?", "$1", 1), user); !slices.Equal(got, name) {
			t.Errorf("%s is %q", user, got)
		}
	}
	people := ask(list)
	if slices.Sort(people); !slices.Equal(people, []string{"_foyer", "alice"}) {
		t.Errorf("%q", people)
	}
	var n int
	if err := conn.QueryRow(t.Context(), count).Scan(&n); err != nil || n != len(people) {
		t.Errorf("%d: %v", n, err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT password_hash FROM accounts"); err == nil {
		t.Error("it may read what passwords are checked by")
	}
}
