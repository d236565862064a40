package models

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

// joined makes an account that an identity of the source "directory" opens.
func joined(t testing.TB, db *DB, name string) (Account, Identity) {
	t.Helper()
	a, i := Account{Username: name, Name: name}, Identity{Source: "directory", Subject: "id of " + name, Login: name}
	if err := db.Identities.CreateAccountOf(t.Context(), &a, &i); err != nil {
		t.Fatal(err)
	}
	return a, i
}

// basisBy is the basis of a session by an identity, as if somebody had just been asked for it.
func basisBy(t testing.TB, db *DB, i Identity, session string) SessionBasis {
	t.Helper()
	now, err := db.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return SessionBasis{Identity: IdentityBasis{ID: i.ID, Began: now, Session: session, Source: i.Source, Issuer: i.Issuer}}
}

func begin(t testing.TB, db *DB, a Account, p SessionBasis) (Session, error) {
	t.Helper()
	s := Session{AccountID: a.ID, SecretHash: []byte(uuid.NewString()), ExpiresAt: time.Now().Add(time.Hour)}
	return s, db.Sessions.CreateSession(t.Context(), &s, p)
}

// What was proved before an identity was ended opens nothing afterwards, and what stands on
// it is ended; what stands on the password or another identity stays.
func TestEndIdentities(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	alice, i := joined(t, db, "alice")
	other := Identity{AccountID: alice.ID, Source: "provider", Issuer: "https://id.example", Subject: "7"}
	if err := db.Identities.LinkIdentity(ctx, &other, ""); err != nil {
		t.Fatal(err)
	}
	before := basisBy(t, db, i, "")
	session, err := begin(t, db, alice, before)
	if err != nil {
		t.Fatal(err)
	}
	stays, err := begin(t, db, alice, basisBy(t, db, other, ""))
	if err != nil {
		t.Fatal(err)
	}
	var apps []string
	for _, in := range []Session{session, stays} {
		p := AppPassword{AccountID: alice.ID, Name: "Phone", Salt: []byte{1}, Iterations: 4096}
		if err := db.Tokens.CreateAppPassword(ctx, &p, in.ID); err != nil {
			t.Fatal(err)
		}
		apps = append(apps, p.ID)
	}
	app, err := db.Sessions.SignInApp(ctx, alice.ID, before, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	ended, err := db.Identities.EndIdentities(ctx, []string{i.ID})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{session.ID, app, apps[0]} {
		if !slices.Contains(ended, Ended{"alice", id}) {
			t.Errorf("%s is not among what ended: %v", id, ended)
		}
		if err := db.Sessions.SessionCurrent(ctx, id, "alice"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s stands: %v", id, err)
		}
	}
	for _, id := range []string{stays.ID, apps[1]} {
		if err := db.Sessions.SessionCurrent(ctx, id, "alice"); err != nil || slices.Contains(ended, Ended{"alice", id}) {
			t.Errorf("%s was ended: %v", id, err)
		}
	}
	if _, err := begin(t, db, alice, before); !errors.Is(err, ErrStale) {
		t.Errorf("an old proof opens a session: %v", err)
	}
	if _, err := db.Sessions.SignInApp(ctx, alice.ID, before, "192.0.2.1"); !errors.Is(err, ErrStale) {
		t.Errorf("an old proof signs an app in: %v", err)
	}
	if _, err := begin(t, db, alice, basisBy(t, db, i, "")); err != nil {
		t.Errorf("a new proof opens none: %v", err)
	}
}

// OpenID Connect Back-Channel Logout 1.0 §2.7: a session of the provider that ended opens
// nothing any more, neither what began in it nor what is about to.
func TestEndByLogout(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	alice, i := joined(t, db, "alice")
	in, err := begin(t, db, alice, basisBy(t, db, i, "sid-1"))
	if err != nil {
		t.Fatal(err)
	}
	late := basisBy(t, db, i, "sid-1")
	if _, err := begin(t, db, alice, basisBy(t, db, i, "sid-2")); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour)
	word := Logout{Source: "directory", Session: "sid-1", ID: "word", Until: until, SessionUntil: until}
	other := word
	other.Issuer = "another issuer"
	if ended, err := db.Sessions.EndByLogout(ctx, other); err != nil || len(ended) != 0 {
		t.Errorf("%v %v", ended, err)
	}
	ended, err := db.Sessions.EndByLogout(ctx, word)
	if err != nil || !slices.Equal(ended, []Ended{{"alice", in.ID}}) {
		t.Errorf("%v %v", ended, err)
	}
	if _, err := begin(t, db, alice, late); !errors.Is(err, ErrStale) {
		t.Errorf("a session of the provider that has ended opens one here: %v", err)
	}
	// §2.6, step 8: a word counts once.
	if ended, err := db.Sessions.EndByLogout(ctx, word); !errors.Is(err, ErrTaken) {
		t.Errorf("%v %v", ended, err)
	}
}

// The last way to sign in to an account stays.
func TestUnlinkIdentity(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	alice, first := joined(t, db, "alice")
	if _, err := db.Identities.UnlinkIdentity(ctx, alice.ID, first.ID, "", SignInMethods{Password: true}); !errors.Is(err, ErrLastSignInMethod) {
		t.Errorf("the last way is gone: %v", err)
	}
	second := Identity{AccountID: alice.ID, Source: "provider", Subject: "7"}
	if err := db.Identities.LinkIdentity(ctx, &second, ""); err != nil {
		t.Fatal(err)
	}
	again := Identity{AccountID: alice.ID, Source: "provider", Subject: "7"}
	if err := db.Identities.LinkIdentity(ctx, &again, ""); !errors.Is(err, ErrTaken) {
		t.Errorf("it was joined twice: %v", err)
	}
	results := make(chan error, 2)
	for _, id := range []string{first.ID, second.ID} { // of two at once, one is the last
		go func() {
			_, err := db.Identities.UnlinkIdentity(ctx, alice.ID, id, "", SignInMethods{})
			results <- err
		}()
	}
	if a, b := <-results, <-results; !errors.Is(errors.Join(a, b), ErrLastSignInMethod) || (a != nil && b != nil) {
		t.Errorf("%v, %v", a, b)
	}
}

// By the identity of a source that the site no longer asks nobody signs in: it is no other way.
func TestUnlinkIdentity_SourceThatIsGone(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	var ids []string
	for _, source := range []string{"old", "older", "provider"} {
		i := Identity{AccountID: alice.ID, Source: source, Subject: "7"}
		is(t, db.Identities.LinkIdentity(ctx, &i, ""), nil)
		ids = append(ids, i.ID)
	}
	now := SignInMethods{Sources: []string{"provider", "directory"}}
	_, err := db.Identities.UnlinkIdentity(ctx, alice.ID, ids[2], "", now)
	is(t, err, ErrLastSignInMethod)
	_, err = db.Identities.UnlinkIdentity(ctx, alice.ID, ids[0], "", now)
	is(t, err, nil)
	// Nobody loses anything by the one that opens nothing; but the last is kept, as the source may come back.
	_, err = db.Identities.UnlinkIdentity(ctx, alice.ID, ids[2], "", SignInMethods{Password: true, Sources: now.Sources})
	is(t, err, nil)
	_, err = db.Identities.UnlinkIdentity(ctx, alice.ID, ids[1], "", now)
	is(t, err, ErrLastSignInMethod)
}

// The session in which an identity is removed stays. It is of no source any more if it stood on that one; if it stands
// on another, it goes on ending with that.
func TestUnlinkIdentity_OwnSession(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	alice, stays := joined(t, db, "alice")
	other := Identity{AccountID: alice.ID, Source: "provider", Issuer: "https://id.example", Subject: "7"}
	session, err := begin(t, db, alice, basisBy(t, db, stays, "at the source"))
	for range 2 {
		if err == nil {
			err = db.Identities.LinkIdentity(ctx, &other, session.ID)
		}
		if err == nil {
			_, err = db.Identities.UnlinkIdentity(ctx, alice.ID, other.ID, session.ID, SignInMethods{Sources: []string{"directory", "provider"}})
		}
		if err != nil {
			t.Fatal(err)
		}
		kept, _, err := db.Sessions.SessionBySecret(ctx, session.SecretHash)
		if err != nil || kept.IdentityID == nil || *kept.IdentityID != stays.ID || kept.ProviderSession != "at the source" {
			t.Fatalf("%+v %v", kept, err)
		}
	}
	if err := db.Identities.LinkIdentity(ctx, &other, session.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Identities.UnlinkIdentity(ctx, alice.ID, stays.ID, session.ID, SignInMethods{Sources: []string{"directory", "provider"}}); err != nil {
		t.Fatal(err)
	}
	kept, _, err := db.Sessions.SessionBySecret(ctx, session.SecretHash)
	if err != nil || kept.IdentityID != nil || kept.ProviderSession != "" {
		t.Errorf("%+v %v", kept, err)
	}
}

// An account has so many ways to sign in, and no more, however many are joined at once.
func TestLinkIdentity_Bound(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice, _ := joined(t, db, "alice")
	results := make(chan error, MaxIdentities+5)
	for n := range cap(results) {
		go func() {
			results <- db.Identities.LinkIdentity(ctx, &Identity{AccountID: alice.ID, Source: "directory", Subject: fmt.Sprint("way ", n)}, "")
		}()
	}
	refused := 0
	for range cap(results) {
		if err := <-results; errors.Is(err, ErrTooMany) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refused != 6 { // the first one was there
		t.Errorf("%d were refused", refused)
	}
}

// Names, groups and roles follow what is said, and only where something is said.
func TestRefreshIdentities(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	alice, _ := joined(t, db, "alice")
	bob, _ := joined(t, db, "bob")
	if _, err := db.Accounts.AddToGroup(ctx, "staff", []string{"bob"}); err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	say := func(said ...ClaimedIdentity) Refreshed {
		t.Helper()
		r, err := db.Identities.RefreshIdentities(ctx, said)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	of := func(name string) ClaimedIdentity {
		return ClaimedIdentity{Source: "directory", Subject: "id of " + name, Login: name}
	}
	first, second := of("alice"), of("bob")
	first.Name, first.Groups, first.Admin, first.Picture = "Alice A.", []string{"staff", "board"}, &yes, "https://pictures.example/a"
	second.Groups = []string{"staff"}
	r := say(first, second, of("nobody"))
	if !slices.Equal(r.Changed, []string{"alice"}) || !slices.Equal(r.Groups, []string{"alice", "bob"}) || !slices.Equal(r.Pictures, []ClaimedPicture{{"alice", "https://pictures.example/a"}}) {
		t.Errorf("%+v", r)
	}
	if r := say(first, second); len(r.Changed)+len(r.Groups) != 0 || !slices.Equal(r.Pictures, []ClaimedPicture{{"alice", "https://pictures.example/a"}}) {
		t.Errorf("the same again changes, or the picture is due no more: %+v", r)
	}
	if _, err := db.Accounts.SetAvatar(ctx, alice.ID, []byte("a picture"), "image/png"); err != nil {
		t.Fatal(err)
	}
	if r := say(first, second); len(r.Pictures) != 0 {
		t.Errorf("the picture that was taken is due: %+v", r)
	}
	// A name that was chosen here stays, until another is said.
	if err := db.Accounts.SetName(ctx, alice.ID, "Ali"); err != nil {
		t.Fatal(err)
	}
	say(first)
	if a, err := db.Accounts.AccountByName(ctx, "alice"); err != nil || a.Name != "Ali" || !a.Admin || a.OwnAdmin {
		t.Errorf("%+v %v", a, err)
	}
	first.Name, first.Admin, first.Groups = "Alice B.", &no, []string{}
	second.Groups = nil // says nothing
	say(first, second)
	if a, err := db.Accounts.AccountByName(ctx, "alice"); err != nil || a.Name != "Alice B." || a.Admin {
		t.Errorf("%+v %v", a, err)
	}
	// The operator's word and the source's are apart.
	second.Groups = []string{}
	say(second)
	if members, err := db.Accounts.GroupMembers(ctx, "staff"); err != nil || !slices.Equal(members, []string{bob.Username}) {
		t.Errorf("%v %v", members, err)
	}
	second.Groups = []string{"staff"}
	say(second)
	if removed, err := db.Accounts.RemoveFromGroup(ctx, "staff", []string{"bob"}); err != nil || len(removed) != 1 {
		t.Errorf("%v %v", removed, err)
	}
	if members, err := db.Accounts.GroupMembers(ctx, "staff"); err != nil || !slices.Equal(members, []string{"bob"}) {
		t.Errorf("%v %v", members, err)
	}
}

// A picture that is fetched from a source takes its time. What somebody chose meanwhile stays, and so does what the
// source says by then.
func TestSetClaimedAvatar(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice, _ := joined(t, db, "alice")
	say := func(url string) ClaimedPicture {
		t.Helper()
		r, err := db.Identities.RefreshIdentities(ctx, []ClaimedIdentity{{Source: "directory", Subject: "id of alice", Login: "alice", Picture: url}})
		if err != nil || len(r.Pictures) != 1 {
			t.Fatal(r, err)
		}
		return r.Pictures[0]
	}
	shows := func(want string) {
		t.Helper()
		a, err := db.Accounts.AccountByName(ctx, "alice")
		if err != nil {
			t.Fatal(err)
		}
		if avatar, err := db.Accounts.Avatar(ctx, a.AvatarHash); err != nil || string(avatar.Data) != want {
			t.Errorf("%q %v, want %q", avatar.Data, err, want)
		}
	}
	first := say("https://pictures.example/1")
	is(t, db.Accounts.SetClaimedAvatar(ctx, first, []byte("one"), "image/png"), nil)
	shows("one")
	is(t, db.Accounts.SetClaimedAvatar(ctx, first, []byte("one again"), "image/png"), ErrStale)
	second := say("https://pictures.example/2")
	third := say("https://pictures.example/3")
	is(t, db.Accounts.SetClaimedAvatar(ctx, second, []byte("two"), "image/png"), ErrStale)
	if _, err := db.Accounts.SetAvatar(ctx, alice.ID, []byte("her own"), "image/png"); err != nil {
		t.Fatal(err)
	}
	is(t, db.Accounts.SetClaimedAvatar(ctx, third, []byte("three"), "image/png"), ErrStale)
	shows("her own")
	is(t, db.Accounts.SetClaimedAvatar(ctx, ClaimedPicture{"nobody", "x"}, []byte("x"), "image/png"), ErrNotFound)
}
