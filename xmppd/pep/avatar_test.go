package pep

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"foyer/xmppd"
)

func picture(pixels string) (id, data, metadata string) {
	id = fmt.Sprintf("%x", sha1.Sum([]byte(pixels)))
	data = `<data xmlns="urn:xmpp:avatar:data">` + base64.StdEncoding.EncodeToString([]byte(pixels)) + `</data>`
	return id, data, `<metadata xmlns="urn:xmpp:avatar:metadata"><info id="` + id + `" type="image/png" bytes="` + fmt.Sprint(len(pixels)) + `"/></metadata>`
}

func photoIn(presenceFrom, hash string) string {
	return `<presence xmlns="jabber:client" from="` + presenceFrom + `"><c xmlns="http://jabber.org/protocol/caps"/><x xmlns="vcard-temp:x:update"><photo>` + hash + `</photo></x></presence>`
}

// XEP-0084 §3–4 (S-74), XEP-0398 §3.1, §4 (S-75): a published picture is the
// profile's.
func TestAvatar_PublishedToProfile(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice, bob := w.asking("alice", "a"), w.asking("bob", "b", nodeAvatarMetadata)
	id, data, metadata := picture("pixels")
	alice.publishes(nodeAvatarData, id, data)
	alice.publishes(nodeAvatarMetadata, id, metadata)
	bob.told("alice@h", `<items node="urn:xmpp:avatar:metadata"><item id="`+id+`">`+metadata+`</item></items>`)
	bob.Until(photoIn("alice@h/a", id))
	bob.has("alice@h", `<items node="urn:xmpp:avatar:data"><item id="`+id+`"/></items>`, id)
	bob.ask(`<iq xmlns="jabber:client" type="get" id="v" to="alice@h"><vCard xmlns="vcard-temp"/></iq>`, `<iq xmlns="jabber:client" type="result" id="v"><vCard xmlns="vcard-temp"><FN>Alice</FN><NICKNAME>Alice</NICKNAME><PHOTO><TYPE/><BINVAL>cGl4ZWxz</BINVAL></PHOTO></vCard></iq>`)

	// The id is the hash of the bytes; a picture that is elsewhere is not taken.
	alice.publishes(nodeAvatarData, "123", data)
	alice.refused(inPubsub("set", "", `<publish node="urn:xmpp:avatar:metadata"><item id="123"><metadata xmlns="urn:xmpp:avatar:metadata"><info id="123"/></metadata></item></publish>`), "modify", "not-acceptable")
	alice.refusedWith(inPubsub("set", "", `<publish node="urn:xmpp:avatar:metadata"><item id="1"><a xmlns="urn:a"/></item></publish>`), "modify", "bad-request", "invalid-payload")
	elsewhere, its, _ := picture("elsewhere")
	alice.publishes(nodeAvatarData, elsewhere, its)
	alice.publishes(nodeAvatarMetadata, "x", `<metadata xmlns="urn:xmpp:avatar:metadata"><info id="`+elsewhere+`" url="http://x/"/></metadata>`)
	if v, err := w.store.VCard(t.Context(), "alice"); err != nil || v.PhotoHash != id {
		t.Errorf("%+v %v", v, err)
	}
	bob.Sync()

	// Empty metadata disables.
	alice.publishes(nodeAvatarMetadata, "none", `<metadata xmlns="urn:xmpp:avatar:metadata"/>`)
	bob.told("alice@h", `<items node="urn:xmpp:avatar:metadata"><item id="none"><metadata xmlns="urn:xmpp:avatar:metadata"/></item></items>`)
	bob.Until(photoIn("alice@h/a", ""))
}

// XEP-0084 §3: metadata comes after the data. Where it came before, the picture is taken when its data comes;
// data without metadata is nobody's picture.
func TestAvatar_MetadataFirst(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "a")
	profile := func() string {
		v, err := w.store.VCard(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		return string(v.Photo)
	}
	id, data, metadata := picture("pixels")
	other, its, _ := picture("other")
	alice.publishes(nodeAvatarMetadata, id, metadata)
	alice.publishes(nodeAvatarData, other, its)
	if got := profile(); got != "" {
		t.Errorf("the profile has %q before", got)
	}
	alice.publishes(nodeAvatarData, id, data)
	if got := profile(); got != "pixels" {
		t.Errorf("the profile has %q", got)
	}
	alice.has("", `<items node="urn:xmpp:avatar:metadata"/>`, id)

	alice.publishes(nodeAvatarMetadata, "no-hash", strings.ReplaceAll(metadata, id, "no-hash"))
	alice.publishes(nodeAvatarData, "no-hash", data) // which is published, and so it is no error
	if got := profile(); got != "pixels" {
		t.Errorf("the profile has %q afterwards", got)
	}
}

// A picture that the profile could not take stays published when something else of the profile changes; a new
// picture of the profile takes its place.
func TestAvatar_Apart(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "a")
	id, _, metadata := picture("nowhere")
	alice.publishes(nodeAvatarMetadata, id, metadata)
	w.srv.AccountChanged(t.Context(), "alice")
	alice.has("", `<items node="urn:xmpp:avatar:metadata"/>`, id)

	set := func(photo string) string {
		t.Helper()
		if err := w.store.SetVCard(t.Context(), "alice", xmppd.VCard{Name: "Alice", Photo: []byte(photo)}); err != nil {
			t.Fatal(err)
		}
		w.srv.AccountChanged(t.Context(), "alice")
		return fmt.Sprintf("%x", sha1.Sum([]byte(photo)))
	}
	alice.has("", `<items node="urn:xmpp:avatar:metadata"/>`, set("site's"))
	alice.publishes(nodeAvatarMetadata, "x", `<metadata xmlns="urn:xmpp:avatar:metadata"><info id="`+id+`" url="https://x.example/"/></metadata>`)
	w.srv.AccountChanged(t.Context(), "alice")
	alice.has("", `<items node="urn:xmpp:avatar:metadata"/>`, "x")
	alice.has("", `<items node="urn:xmpp:avatar:metadata"/>`, set("new"))
}

// XEP-0398 §3.2 (S-75): the profile's picture is published.
func TestAvatar_ProfileToPublished(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	old, _, _ := picture("old")
	w.store.accounts["alice"].Photo, w.store.accounts["alice"].PhotoHash = []byte("old"), old
	alice, bob := w.asking("alice", "a"), w.asking("bob", "b", nodeAvatarMetadata)
	// One that was there before.
	alice.has("", `<items node="urn:xmpp:avatar:metadata"/>`, old)
	bob.next(event("alice@h", `<items node="urn:xmpp:avatar:metadata"><item id="`+old+`"><metadata xmlns="urn:xmpp:avatar:metadata"><info id="`+old+`" bytes="3"/></metadata></item></items>`))

	id, data, metadata := picture("pixels")
	alice.ask(`<iq xmlns="jabber:client" type="set" id="v"><vCard xmlns="vcard-temp"><FN>Alice</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>cGl4ZWxz</BINVAL></PHOTO></vCard></iq>`, `<iq xmlns="jabber:client" type="result" id="v"/>`)
	bob.Until(photoIn("alice@h/a", id))
	bob.told("alice@h", `<items node="urn:xmpp:avatar:metadata"><item id="`+id+`">`+metadata+`</item></items>`)
	bob.ask(inPubsub("get", "alice@h", `<items node="urn:xmpp:avatar:data"/>`), `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="urn:xmpp:avatar:data"><item id="`+id+`">`+data+`</item></items></pubsub></iq>`)

	// A change of the name alone is none of the picture.
	w.srv.AccountChanged(t.Context(), "alice")
	bob.none0("message")

	// The site removes it.
	if err := w.store.SetVCard(t.Context(), "alice", xmppd.VCard{Name: "Alice"}); err != nil {
		t.Fatal(err)
	}
	w.srv.AccountChanged(t.Context(), "alice")
	bob.told("alice@h", `<items node="urn:xmpp:avatar:metadata"><item id="none"><metadata xmlns="urn:xmpp:avatar:metadata"/></item></items>`)
	w.srv.AccountChanged(t.Context(), "alice")
	bob.none0("message")
}

// XEP-0398 §6 (S-75): what only contacts may see is not put into the profile,
// which every member may read.
func TestAvatar_NotOpen(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "a")
	id, data, metadata := picture("pixels")
	alice.publishes(nodeAvatarData, id, data, options("access_model", "presence"))
	alice.publishes(nodeAvatarMetadata, id, metadata)
	if v, err := w.store.VCard(t.Context(), "alice"); err != nil || v.PhotoHash != "" {
		t.Errorf("%+v %v", v, err)
	}
	w.srv.AccountChanged(t.Context(), "alice")
	alice.has("", `<items node="urn:xmpp:avatar:metadata"/>`, id)
	// What the options do not allow changes nothing.
	alice.ask(inOwner("set", `<configure node="urn:xmpp:avatar:data">`+form("node_config", "access_model", "open")+`</configure>`), psResult)
	alice.refused(inPubsub("set", "", `<publish node="urn:xmpp:avatar:metadata"><item id="`+id+`">`+metadata+`</item></publish>`+options("access_model", "whitelist")), "cancel", "conflict")
	if v, err := w.store.VCard(t.Context(), "alice"); err != nil || v.PhotoHash != "" {
		t.Errorf("%+v %v", v, err)
	}
}

// A picture that is not published, for want of room, is not the profile's either; and where it cannot be taken out of
// there any more, everybody is told what the profile has.
func TestAvatar_NotPublished(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	old, _, _ := picture("old")
	w.store.accounts["alice"].Photo, w.store.accounts["alice"].PhotoHash = []byte("old"), old
	alice, bob := w.asking("alice", "a"), w.asking("bob", "b")
	id, data, metadata := picture("pixels")
	alice.publishes(nodeAvatarData, id, data)
	for i := range memNodes - 1 {
		alice.publishes(fmt.Sprint("n", i), "x", `<x xmlns="urn:x"/>`)
	}
	bob.Sync()
	alice.refused(inPubsub("set", "", `<publish node="urn:xmpp:avatar:metadata"><item id="`+id+`">`+metadata+`</item></publish>`), "cancel", "resource-constraint")
	if v, err := w.store.VCard(t.Context(), "alice"); err != nil || v.PhotoHash != old || string(v.Photo) != "old" || v.Name != "Alice" {
		t.Errorf("the profile has %q, %v", v.Photo, err)
	}
	bob.none0("presence")

	w.store.mu.Lock()
	w.store.refused = "old"
	w.store.mu.Unlock()
	alice.refused(inPubsub("set", "", `<publish node="urn:xmpp:avatar:metadata"><item id="`+id+`">`+metadata+`</item></publish>`), "cancel", "resource-constraint")
	if v, err := w.store.VCard(t.Context(), "alice"); err != nil || v.PhotoHash != id {
		t.Errorf("the profile has %q, %v", v.Photo, err)
	}
	bob.Until(photoIn("alice@h/a", id))
}

// While a picture that was published is decoded, which may have to wait for its turn, people change their name or their
// picture in the settings: neither reverts, also where the publication then fails.
func TestAvatar_ProfileMeanwhile(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "a")
	meanwhile := func(change func(v *xmppd.VCard)) {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		w.store.meanwhile = func() {
			w.store.mu.Lock()
			defer w.store.mu.Unlock()
			v := *w.store.accounts["alice"]
			change(&v)
			w.store.accounts["alice"] = &v
		}
	}
	profile := func() xmppd.VCard {
		t.Helper()
		v, err := w.store.VCard(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	rename := func(v *xmppd.VCard) { v.Name, v.Extra = "Alice Baker", []byte("<URL/>") }
	site, _, _ := picture("site's")
	settings := func(v *xmppd.VCard) { v.Photo, v.PhotoHash = []byte("site's"), site }

	id, data, metadata := picture("pixels")
	alice.publishes(nodeAvatarData, id, data)
	meanwhile(rename)
	alice.publishes(nodeAvatarMetadata, id, metadata)
	if v := profile(); v.Name != "Alice Baker" || string(v.Extra) != "<URL/>" || v.PhotoHash != id {
		t.Errorf("after a new name: %+v", v)
	}

	other, data, metadata := picture("others")
	alice.publishes(nodeAvatarData, other, data)
	meanwhile(settings)
	alice.publishes(nodeAvatarMetadata, other, metadata)
	if v := profile(); v.PhotoHash != site {
		t.Errorf("after a new picture: %+v", v)
	}
	w.srv.AccountChanged(t.Context(), "alice") // as the settings say of it
	alice.has("", `<items node="urn:xmpp:avatar:metadata"/>`, site)

	// What comes between the profile's taking it and its being refused as a publication stands.
	alice.ask(inOwner("set", `<delete node="urn:xmpp:avatar:metadata"/>`), psResult)
	alice.publishes(nodeAvatarData, other, data)
	for i := range memNodes - 1 {
		alice.publishes(fmt.Sprint("n", i), "x", `<x xmlns="urn:x"/>`)
	}
	later, _, _ := picture("later")
	meanwhile(func(v *xmppd.VCard) {
		w.store.meanwhile = func() {
			w.store.mu.Lock()
			defer w.store.mu.Unlock()
			w.store.accounts["alice"] = &xmppd.VCard{Name: "Alice", Photo: []byte("later"), PhotoHash: later}
		}
	})
	alice.refused(inPubsub("set", "", `<publish node="urn:xmpp:avatar:metadata"><item id="`+other+`">`+metadata+`</item></publish>`), "cancel", "resource-constraint")
	if v := profile(); v.Name != "Alice" || v.PhotoHash != later {
		t.Errorf("after a publication that failed: %+v", v)
	}
}
