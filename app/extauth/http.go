package extauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"foyer/internal/budget"
)

// The questions that MongooseIM, Prosody's mod_auth_http and ejabberd's
// ejabberd_auth_http ask over HTTP:
//
//	GET /check_password?user=…&server=…&pass=…   200, true or false
//	GET /user_exists?user=…&server=…             200, true or false
//
// and the same by POST, as a form. 503 says that the site cannot tell just now.
// Everything else that those servers may ask (to register, to remove, to hand over a
// password) is not found. Requests are never logged: they hold passwords.

// maxQuestion is the maximum size of a request's header and of its body, in bytes.
const maxQuestion = 32 << 10

// HTTP serves the questions. It is safe for concurrent use.
type HTTP struct {
	checker checker
	secret  [sha256.Size]byte
	open    bool // without a secret
	log     *slog.Logger
	failed  budget.Lines // questions without an answer, in the log
}

// NewHTTP returns a server of these requests that asks the site, for one XMPP domain. Who asks has to know the
// secret, as the password of Basic authentication or as a bearer token; with an empty one,
// everybody may who gets to the listener.
func NewHTTP(site Site, domain, secret string, log *slog.Logger) *HTTP {
	return &HTTP{checker: checker{site, domain}, secret: sha256.Sum256([]byte(secret)), open: secret == "", log: log}
}

// Serve serves requests until ctx ends, which closes l.
func (h *HTTP) Serve(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/check_password", h.asked(h.checkPassword))
	mux.HandleFunc("/user_exists", h.asked(h.userExists))
	server := &http.Server{
		Handler: mux, MaxHeaderBytes: maxQuestion, ReadTimeout: 10 * time.Second, WriteTimeout: answerTimeout + 10*time.Second, IdleTimeout: 10 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(h.log.Handler(), slog.LevelWarn), // names no request
	}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	err := server.Serve(bounded(l, h.log))
	if ctx.Err() != nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// asked makes a handler of a question.
func (h *HTTP) asked(decide func(context.Context, *http.Request) (verdict, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !h.knowsSecret(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="foyer"`)
			http.Error(w, "the secret is missing or wrong: XMPP_AUTH_SECRET", http.StatusUnauthorized)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodPost {
			w.Header().Set("Allow", "GET, POST")
			http.Error(w, "GET or POST", http.StatusMethodNotAllowed)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxQuestion)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "the question cannot be read", http.StatusBadRequest)
			return
		}
		v, err := decide(r.Context(), r)
		h.answer(w, v, err)
	}
}

// answer writes a verdict.
func (h *HTTP) answer(w http.ResponseWriter, v verdict, err error) {
	switch v {
	case good:
		writeText(w, http.StatusOK, "true")
	case refused, throttled:
		writeText(w, http.StatusOK, "false")
	case unknown:
		h.failed.Error(h.log, "", "a chat server's question could not be answered", "err", err)
		writeText(w, http.StatusServiceUnavailable, "the site cannot tell just now")
	}
}

// writeText writes a short answer with its length, which MongooseIM wants.
func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func (h *HTTP) checkPassword(ctx context.Context, r *http.Request) (verdict, error) {
	v, _, err := h.checker.check(ctx, r.Form.Get("user"), r.Form.Get("server"), r.Form.Get("pass"))
	return v, err
}

func (h *HTTP) userExists(ctx context.Context, r *http.Request) (verdict, error) {
	return h.checker.exists(ctx, r.Form.Get("user"), r.Form.Get("server"))
}

// BearerToken returns the token that an Authorization header brings (RFC 6750 §2.1); ok is false
// if it has another scheme, or none. The scheme's letters may be of either case (RFC 9110 §11.1).
func BearerToken(authorization string) (token string, ok bool) {
	scheme, token, ok := strings.Cut(authorization, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimLeft(token, " "), true
}

// knowsSecret reports whether a request brings the secret.
func (h *HTTP) knowsSecret(r *http.Request) bool {
	if h.open {
		return true
	}
	said, ok := BearerToken(r.Header.Get("Authorization"))
	if !ok {
		_, said, _ = r.BasicAuth()
	}
	sum := sha256.Sum256([]byte(said))
	return subtle.ConstantTimeCompare(sum[:], h.secret[:]) == 1
}
