package app

import (
	"context"
	"errors"
	"time"

	"foyer/internal/budget"
	"foyer/models"
)

// Pictures that sources have of people are fetched in the background: no sign-in waits for them, or
// fails for want of one.

// Bounds of that.
const (
	maxClaimedPictures    = 1000 // that wait; more are left out
	claimedPictureWorkers = 2
	claimedPictureTimeout = 30 * time.Second
)

type claimedPicture struct{ user, url string }

// wantPicture notes that a source has another picture of somebody.
func (s *Server) wantPicture(user, url string) {
	select {
	case s.claimedPictures <- claimedPicture{user, url}:
	default:
		s.limits.LimitHit(budget.Limit{Name: "pictures of identity providers that wait to be fetched"}, user)
	}
}

// fetchPictures fetches what is wanted until ctx ends.
func (s *Server) fetchPictures(ctx context.Context) {
	for {
		select {
		case p := <-s.claimedPictures:
			if err := s.takePicture(ctx, p); err != nil && ctx.Err() == nil {
				s.log.Warn("somebody's picture was not taken from where they come from", "user", p.user, "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) takePicture(ctx context.Context, p claimedPicture) error {
	ctx, cancel := context.WithTimeout(ctx, claimedPictureTimeout)
	defer cancel()
	raw, err := s.pictureAt(ctx, p.url)
	if err != nil || raw == nil {
		return err
	}
	data, mediaType, err := s.pictures.Square(ctx, p.user, raw)
	if err != nil {
		return err
	}
	err = s.db.Accounts.SetClaimedAvatar(ctx, models.ClaimedPicture{Username: p.user, URL: p.url}, data, mediaType)
	if errors.Is(err, models.ErrStale) || errors.Is(err, models.ErrNotFound) {
		return nil // they chose one meanwhile, or have gone
	}
	if err != nil {
		return err
	}
	s.tell(ctx, models.Event{Kind: models.EventChanged, User: p.user})
	return nil
}

// pictureSource is a Source that keeps pictures itself, at addresses of its own.
type pictureSource interface {
	// Picture returns a picture; ok: the address is one of the source's. nil: it is gone.
	Picture(ctx context.Context, address string) (picture []byte, ok bool, err error)
}

// pictureAt reads a picture where it is: at its source, or by HTTP. nil: it is gone.
func (s *Server) pictureAt(ctx context.Context, address string) ([]byte, error) {
	for _, source := range s.auth.Sources() {
		if from, keeps := source.(pictureSource); keeps {
			if raw, ok, err := from.Picture(ctx, address); ok || err != nil {
				return raw, err
			}
		}
	}
	return s.fetcher.Fetch(ctx, address)
}
