package models

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func usernames(list []Account, err error) string {
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, a := range list {
		out = append(out, a.Username)
	}
	return strings.Join(out, " ")
}

func TestPeople(t *testing.T) {
	db, ctx := open(t), t.Context()
	for user, name := range map[string]string{
		"anna": "Anna Karenina", "jose": "José Núñez", "kolya": "Николай Вронский", "obrien": "Mary O'Brien", "zed": "anatole", "k2": "Åsa & Co",
		"андрей": "Prince", "zoé": "Madame", "민수": "Mister", "がく": "Sensei",
	} {
		if err := db.Accounts.CreateAccount(ctx, &Account{Username: user, Name: name, PasswordHash: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	blocked := db.person(t, "annette")
	if err := db.Accounts.SetBlocked(ctx, blocked.ID, true); err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]string{
		"an": "zed anna", "ANNA": "anna", "karen": "anna", "kar ann": "anna", "nunez": "jose", "José": "jose", "JOSE\u0301": "jose", "вронский": "kolya", "НИК": "kolya",
		"o'brien": "obrien", "brien": "obrien", "asa": "k2", "k": "k2 kolya", "zzz": "", "": "", "%": "", "'": "", "'':*": "", "\\": "", "\x00": "", "\xff": "", "&": "", "(": "", "a b c d": "",
		"андрей": "андрей", "АНДРЕ\u0418\u0306": "андрей", "андр": "андрей", "prince андрей": "андрей", "андреи princ": "андрей", "zoé": "zoé", "zoe": "zoé", "madame zoé": "zoé",
		"민수": "민수", "민수 mister": "민수", "がく": "がく", "が": "がく", "sensei がく": "がく",
		strings.Repeat("a ", 5000): "zed anna k2",
	} {
		if got := usernames(db.People.FindPeople(ctx, typed, 10)); got != want {
			t.Errorf("%.30q finds %q, want %q", typed, got, want)
		}
	}
	var all []string
	for after := (Account{}); ; {
		page, err := db.People.After(ctx, after.Username, after.Name, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page {
			all = append(all, a.Username)
		}
		if len(page) < 2 {
			break
		}
		if after = page[1]; after.Username == "jose" {
			after.Username = "joseph" // who is not there any more
		}
	}
	if got := strings.Join(all, " "); got != "zed anna k2 jose zoé obrien 민수 андрей がく kolya" {
		t.Errorf("page by page: %s", got)
	}
	db.talk(t, "anna", "jose", 1)
	db.talk(t, "anna", "zed", 2)
	db.talk(t, "anna", "annette", 3)
	if got := usernames(db.People.Partners(ctx, "h", "anna", 10)); got != "zed jose" {
		t.Errorf("partners: %s", got)
	}
	if got := usernames(db.People.PeopleNamed(ctx, []string{"jose", "annette", "nobody"})); got != "jose" {
		t.Errorf("named: %s", got)
	}
}

// with many accounts, every way of finding people reads an index.
func TestPeople_Plans(t *testing.T) {
	db, ctx := open(t), t.Context()
	const fill = `INSERT INTO accounts (username, name, password_hash, created_at)
		SELECT CASE WHEN n % 3 = 0 THEN 'é' ELSE 'u' END || n, (ARRAY['Anna','Ben','Carla','Dmitri','Élodie'])[1 + n % 5] || ' ' || (ARRAY['Smith','Kuznetsov','Müller','de la Cruz'])[1 + n % 4] || n % 1000, 'x', now() - n * interval '1 s'
		FROM generate_series(1, 20000) n; ANALYZE accounts`
	if _, err := db.pool.Exec(ctx, fill); err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{"a", "an", "anna", "smith", "kuz", "u19", "é12", "cruz12", "nobody", "андрей"} {
		f := fold(typed)
		if plan := db.explain(t, foundPeople, f, f+lastRune, wordQuery(f), 20); strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s:\n%s", typed, plan)
		}
	}
	for query, args := range map[string][]any{peoplePage: {"u777", "Person 777", 50}, newestPeople: {12}, partnersOf: {"u1", "h", 12, maxTalks}, namedPeople: {[]string{"u1", "u2"}}} {
		if plan := db.explain(t, query, args...); strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s\n%s", query, plan)
		}
	}
	if got, err := db.People.FindPeople(ctx, "cruz12", 5); err != nil || len(got) == 0 {
		t.Errorf("%v %v", got, err)
	}
}

// What is typed counts by characters, whatever the script.
func TestFold_Long(t *testing.T) {
	long := strings.Repeat("ж", MaxTyped)
	if got := fold(long + "z"); got != long {
		t.Errorf("%d characters count", utf8.RuneCountInString(got))
	}
}
