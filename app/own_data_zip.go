package app

import (
	"archive/zip"
	"cmp"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"foyer/internal/names"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/models"

	"github.com/google/uuid"
)

// What is in the file that somebody downloads of their own data. It is written front to back, a page of what is kept at a
// time, and after each it is looked at whether the person is still signed in: a connection to the database is free while
// the browser takes its time.

// How much of it there is.
const (
	ownDataTexts    = 5000 // conversations, and rooms, that have a file each; what is beyond that is in one more
	ownDataLines    = 100  // of data.jsonl, after which it is looked at again
	ownDataFiles    = 100  // whose records are read at once
	ownDataFileStep = 1 << 20
)

// ownData writes somebody's data.
type ownData struct {
	*ownDataPages
	account models.Account
	secret  string // of the session that asked
	now     time.Time

	zip *zip.Writer
}

func (d *ownData) write(ctx context.Context, out io.Writer) error {
	d.zip = zip.NewWriter(out)
	d.zip.RegisterCompressor(zip.Deflate, d.compressor())
	for _, part := range []func(context.Context) error{d.writeReadme, d.writeRecords, d.writeConversations, d.writeRooms, d.writeFiles} {
		if err := d.still(ctx); err != nil {
			return err
		}
		if err := part(ctx); err != nil {
			return err
		}
	}
	return d.zip.Close()
}

// compressor makes what compresses a file. There is one at a time, and its memory is used again; the fastest level leaves the
// processors to others.
func (d *ownData) compressor() zip.Compressor {
	var made *flate.Writer
	return func(w io.Writer) (_ io.WriteCloser, err error) {
		if made != nil {
			made.Reset(w)
			return made, nil
		}
		made, err = flate.NewWriter(w, flate.BestSpeed)
		return made, err
	}
}

// create begins a file; the one before is complete then.
func (d *ownData) create(name string, method uint16, at time.Time) (io.Writer, error) {
	return d.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: at})
}

func (d *ownData) writeReadme(context.Context) error {
	w, err := d.create("README.txt", zip.Deflate, d.now)
	if err == nil {
		_, err = io.WriteString(w, d.readme())
	}
	return err
}

// readme says what is there, to somebody who knows nothing of how chats work.
func (d *ownData) readme() string {
	var b strings.Builder
	fmt.Fprintf(&b, `What %s keeps of %s (%s), on %s.

README.txt
    This text.

data.jsonl
    Everything there is, for a program to read: your profile, how you sign in, your
    devices, settings, contacts, rooms, the list of your files, and all messages as they
    are stored. Each line is one thing, in a form that is called JSON; "kind" says what it is.
`, ownLine(d.cfg.SiteName), d.ownName(), d.account.Username, d.now.Format(minuteOfText))
	if !d.cfg.External() {
		b.WriteString(`
conversations
    What you and others wrote to each other, a text for each person, named by their
    address. Deleted messages are named, without what they said. What was encrypted only
    your devices can read; here is only that there was something.

rooms
    What you said in rooms, a text for each room.

    A folder in one of these that is named "formerly" has what was written while addresses
    here ended like that.
`)
	}
	b.WriteString(`
files
    The files that you sent. If some could not be read, files/missing.txt says which.

A folder that is not there would be empty.

What is not in it:

- Passwords, keys, and everything else that opens something.
- What others keep: their own copies of conversations with you, and what others said in rooms.
- Copies of the whole site that its operator may make in case something breaks.
`)
	if d.cfg.External() {
		b.WriteString(`- What the chat server keeps. This site leaves the chat to another server, which has your
  contacts, messages and rooms. Ask the people who run this site for them.
`)
	}
	return b.String()
}

// writeRecords is what the operator's export writes.
func (d *ownData) writeRecords(ctx context.Context) error {
	w, err := d.create("data.jsonl", zip.Deflate, d.now)
	if err != nil {
		return err
	}
	lines := 0
	return d.personal.Export(ctx, d.account, d.cfg.Domains(), func(line []byte) error {
		if lines++; lines%ownDataLines == 0 {
			if err := d.still(ctx); err != nil {
				return err
			}
		}
		_, err := w.Write(append(line, '\n'))
		return err
	})
}

func (d *ownData) writeConversations(ctx context.Context) error {
	texts := &ownTexts{ownData: d, folder: "conversations", have: make(map[string]bool)}
	return d.personal.EachConversation(ctx, d.account.Username, d.cfg.Domains(), func(k models.KeptConversation) error {
		name := cmp.Or(names.Line(k.Name), k.With)
		_, domain, _ := strings.Cut(k.With, "@")
		inRoom := domain == k.At.Rooms // somebody there was written to alone
		text := ownText{former: k.Past, domain: k.At.Accounts, name: k.With, title: "With " + name + " (" + k.With + ")", author: func(m models.WrittenMessage) string {
			nick := cmp.Or(names.Line(m.Part), "somebody")
			switch {
			case m.Mine && inRoom:
				return d.ownName() + " to " + nick
			case m.Mine:
				return d.ownName()
			case inRoom:
				return nick
			}
			return name
		}}
		return d.personal.ConversationMessages(ctx, k, func(list []models.WrittenMessage) error { return texts.write(ctx, &text, list) })
	})
}

func (d *ownData) writeRooms(ctx context.Context) error {
	texts := &ownTexts{ownData: d, folder: "rooms", have: make(map[string]bool)}
	return d.personal.EachRoom(ctx, d.account.Username, d.cfg.Domains(), func(r models.KeptRoom) error {
		text := ownText{former: r.Past, domain: r.At.Accounts, name: r.Name, title: "What you said in " + cmp.Or(names.Line(r.Title), r.Name) + " (" + r.Address + ")", author: func(m models.WrittenMessage) string {
			return cmp.Or(names.Line(m.Part), d.ownName())
		}}
		return d.personal.RoomMessages(ctx, r, func(list []models.WrittenMessage) error { return texts.write(ctx, &text, list) })
	})
}

// ownName is what the person is called.
func (d *ownData) ownName() string { return cmp.Or(names.Line(d.account.Name), d.account.Username) }

// ownText is a conversation or a room as a text.
type ownText struct {
	former bool
	domain string // of addresses when it was written
	name   string // of the file
	title  string
	author func(models.WrittenMessage) string

	begun   bool
	written bool // already, when it came before
}

// ownTexts writes texts into a folder. One without anything to read has no file.
type ownTexts struct {
	*ownData
	folder string

	have map[string]bool // files that there are: one whose first messages expired meanwhile may come again
	out  io.Writer       // the text that is written
}

// write adds messages to the text that was written last, or begins one.
func (t *ownTexts) write(ctx context.Context, text *ownText, list []models.WrittenMessage) error {
	if err := t.still(ctx); err != nil {
		return err
	}
	var lines strings.Builder
	for _, m := range list {
		if says := saysInText(m); says != "" {
			lines.WriteString(lineOfText(m.At(), text.author(m), says))
		}
	}
	if lines.Len() == 0 {
		return nil
	}
	if !text.begun {
		if err := t.begin(text); err != nil {
			return err
		}
	}
	if text.written {
		return nil
	}
	_, err := io.WriteString(t.out, lines.String())
	return err
}

// begin begins a text: in a file of its own, or when there are many, in the one for all that come then.
func (t *ownTexts) begin(text *ownText) (err error) {
	text.begun = true
	title := text.title + "\n\n"
	name := addressFileName(text.name) + ".txt"
	if text.former {
		name = "formerly " + addressFileName(text.domain) + "/" + name
	}
	switch more := "all further ones.txt"; {
	case t.have[name]:
		text.written = true
		return nil
	case len(t.have) < ownDataTexts:
		t.have[name] = true
		t.out, err = t.create(t.folder+"/"+name, zip.Deflate, t.now)
	case !t.have[more]:
		t.have[more] = true
		t.out, err = t.create(t.folder+"/"+more, zip.Deflate, t.now)
	default:
		title = "\n" + title
	}
	if err == nil {
		_, err = io.WriteString(t.out, title)
	}
	return err
}

// minuteOfText is how a text writes a time, which is in UTC.
const minuteOfText = "2006-01-02 15:04 UTC"

// lineOfText is a message in a text. Its further lines are indented, so that nobody can write what looks like another one's.
func lineOfText(at time.Time, author, says string) string {
	when := at.Format(minuteOfText) + "  "
	indented := "\n" + strings.Repeat(" ", len(when))
	if does, ok := stanza.Action(says); ok {
		says = " " + does
	} else {
		says = ": " + says
	}
	return when + author + strings.ReplaceAll(strings.TrimRight(says, "\n"), "\n", indented) + "\n"
}

// saysInText is what a message says to a person; empty: nothing.
func saysInText(m models.WrittenMessage) string {
	el, err := stream.Parse(m.XML, stream.Limits{Bytes: len(m.XML)})
	if err != nil {
		return plainLines(m.Text) // it is damaged, and this is what is left
	}
	if _, taken := el.Find(stanza.NSRetract, "retracted"); taken {
		return "(deleted)"
	}
	_, kind := preview(el)
	text, _ := stanza.MarkedText(el)
	text = plainLines(text)
	switch {
	case kind == "deleted":
		return "(deleted an earlier message)"
	case kind == "encrypted", stanza.IsEncrypted(el):
		return "(encrypted)"
	case text != "" && stanza.CorrectedID(el) != "":
		return "(in the place of an earlier message) " + text
	}
	return cmp.Or(text, reactions(el))
}

// reactions says what somebody reacted with (XEP-0444).
func reactions(m *stream.Element) string {
	all, ok := m.Find(stanza.NSReactions, "reactions")
	if !ok {
		return ""
	}
	var signs []string
	for c := range all.Children() {
		if sign := ownLine(c.Text()); c.Name.Local == "reaction" && sign != "" {
			signs = append(signs, sign)
		}
	}
	if len(signs) == 0 {
		return "(took a reaction back)"
	}
	return "(reacted with " + strings.Join(signs, " ") + ")"
}

// plainLines is a text without what controls a terminal, or turns the text around it; its lines end with a line feed.
func plainLines(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
}

// ownLine is a text as one line.
func ownLine(text string) string { return strings.Join(strings.Fields(plainLines(text)), " ") }

// writeFiles copies what the person sent, as it is, and lists what cannot be had.
func (d *ownData) writeFiles(ctx context.Context) error {
	used := fileNames{"missing.txt": 1}
	var missing strings.Builder
	for after := uuid.Nil; ; {
		list, err := d.records.Of(ctx, d.account.ID, after, ownDataFiles)
		if err != nil {
			return err
		}
		for _, u := range list {
			why, err := d.writeFile(ctx, u, used)
			if err != nil {
				return err
			}
			if why != "" {
				fmt.Fprintf(&missing, "%s, sent on %s: %s\n", u.Name, u.CreatedAt.UTC().Format(minuteOfText), why)
			}
		}
		if len(list) < ownDataFiles {
			return d.writeMissing(missing.String())
		}
		after = list[len(list)-1].ID
	}
}

func (d *ownData) writeMissing(list string) error {
	if list == "" {
		return nil
	}
	w, err := d.create("files/missing.txt", zip.Deflate, d.now)
	if err == nil {
		_, err = io.WriteString(w, "These files could not be read, or not to their end. You can try again under Settings, Files.\n\n"+list)
	}
	return err
}

// writeFile copies a file, and says why it is missing or not whole, if it is. An error ends the download.
func (d *ownData) writeFile(ctx context.Context, u models.Upload, used fileNames) (missing string, err error) {
	if err := d.still(ctx); err != nil {
		return "", err
	}
	storing, cancel := context.WithCancel(ctx)
	defer cancel()
	hung := time.AfterFunc(d.stall, cancel) // the store may take no longer for a byte
	file, err := d.uploads.Open(storing, u)
	hung.Stop()
	if err != nil {
		d.noteMissing(u, err)
		return "it could not be read", ctx.Err()
	}
	defer file.Close()
	w, err := d.create("files/"+used.unique(fileNamePart(u.Name)), zip.Store, u.CreatedAt.UTC())
	if err != nil {
		return "", err
	}
	buf := make([]byte, 64<<10)
	for n, checked := int64(0), int64(0); ; {
		hung.Reset(d.stall)
		got, readErr := file.Read(buf)
		hung.Stop()
		if _, err := w.Write(buf[:got]); err != nil {
			return "", err
		}
		if n += int64(got); n-checked >= ownDataFileStep {
			checked = n
			if err := d.still(ctx); err != nil {
				return "", err
			}
		}
		switch {
		case errors.Is(readErr, io.EOF) && n == u.Size:
			return "", nil
		case readErr != nil:
			d.noteMissing(u, readErr)
			return "only the first " + Size(n).String() + " of " + Size(u.Size).String() + " could be read", ctx.Err()
		}
	}
}

// noteMissing logs that a file could not be read.
func (d *ownData) noteMissing(u models.Upload, err error) {
	d.failures.Error(d.log, "own data", "a file is missing in somebody's download of their own data", "user", d.account.Username, "file", u.ID, "err", err)
}

// fileNames are the names in a folder, as a system sees them that takes A for a, and how often each was wanted.
type fileNames map[string]int

// unique returns a name that is not there yet: of several files that are called a.txt, the second is a (2).txt.
func (f fileNames) unique(name string) string {
	key := strings.ToLower(name)
	for f[key] > 0 {
		f[key]++
		base, ext := name, ""
		if at := strings.LastIndexByte(name, '.'); at > 0 {
			base, ext = name[:at], name[at:]
		}
		numbered := fmt.Sprintf("%s (%d)%s", base, f[key], ext)
		if taken := strings.ToLower(numbered); f[taken] == 0 {
			f[taken] = 1
			return numbered
		}
	}
	f[key] = 1
	return name
}

// Names that Windows has for devices, whatever comes after a dot.
var deviceNames = []string{"con", "prn", "aux", "nul", "conin$", "conout$"}

func isDeviceName(name string) bool {
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	base = strings.TrimSpace(base)
	numbered := len(base) > 3 && (strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt")) && strings.Trim(base[3:], "0123456789¹²³") == ""
	return numbered || slices.Contains(deviceNames, base)
}

// maxZipName is the maximum of a name in a folder, in bytes, before its ending and a number.
const maxZipName = 200

// fileNamePart makes a name that every system takes of one that people see.
func fileNamePart(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`<>:"/\|?*`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	name = strings.TrimRight(stanza.CutText(name, maxZipName), ". ")
	if name == "" || name[0] == '.' || name[0] == '-' || name[0] == ' ' || isDeviceName(name) {
		name = "_" + name
	}
	return name
}

// addressFileName is a name that every system takes, and that no other address has: one with other signs than the usual
// ones, or a long one, has the beginning of its hash behind it.
func addressFileName(address string) string {
	const longest = 100
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("@.-_+", r) {
			return r
		}
		return '_'
	}, strings.ToValidUTF8(address, "_"))
	usual := strings.Trim(address, "abcdefghijklmnopqrstuvwxyz0123456789@.-_+") == "" && len(address) <= longest
	if name := fileNamePart(plain); usual && name == address {
		return name
	}
	sum := sha256.Sum256([]byte(address))
	return fileNamePart(stanza.CutText(plain, longest)) + "~" + hex.EncodeToString(sum[:8])
}
