package auth

import (
	"context"
	"slices"

	"foyer/models"
)

// Who is signed in by a source, and is no longer there or is kept out there, is put out.

// recheckBatch is about how many a source is asked at once.
const recheckBatch = 500

// RecheckSources asks every source whether those who are signed in by it are still somebody
// there, and ends what stands on those who are not. A source that does not answer is logged,
// and puts nobody out.
func (s *Service) RecheckSources(ctx context.Context) {
	for _, source := range s.cfg.Sources {
		if err := s.recheckSource(ctx, source); err != nil && ctx.Err() == nil {
			s.log.Warn("it was not checked who is still there; trying again later", "source", source.Name(), "err", err)
		}
	}
}

func (s *Service) recheckSource(ctx context.Context, source Source) error {
	if whole, ok := source.(BatchRechecker); ok {
		return s.recheckWhole(ctx, source, whole)
	}
	for after := ""; ; {
		list, err := s.inUse(ctx, source, after)
		if err != nil || len(list) == 0 {
			return err
		}
		gone, err := source.Inactive(ctx, list)
		if err != nil {
			return err
		}
		if err := s.endMissing(ctx, source, gone); err != nil {
			return err
		}
		after = list[len(list)-1].ID
	}
}

// recheckWhole asks about all at once, ends those who are gone, and writes down what is said
// of the others.
func (s *Service) recheckWhole(ctx context.Context, source Source, whole BatchRechecker) error {
	var all []Identity
	for after := ""; ; after = all[len(all)-1].ID {
		list, err := s.inUse(ctx, source, after)
		if err != nil {
			return err
		}
		if all = append(all, list...); len(list) < recheckBatch {
			break
		}
	}
	if len(all) == 0 {
		return nil
	}
	gone, now, err := whole.RecheckAll(ctx, all)
	for some := range slices.Chunk(gone, recheckBatch) {
		if err := s.endMissing(ctx, source, some); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(now, recheckBatch) {
		if err := s.Refresh(ctx, source, some); err != nil {
			return err
		}
	}
	return err
}

// inUse returns the next identities that somebody is signed in by.
func (s *Service) inUse(ctx context.Context, source Source, after string) ([]Identity, error) {
	list, err := s.db.Identities.IdentitiesInUse(ctx, source.Name(), after, recheckBatch)
	return identitiesOf(list), err
}

func identitiesOf(list []models.Identity) []Identity {
	said := make([]Identity, len(list))
	for i, one := range list {
		said[i] = Identity{ID: one.ID, Issuer: one.Issuer, Subject: one.Subject, Login: one.Login}
	}
	return said
}

// endMissing ends what stands on those whom a source no longer knows.
func (s *Service) endMissing(ctx context.Context, source Source, gone []Identity) error {
	ids, logins := make([]string, len(gone)), make([]string, len(gone))
	for i, one := range gone {
		ids[i], logins[i] = one.ID, one.Login
	}
	if len(gone) > 0 {
		s.log.Info("people are put out who are no longer there, or are kept out there", "source", source.Name(), "people", logins)
	}
	if err := s.EndIdentities(ctx, ids); err != nil {
		return err
	}
	// They are in no group of the source's any more, and run nothing.
	no, now := false, make([]Person, len(gone))
	for i, one := range gone {
		now[i] = Person{Issuer: one.Issuer, Subject: one.Subject, Login: one.Login, Groups: []string{}, Admin: &no}
	}
	return s.Refresh(ctx, source, now)
}
