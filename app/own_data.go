package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"foyer/app/auth"
	"foyer/app/uploads"
	"foyer/internal/budget"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// A member takes their own data along: a ZIP file that is made while it is sent. What is in it is in own_data_zip.go.

// How often, and for how long.
const (
	ownDataPerDay = 5 // downloads that one account begins
	ownDataAtOnce = 2 // of all accounts; of each one

	ownDataTime    = time.Hour        // in all, and so much more for the files:
	slowestOwnData = 64 << 10         // bytes per second, also of what has been sent; who is slower is cut off after
	ownDataGrace   = 2 * time.Minute  // and
	ownDataStall   = 30 * time.Second // without that the browser, or the store of the files, takes or gives a byte
)

// ownDataPages give somebody what is kept of them.
type ownDataPages struct {
	*pages
	personal *models.PersonalData
	records  *models.Uploads
	throttle *models.Throttle
	signIn   *signInPages
	settings *settingsPages
	uploads  *uploads.Service
	limits   budget.Recorder
	one, all *budget.KeyedSemaphore
	total    time.Duration // ownDataTime, except in tests
	stall    time.Duration // ownDataStall, likewise

	ctx  context.Context // ends when the site stops
	stop context.CancelFunc
}

func newOwnDataPages(s *Server) *ownDataPages {
	p := &ownDataPages{pages: s.pages, personal: s.db.Personal, records: s.db.Uploads, throttle: s.db.Throttle, signIn: s.signIn, settings: s.settings,
		uploads: s.uploads, limits: s.limits, total: ownDataTime, stall: ownDataStall}
	p.one, p.all = newOwnDataLimits(s.limits)
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// newOwnDataLimits bounds how many downloads there are at once, of one account and of all.
func newOwnDataLimits(recorder budget.Recorder) (one, all *budget.KeyedSemaphore) {
	return budget.NewKeyedSemaphore(budget.Limit{Name: "downloads of their own data by one account at once"}, 1<<30, 1, recorder),
		budget.NewKeyedSemaphore(budget.Limit{Name: "downloads of people's own data at once"}, ownDataAtOnce, 1, recorder)
}

var ownDataOfAccount = budget.Limit{Name: "downloads of their own data by one account in a day"}

func (s *ownDataPages) routes(web fiber.Router) {
	web.Post("/settings/data", s.requireMember, s.downloadOwnData)
}

// OwnDataForm keeps nothing of what was typed.
type OwnDataForm struct{ formErrors }

// downloadOwnData: POST /settings/data
func (s *ownDataPages) downloadOwnData(c *fiber.Ctx) error {
	var form OwnDataForm
	account, err := s.signIn.confirm(c, &form.formErrors)
	if err != nil {
		return err
	}
	if len(form.Errors) > 0 {
		return s.settings.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{OwnData: form})
	}
	used, err := s.records.UploadUsage(c.UserContext(), account.ID)
	if err != nil {
		return err
	}
	leave, err := s.admitDownload(c.UserContext(), account.Username)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	c.Set("Content-Type", "application/zip")
	c.Set("Content-Disposition", uploads.ContentDisposition("attachment", s.ownDataName(account, now)))
	s.send(c, used.Bytes, leave, &ownData{ownDataPages: s, account: account, secret: viewer(c).secret, now: now})
	return nil
}

// ownDataName is what the file is called: after the site, the person and the day.
func (s *ownDataPages) ownDataName(a models.Account, now time.Time) string {
	return fileNamePart(strings.ToLower(strings.Join(strings.Fields(s.cfg.SiteName+" "+a.Username), "-"))) + now.Format("-2006-01-02") + ".zip"
}

// admitDownload counts a download, and returns what ends it; or says when there may be one.
func (s *ownDataPages) admitDownload(ctx context.Context, user string) (leave func(), err error) {
	leaveOne, ok := s.one.TryAcquire(user, 1)
	if !ok {
		return nil, &Error{Code: TooMany, Public: "Your data is being downloaded already. You can download it again when that has ended."}
	}
	leaveAll, ok := s.all.TryAcquire(user, 1)
	if !ok {
		leaveOne()
		return nil, &Error{Code: TooMany, Public: "Other people are downloading their data right now. Please try again in ten minutes."}
	}
	leave = func() { leaveAll(); leaveOne() }
	wait, err := s.throttle.Attempt(ctx, ownDataKey(user), ownDataPerDay, 24*time.Hour)
	if err == nil && wait > 0 {
		s.limits.LimitHit(ownDataOfAccount, user)
		err = &Error{Code: TooMany, Public: "You have downloaded your data " + plural(ownDataPerDay, "time") + " within a day. You can download it again in " + inWords(wait) + "."}
	}
	if err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

func ownDataKey(user string) string { return "data:" + user }

// inWords is how long to wait, such as "3 hours": never less than it takes.
func inWords(wait time.Duration) string {
	if wait > time.Hour {
		return plural(int((wait+time.Hour-1)/time.Hour), "hour")
	}
	return plural(int((wait+time.Minute-1)/time.Minute), "minute")
}

// What ends a download before its end, without that anything of ours failed.
var (
	errDownloadLeft = errors.New("the browser took no more")
	errDownloadSlow = errors.New("the browser was too slow")
	errDownloadLate = errors.New("it took too long")
	errDownloadOver = errors.New("the session has ended")
	errDownloadStop = errors.New("the site stops")
)

// send answers with a file that is made as it is taken. What fails from here on cannot be said any more: the connection ends
// before the answer does, which browsers take for a download that failed, and what they have of it is no ZIP file.
func (s *ownDataPages) send(c *fiber.Ctx, files int64, leave func(), data *ownData) {
	total := s.total + time.Duration(files/slowestOwnData)*time.Second
	timed, stopTimer := context.WithTimeoutCause(context.WithoutCancel(c.UserContext()), total, errDownloadLate)
	ctx, cancel := context.WithCancelCause(timed)
	unstop := context.AfterFunc(s.ctx, func() { cancel(errDownloadStop) })
	out, in := io.Pipe()
	body := &ownDataBody{c: c.Context(), out: out, cancel: cancel, until: time.Now().Add(total), stall: s.stall, ended: make(chan struct{})}
	go func() { // until Close, if the browser does not take all
		defer close(body.ended)
		defer stopTimer()
		err := data.write(ctx, in)
		leave() // before the browser knows: it may begin another at once
		unstop()
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		s.noteEnd(data.account.Username, err)
		in.CloseWithError(err) // nil: it is whole
	}()
	c.Context().SetBodyStream(body, -1)
}

// noteEnd logs why a download was not whole. One that failed here does not count.
func (s *ownDataPages) noteEnd(user string, err error) {
	switch {
	case err == nil:
	case errors.Is(err, errDownloadLeft), errors.Is(err, errDownloadSlow), errors.Is(err, errDownloadLate), errors.Is(err, errDownloadOver), errors.Is(err, errDownloadStop):
		s.log.Info("somebody's download of their own data ended early", "user", user, "err", err)
	default:
		s.log.Error("somebody's download of their own data failed", "user", user, "err", err)
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		defer cancel()
		if err := s.throttle.ReleaseAttempt(ctx, ownDataKey(user)); err != nil {
			s.log.Warn("a download of somebody's own data that failed counts nevertheless", "user", user, "err", err)
		}
	}
}

// ownDataBody is a download on its way out. The web server reads it, writes what it read, and closes it.
type ownDataBody struct {
	c      *fasthttp.RequestCtx
	out    *io.PipeReader
	cancel context.CancelCauseFunc
	until  time.Time     // when all must be sent
	stall  time.Duration // how long a write may take
	ended  chan struct{} // nothing is made any more

	sent    int64
	waited  time.Duration // for the browser
	written time.Time     // when what was read last was to be written
}

// Read implements io.Reader.
func (b *ownDataBody) Read(p []byte) (int, error) {
	if !b.written.IsZero() {
		b.waited += time.Since(b.written)
	}
	if b.waited > ownDataGrace+time.Duration(b.sent/slowestOwnData)*time.Second {
		b.cancel(errDownloadSlow)
		return 0, errDownloadSlow
	}
	n, err := b.out.Read(p)
	b.sent += int64(n)
	b.written = time.Now()
	deadline := b.written.Add(b.stall)
	if b.until.Before(deadline) {
		deadline = b.until
	}
	return n, cmp.Or(err, b.c.SetWriteDeadline(deadline))
}

// Close implements io.Closer. It returns when nothing is made any more.
func (b *ownDataBody) Close() error {
	why := errDownloadLeft // which nobody hears if it is whole
	if !time.Now().Before(b.until) {
		why = errDownloadLate
	}
	b.cancel(why)
	b.out.CloseWithError(why)
	<-b.ended
	return nil
}

// still ends a download whose person is not signed in any more.
func (d *ownData) still(ctx context.Context) error {
	_, _, err := d.auth.Session(ctx, d.secret)
	if errors.Is(err, auth.ErrGone) {
		return errDownloadOver
	}
	return err
}
