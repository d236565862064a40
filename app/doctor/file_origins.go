package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Files that another chat server keeps under an origin of its own (UPLOAD_ORIGINS): pages send
// them there by PUT, which browsers allow when that origin says so (XEP-0363 §4, Fetch §4.8).

// fileOrigins: pages can send files to each of those origins.
func (d *Doctor) fileOrigins(ctx context.Context) []Finding {
	var all []Finding
	for _, origin := range d.FileOrigins {
		all = append(all, d.fileOrigin(ctx, origin)...)
	}
	return all
}

// fileOrigin looks at one of them; what follows from a failure is not told as well.
func (d *Doctor) fileOrigin(ctx context.Context, origin string) []Finding {
	check := "files at " + origin
	at, err := url.Parse(origin)
	if err != nil {
		return fail(check, "UPLOAD_ORIGINS: origins such as https://upload.example.org.", "%v", err)
	}
	all := d.named(ctx, check, at.Hostname())
	if at.Scheme == "https" && !anyFailed(all) {
		address := net.JoinHostPort(at.Hostname(), portIn(at))
		all = append(all, d.judge(ctx, "certificate of "+at.Host, address, at.Hostname(), false, "ssl_certificate of nginx, SSLCertificateFile of Apache, in the server that passes files on")...)
	}
	if anyFailed(all) {
		return slices.DeleteFunc(all, func(f Finding) bool { return f.State == OK })
	}
	all = slices.DeleteFunc(all, func(f Finding) bool { return f.Check == check }) // the name
	folder, found := d.preflight(ctx, check, origin)
	if found == nil {
		found = d.largeFile(ctx, check, origin+folder)
	}
	return append(all, found...)
}

func anyFailed(all []Finding) bool {
	return slices.ContainsFunc(all, func(f Finding) bool { return f.State == Fail })
}

// Where chat servers take files if nothing else is set: deploy/, Prosody (mod_http_file_share),
// ejabberd (mod_http_upload).
var fileFolders = []string{"/", "/file_share/", "/upload/"}

// A place for a file that no server gave away; ejabberd finds its module by three parts behind the
// folder.
const unknownSlot = "foyer/doctor/large.bin"

// preflight asks what a browser asks before a page of the site sends a file (Fetch §4.8), and
// returns the folder that knows it. found tells why there is none.
func (d *Doctor) preflight(ctx context.Context, check, origin string) (folder string, found []Finding) {
	for _, folder := range fileFolders {
		a, err := d.ask(ctx, http.MethodOptions, origin+folder+unknownSlot, http.Header{
			"Origin": {d.BaseURL}, "Access-Control-Request-Method": {http.MethodPut}, "Access-Control-Request-Headers": {"content-type"},
		}, "", timeout)
		if err != nil {
			return "", fail(check, mendFileProxy, "it does not answer: %v", err)
		}
		if a.status != http.StatusNotFound {
			return folder, d.judgePreflight(check, a)
		}
	}
	return "", warn(check, "If that server keeps files below another path, nothing. Otherwise: "+mendFileProxy,
		"it knows nothing at %s (404), so that it was not seen whether pages may send files there", strings.Join(fileFolders, ", "))
}

const mendFileProxy = "Let the proxy pass that name on to the port where the chat server keeps files (upload.conf in deploy/nginx and deploy/apache, upload.Caddyfile in deploy/caddy): " +
	"http_ports in prosody.cfg.lua; the port of ejabberd_http in ejabberd.yml. Does that server run?"

// judgePreflight says what a browser would make of an answer; nil: the page may send its file.
func (d *Doctor) judgePreflight(check string, a answer) []Finding {
	allowed := a.header.Values("Access-Control-Allow-Origin")
	switch {
	case a.isGateway():
		return fail(check, mendFileProxy, "a proxy answers with %d, but not the chat server behind it", a.status)
	case len(allowed) > 1:
		return fail(check, "Let either the proxy or the chat server say it, and not both: take out the proxy's add_header, or the server's (http_cors_override in prosody.cfg.lua; custom_headers of mod_http_upload in ejabberd.yml).",
			"it says %d times whose pages may send files, which browsers take for nobody's: %s", len(allowed), strings.Join(allowed, ", "))
	case len(allowed) == 0:
		return fail(check, d.mendCORS("Access-Control-Allow-Origin", d.BaseURL), "pages of %s may not send files there: the answer (%d) has no Access-Control-Allow-Origin", d.BaseURL, a.status)
	case allowed[0] != "*" && allowed[0] != d.BaseURL:
		return fail(check, d.mendCORS("Access-Control-Allow-Origin", d.BaseURL), "pages of %s may not send files there: those of %q may", d.BaseURL, allowed[0])
	case a.status < 200 || a.status > 299: // Fetch §4.8: an ok status
		return fail(check, "Let the proxy pass on OPTIONS, and answer it neither with a redirect nor with a sign-in. "+mendFileProxy, "the question that browsers ask first (OPTIONS) is answered with %d", a.status)
	case !lists(a.header, "Access-Control-Allow-Methods", http.MethodPut):
		return fail(check, d.mendCORS("Access-Control-Allow-Methods", "GET, HEAD, PUT, OPTIONS"), "pages may not use PUT there, but %q", a.header.Get("Access-Control-Allow-Methods"))
	case !lists(a.header, "Access-Control-Allow-Headers", "Content-Type"):
		return fail(check, d.mendCORS("Access-Control-Allow-Headers", "Content-Type"), "pages may not say there what kind of file they send (Content-Type), but %q", a.header.Get("Access-Control-Allow-Headers"))
	}
	return nil
}

// mendCORS says in which file of which server to allow it.
func (d *Doctor) mendCORS(header, value string) string {
	return fmt.Sprintf("Prosody: in prosody.cfg.lua http_cors_override = { file_share = { enabled = true, headers = { Authorization = true }, origins = { %q } } }, with mod_http_file_share itself, which allows PUT; "+
		"ejabberd: in ejabberd.yml custom_headers of mod_http_upload, %q: %q. Restart it. And let the proxy pass on OPTIONS and what it is answered with.", d.BaseURL, header, value)
}

// lists reports whether a header of an answer lists a name, or all; no page sends cookies there.
func lists(h http.Header, header, name string) bool {
	for listed := range strings.SplitSeq(strings.Join(h.Values(header), ","), ",") {
		if listed = strings.TrimSpace(listed); listed == "*" || strings.EqualFold(listed, name) {
			return true
		}
	}
	return false
}

// largeFile: the proxy in front of those files lets the largest through. There is no such slot, so
// that the server refuses it; what counts is that it is not for its size.
func (d *Doctor) largeFile(ctx context.Context, check, folder string) []Finding {
	if d.MaxUpload == 0 {
		return ok(check, "pages may send files there")
	}
	status, err := d.putLarge(ctx, folder+unknownSlot)
	switch {
	case err != nil:
		return warn(check, "Look at the error log of the proxy in front of those files, and at the chat server's.", "a file of %d bytes was broken off: %v", d.MaxUpload, err)
	case status == http.StatusRequestEntityTooLarge:
		return fail(check, "In the proxy: nginx client_max_body_size in upload.conf; Apache the size in upload.conf, and LimitRequestBody; Caddy request_body max_size in upload.Caddyfile: at least what the chat server allows "+
			"(http_file_share_size_limit in prosody.cfg.lua; max_size of mod_http_upload in ejabberd.yml). If that is less, set UPLOAD_MAX_SIZE to it.",
			"a file of %d bytes, which UPLOAD_MAX_SIZE allows, is refused for its size", d.MaxUpload)
	case status >= 200 && status < 300:
		return warn(check, "Let that name lead to the chat server and to nothing else. "+mendFileProxy, "a file that no server asked for is taken (%d): what answers there is not what keeps the chat's files", status)
	}
	return ok(check, "pages may send files there, and one of %d bytes gets through", d.MaxUpload)
}

// portIn is the port of a URL, its scheme's own included.
func portIn(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}
