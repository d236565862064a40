package doctor

import (
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
)

// Files are at a name of their own, for which httptest's certificate is good as well.
const fileHost = "upload.example.com"

// keeper is what keeps files behind another chat server, set up well, except what a test breaks.
type keeper struct {
	folder  string            // below which it takes files
	cors    map[string]string // what it answers to OPTIONS
	options int               // the status of that
	put     http.HandlerFunc  // what is answered to a file
}

// behindAnother is a site whose chat server is another one, with files of its own.
func behindAnother(t testing.TB) (*front, *keeper) {
	f := newFront(t)
	k := &keeper{folder: "/", options: http.StatusOK, put: status(http.StatusUnauthorized), cors: map[string]string{
		"Access-Control-Allow-Origin": "https://" + host, "Access-Control-Allow-Methods": "GET, PUT, OPTIONS", "Access-Control-Allow-Headers": "Content-Type, Authorization",
	}}
	serve := f.server.Config.Handler
	f.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == fileHost {
			k.serve(w, r)
			return
		}
		serve.ServeHTTP(w, r)
	})
	f.broken["/upload/doctor/large.bin"] = status(http.StatusMethodNotAllowed) // the site itself takes none
	f.resolver[fileHost], f.resolver["xmpp-client"], f.resolver["xmpps-client"] = "", "5222", "5223"
	f.doctor.External, f.doctor.FileOrigins = true, []string{"https://" + fileHost}
	return f, k
}

func (k *keeper) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case !strings.HasPrefix(r.URL.Path, k.folder):
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodPut:
		k.put(w, r)
	case r.Header.Get("Origin") == "https://"+host && r.Header.Get("Access-Control-Request-Method") == "PUT":
		for name, value := range k.cors {
			for line := range strings.SplitSeq(value, "\n") {
				w.Header().Add(name, line)
			}
		}
		w.WriteHeader(k.options)
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
}

// A site whose chat server is another one, with its files and its records, has nothing to mend.
func TestRun_BehindAnotherServer(t *testing.T) {
	f, _ := behindAnother(t)
	all := f.run()
	for check, found := range all {
		if found.State != OK || found.Mend != "" {
			t.Errorf("%s: %+v", check, found)
		}
	}
	for _, check := range []string{"files at https://" + fileHost, "certificate of " + fileHost, "record _xmpp-client._tcp.example.com", "record _xmpps-client._tcp.example.com"} {
		if all[check].State != OK {
			t.Errorf("%s: %+v", check, all[check])
		}
	}
	if found, looked := all["uploads"]; looked {
		t.Errorf("the site takes no files, and is asked: %+v", found)
	}
}

// What browsers take, whoever writes it (Fetch §4.8).
func TestFileOrigins_Well(t *testing.T) {
	for name, set := range map[string]func(*front, *keeper){
		"everybody's pages":      func(_ *front, k *keeper) { k.cors["Access-Control-Allow-Origin"] = "*" },
		"every method":           func(_ *front, k *keeper) { k.cors["Access-Control-Allow-Methods"] = "*" },
		"every header":           func(_ *front, k *keeper) { k.cors["Access-Control-Allow-Headers"] = "*" },
		"lists on several lines": func(_ *front, k *keeper) { k.cors["Access-Control-Allow-Methods"] = "GET\nPUT" },
		"no content":             func(_ *front, k *keeper) { k.options = http.StatusNoContent },
		"Prosody's own path":     func(_ *front, k *keeper) { k.folder = "/file_share/" },
		"ejabberd's own path":    func(_ *front, k *keeper) { k.folder = "/upload/" },
		"ejabberd's refusal":     func(_ *front, k *keeper) { k.put = status(http.StatusNotFound) },
		"no largest file":        func(f *front, k *keeper) { f.doctor.MaxUpload = 0; k.put = status(http.StatusRequestEntityTooLarge) },
	} {
		f, k := behindAnother(t)
		set(f, k)
		for _, found := range f.prepared().fileOrigins(t.Context()) {
			if found.State != OK {
				t.Errorf("%s: %+v", name, found)
			}
		}
	}
}

// prepared is the doctor, for one check alone.
func (f *front) prepared() *Doctor {
	if err := f.doctor.prepare(); err != nil {
		f.t.Fatal(err)
	}
	return f.doctor
}

// Each set-up is broken in one way, which is the one finding that is not well.
func TestFileOrigins_Broken(t *testing.T) {
	const files = "files at https://" + fileHost
	cors := func(name, value string) func(*front, *keeper) {
		return func(_ *front, k *keeper) {
			if k.cors[name] = value; value == "" {
				delete(k.cors, name)
			}
		}
	}
	for name, c := range map[string]struct {
		spoil func(*front, *keeper)
		check string
		state State
		text  string
		mend  string
	}{
		"no address":                 {func(f *front, _ *keeper) { delete(f.resolver, fileHost) }, files, Fail, "upload.example.com has no address", "A or AAAA"},
		"a name server that is away": {func(f *front, _ *keeper) { f.doctor.Resolver = noHosts{f.resolver} }, files, Fail, "could not be looked up", "name servers of upload.example.com"},
		"nobody vouches for it":      {func(f *front, _ *keeper) { f.doctor.Roots = x509.NewCertPool() }, "certificate of " + fileHost, Fail, "chain is not complete", "SSLCertificateFile of Apache, in the server that passes files on"},
		"nobody listens":             {func(f *front, _ *keeper) { f.server.Close() }, "certificate of " + fileHost, Fail, "shows none", "firewall"},
		"nobody listens, in clear":   {func(f *front, _ *keeper) { f.doctor.FileOrigins = []string{"http://" + fileHost + ":1"} }, "files at http://" + fileHost + ":1", Fail, "does not answer", "http_ports in prosody.cfg.lua"},
		"the chat server is stopped": {func(_ *front, k *keeper) { k.options = http.StatusBadGateway }, files, Fail, "not the chat server behind it", "does that server run"},
		"another path":               {func(_ *front, k *keeper) { k.folder = "/files/" }, files, Warn, "knows nothing at /, /file_share/, /upload/", "another path"},
		"no CORS":                    {cors("Access-Control-Allow-Origin", ""), files, Fail, "has no Access-Control-Allow-Origin", `origins = { "https://example.com" }`},
		"CORS for another site":      {cors("Access-Control-Allow-Origin", "https://chat.example.org"), files, Fail, `those of "https://chat.example.org" may`, `custom_headers of mod_http_upload, "Access-Control-Allow-Origin": "https://example.com"`},
		"CORS twice":                 {cors("Access-Control-Allow-Origin", "*\nhttps://example.com"), files, Fail, "2 times", "add_header"},
		"no PUT for pages":           {cors("Access-Control-Allow-Methods", "GET, OPTIONS"), files, Fail, `may not use PUT there, but "GET, OPTIONS"`, `"Access-Control-Allow-Methods": "GET, HEAD, PUT, OPTIONS"`},
		"no kind of file":            {cors("Access-Control-Allow-Headers", ""), files, Fail, "Content-Type", `"Access-Control-Allow-Headers": "Content-Type"`},
		"a sign-in before it":        {func(_ *front, k *keeper) { k.options = http.StatusFound }, files, Fail, "answered with 302", "pass on OPTIONS"},
		"small files":                {func(_ *front, k *keeper) { k.put = status(http.StatusRequestEntityTooLarge) }, files, Fail, "1000 bytes, which UPLOAD_MAX_SIZE allows", "client_max_body_size in upload.conf"},
		"a file that is broken off":  {func(_ *front, k *keeper) { k.put = aborted }, files, Warn, "broken off", "error log"},
		"anybody's files":            {func(_ *front, k *keeper) { k.put = status(http.StatusCreated) }, files, Warn, "is taken (201)", "to nothing else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, k := behindAnother(t)
			c.spoil(f, k)
			var found []Finding
			for _, one := range f.prepared().fileOrigins(t.Context()) {
				if one.State != OK {
					found = append(found, one)
				}
			}
			if len(found) != 1 || found[0].Check != c.check || found[0].State != c.state || !strings.Contains(found[0].Text, c.text) || !strings.Contains(strings.ToLower(found[0].Mend), strings.ToLower(c.mend)) {
				t.Errorf("%+v", found)
			}
		})
	}
}
