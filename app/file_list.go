package app

import (
	"context"
	"net/http"
	"time"

	"foyer/app/uploads"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// filePages are the files that a person sent.
type filePages struct {
	*pages
	records *models.Uploads
	uploads *uploads.Service
}

func (s *filePages) routes(web fiber.Router) {
	web.Get("/settings/files", s.requireMember, s.showFiles)
	web.Post("/settings/files/delete", s.requireMember, s.deleteOwnFiles)
	web.Get("/settings/files/:id", s.requireMember, s.saveOwnFile)
	web.Post("/settings/files/:id/delete", s.requireMember, s.deleteOwnFile)
}

// filesPerPage is how many files are listed at a time.
const filesPerPage = 50

// FilesPage is the data of "files".
type FilesPage struct {
	Usage FileUsage
	Files []FileRow
	Next  string // the last one's id, if there are more
}

// FileUsage is what a person's files take.
type FileUsage struct {
	Files   int
	Used    Size
	Quota   Size // 0: no more can be sent
	Percent int
	Kept    string // for how long; empty: for ever
}

// FileRow is a file that a person sent.
type FileRow struct {
	ID, Name string
	Size     Size
	Sent     time.Time
}

// fileUsage tells what an account's files take; nil where nobody sends files and it has none from before:
// those are still served, and so they can be seen and deleted.
func (s *filePages) fileUsage(ctx context.Context, a models.Account) (*FileUsage, error) {
	used, err := s.records.UploadUsage(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	quota := s.cfg.UploadQuota
	if s.cfg.UploadMaxSize == 0 || !s.chat.Abilities().Uploads {
		if used.Files == used.Slots {
			return nil, nil
		}
		quota = 0
	}
	u := FileUsage{Files: used.Files - used.Slots, Used: Size(used.Bytes), Quota: quota}
	if quota > 0 {
		u.Percent = int(used.Bytes * 100 / int64(quota))
	}
	if days := int(time.Duration(s.cfg.UploadRetention) / (24 * time.Hour)); days > 0 {
		u.Kept = plural(days, "day")
	} else if s.cfg.UploadRetention > 0 {
		u.Kept = plural(int(time.Duration(s.cfg.UploadRetention).Hours()), "hour")
	}
	return &u, nil
}

// showFiles: GET /settings/files — the files that a person sent, the newest
// first.
func (s *filePages) showFiles(c *fiber.Ctx) error {
	v := viewer(c)
	usage, err := s.fileUsage(c.UserContext(), v.account)
	if err != nil {
		return err
	}
	if usage == nil {
		return pageNotFound(nil)
	}
	after, _ := uuid.Parse(c.Query("after")) // what is no id is the beginning
	list, err := s.records.Of(c.UserContext(), v.account.ID, after, filesPerPage+1)
	if err != nil {
		return err
	}
	data := FilesPage{Usage: *usage}
	if len(list) > filesPerPage {
		list = list[:filesPerPage]
		data.Next = list[filesPerPage-1].Key()
	}
	for _, u := range list {
		data.Files = append(data.Files, FileRow{ID: u.Key(), Name: u.Name, Size: Size(u.Size), Sent: u.CreatedAt})
	}
	p := s.page(c, "files", "Files")
	p.Data = data
	return s.render(c, "files", p)
}

// ownFile finds the file that an address names, among the person's own.
func (s *filePages) ownFile(c *fiber.Ctx) (models.Upload, error) {
	id, err := uuid.Parse(c.Params("id"))
	if err != nil {
		return models.Upload{}, uploads.ErrNoFile
	}
	u, err := s.records.UploadOf(c.UserContext(), viewer(c).account.ID, id)
	return u, uploads.AsError(err)
}

// saveOwnFile: GET /settings/files/:id — to be saved, since only the address that
// was sent shows a file in place.
func (s *filePages) saveOwnFile(c *fiber.Ctx) error {
	u, err := s.ownFile(c)
	if err != nil {
		return err
	}
	return s.uploads.Save(c, u)
}

// deleteOwnFile: POST /settings/files/:id/delete
func (s *filePages) deleteOwnFile(c *fiber.Ctx) error {
	u, err := s.ownFile(c)
	if err != nil {
		return err
	}
	if err := s.records.MarkUploadDeleted(c.UserContext(), viewer(c).account.ID, u.ID); err != nil {
		return uploads.AsError(err)
	}
	return s.filesDeleted(c, "filedeleted")
}

// deleteOwnFiles: POST /settings/files/delete
func (s *filePages) deleteOwnFiles(c *fiber.Ctx) error {
	if err := s.records.MarkUploadsDeleted(c.UserContext(), viewer(c).account.ID); err != nil {
		return err
	}
	return s.filesDeleted(c, "filesdeleted")
}

func (s *filePages) filesDeleted(c *fiber.Ctx, flash string) error {
	s.uploads.Deleted()
	s.flash(c, flash)
	usage, err := s.fileUsage(c.UserContext(), viewer(c).account)
	if err != nil {
		return err
	}
	if usage == nil { // there is no page of them any more
		return c.Redirect("/settings", http.StatusSeeOther)
	}
	return c.Redirect("/settings/files", http.StatusSeeOther)
}
