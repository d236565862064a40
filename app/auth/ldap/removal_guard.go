package ldap

import (
	"context"
	"fmt"
)

// Who is disabled or expired in the directory is put out: it says so of each of them. Who
// is not in its answer may have been removed; or the answer is not what it should be, since
// the site's account there lost a right, a base was renamed, a copy is not complete, or
// entries were made again under new identities. So missing people are put out only when
//
//   - every part of the answer came, without an error and without a limit that was met,
//   - the directory shows at least one person who may sign in,
//   - and they are not too many at once: not all of two or more, and no more than 5 or a
//     fifth of those who were asked for, whichever is more.
//
// Otherwise a MassRemovalError says so, they stay, and foyer directory sync puts them out by hand.

// Report is what the directory says of some people.
type Report struct {
	Present map[string]Person // by subject: those who may still sign in
	Gone    []string          // subjects of those who may not any more
}

// MassRemovalError: too many people are missing at once to believe it.
type MassRemovalError struct{ Asked, Missing int }

// Error implements error.
func (e *MassRemovalError) Error() string {
	return fmt.Sprintf("%d of %d people are not in the directory's answer, which is too many at once to believe; nobody of them was put out. "+
		"See what foyer directory sync --dry-run says, and without --dry-run it puts them out", e.Missing, e.Asked)
}

// plausible reports whether so many may be missing.
func plausible(asked, missing int, anybody bool) bool {
	return missing == 0 || (anybody && (missing == 1 || missing < asked) && missing <= max(5, asked/5))
}

// Recheck asks who of some people may still sign in. Errors: auth.ErrUnreachable, and the report
// is empty; *MassRemovalError, and the report has those of whom the directory says that they may
// not, without those who are missing.
func (d *Directory) Recheck(ctx context.Context, subjects []string) (Report, error) {
	return d.recheck(ctx, subjects, withGroups)
}

func (d *Directory) recheck(ctx context.Context, subjects []string, groups groupReading) (Report, error) {
	found, err := d.look(ctx, subjects, groups)
	if err != nil {
		return Report{}, err
	}
	report := Report{Present: map[string]Person{}}
	var missing []string
	for _, s := range subjects {
		p, ok := found[s]
		switch {
		case !ok:
			missing = append(missing, s)
		case p.Status.EndsSessions():
			report.Gone = append(report.Gone, s)
		default:
			report.Present[s] = p
		}
	}
	if len(missing) == 0 {
		return report, nil
	}
	anybody, err := d.anybody(ctx)
	if err != nil {
		return Report{}, err
	}
	if !plausible(len(subjects), len(missing), anybody) {
		return report, &MassRemovalError{Asked: len(subjects), Missing: len(missing)}
	}
	report.Gone = append(report.Gone, missing...)
	return report, nil
}
