package xmppd

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// File upload (XEP-0363): clients ask the service for a slot, and send the file
// to the site over HTTP. The server itself never sees a file.

const nsUpload = "urn:xmpp:http:upload:0"

// UploadRequest is a file that somebody wants to send.
type UploadRequest struct {
	User string // the account's localpart
	Name string // as the client gave it, and not empty; it may hold anything that XML can
	Size int64  // bytes, at least 1
	Type string // the media type, as the client gave it; may be empty
}

// UploadSlot is where a file is to be sent, once and soon, and where it is
// then. Both are complete URLs, percent-encoded.
type UploadSlot struct{ Put, Get string }

// UploadQuotaError is what an UploadSite returns when somebody has no room for
// the file.
type UploadQuotaError struct {
	Text  string    // for people
	Retry time.Time // when there is room again; zero: nobody knows
}

func (e *UploadQuotaError) Error() string { return "xmppd: upload quota: " + e.Text }

// UploadSite gives out slots. The site implements it; it is safe for concurrent
// use.
type UploadSite interface {
	// ReserveSlot reserves room for a file. Errors: *UploadQuotaError; any other
	// means that the site cannot tell just now.
	ReserveSlot(ctx context.Context, r UploadRequest) (UploadSlot, error)
}

// Uploads is the upload service. Mount it on the server.
type Uploads struct {
	domain  string
	maxSize int64
	site    UploadSite
}

var _ Service = (*Uploads)(nil)

// NewUploads makes the service at a prepared domain, for files of at most
// maxSize bytes.
func NewUploads(domain string, maxSize int64, site UploadSite) *Uploads {
	return &Uploads{domain: domain, maxSize: maxSize, site: site}
}

// Domain implements Service.
func (u *Uploads) Domain() string { return u.domain }

// Name implements Service.
func (u *Uploads) Name() string { return "Files" }

// Gone implements Service; the service keeps nothing about clients.
func (u *Uploads) Gone(context.Context, Client, *stream.Element) {}

// Handle implements Service.
func (u *Uploads) Handle(ctx context.Context, c Client, el *stream.Element, to stanza.Address) error {
	switch {
	case el.Name.Local == "presence" || el.Type == "error" || el.Type == "result":
		return nil
	case el.Name.Local != "iq" || el.Type != "get":
		return stanza.ErrServiceUnavailable
	case to.User != "" || to.Resource != "":
		return stanza.ErrItemNotFound
	}
	payload, _ := el.Find(el.Child.Space, el.Child.Local)
	result, err := u.answer(ctx, c, payload)
	if err != nil {
		return err
	}
	c.Deliver(stanza.Result(el, c.JID(), result))
	return nil
}

func (u *Uploads) answer(ctx context.Context, c Client, payload stream.Child) ([]byte, error) {
	switch payload.Name {
	case stream.Name{Space: stanza.NSDiscoInfo, Local: "query"}:
		return stanza.Info{
			Identities: []stanza.Identity{{Category: "store", Type: "file", Name: u.Name()}},
			Features:   []string{stanza.NSDiscoInfo, nsUpload},
			Forms:      [][]byte{u.limitsForm()},
		}.Answer(payload)
	case stream.Name{Space: stanza.NSDiscoItems, Local: "query"}:
		return stanza.ItemsPayload("", nil), nil
	case stream.Name{Space: nsUpload, Local: "request"}:
		return u.slot(ctx, c, payload)
	}
	return nil, stanza.ErrServiceUnavailable
}

// limitsForm tells how large a file may be (XEP-0363 §3, S-98).
func (u *Uploads) limitsForm() []byte {
	f := stanza.NewForm("result", nsUpload)
	f.Field("", "max-file-size", "", strconv.FormatInt(u.maxSize, 10))
	return f.Payload()
}

// slot answers a request for a slot (XEP-0363 §4, S-98).
func (u *Uploads) slot(ctx context.Context, c Client, payload stream.Child) ([]byte, error) {
	r, err := parseUploadRequest(payload)
	if err != nil {
		return nil, err
	}
	if r.Size > u.maxSize {
		return nil, u.tooLarge()
	}
	r.User = c.User()
	slot, err := u.site.ReserveSlot(ctx, r)
	var quota *UploadQuotaError
	if errors.As(err, &quota) {
		return nil, quota.stanzaError()
	}
	if err != nil {
		return nil, err
	}
	dst := []byte(`<slot xmlns="` + nsUpload + `">`)
	dst = append(stanza.AppendAttr(append(dst, "<put"...), "url", slot.Put), "/>"...)
	dst = append(stanza.AppendAttr(append(dst, "<get"...), "url", slot.Get), "/>"...)
	return append(dst, "</slot>"...), nil
}

func parseUploadRequest(payload stream.Child) (UploadRequest, error) {
	var r UploadRequest
	r.Name, _ = payload.Attr("filename")
	r.Type, _ = payload.Attr("content-type")
	size, _ := payload.Attr("size")
	n, err := stanza.ParseNumber(size, 63)
	r.Size = int64(n)
	text := ""
	switch {
	case err != nil:
		text = "A file has a size, in bytes."
	case n == 0:
		text = "The file is empty."
	case strings.TrimSpace(r.Name) == "":
		text = "The file has no name."
	default:
		return r, nil
	}
	return r, &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.BadRequest, Text: text}
}

// tooLarge: XEP-0363 §5 (S-98).
func (u *Uploads) tooLarge() error {
	limit := strconv.FormatInt(u.maxSize, 10)
	return &stanza.Error{
		Type: stanza.ErrorModify, Condition: stanza.NotAcceptable, Text: "The file is too large. It may have " + limit + " bytes at most.",
		Extra: `<file-too-large xmlns="` + nsUpload + `"><max-file-size>` + limit + `</max-file-size></file-too-large>`,
	}
}

// stanzaError: XEP-0363 §5 (S-98). A time to try again is told if there is one.
func (e *UploadQuotaError) stanzaError() *stanza.Error {
	se := &stanza.Error{Type: stanza.ErrorWait, Condition: stanza.ResourceConstraint, Text: e.Text}
	if !e.Retry.IsZero() {
		se.Extra = `<retry xmlns="` + nsUpload + `" stamp="` + e.Retry.UTC().Format(time.RFC3339) + `"/>`
	}
	return se
}
