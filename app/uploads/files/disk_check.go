package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// check is Check for a directory. It writes in the directory itself and not below it, and takes a directory
// that it had to make away again. A directory below that belongs to somebody else is an error: the site
// could keep no file in it.
func (d *Disk) check() (err error) {
	made := missing(d.dir)
	if err := d.Prepare(); err != nil {
		return err
	}
	defer func() {
		for _, dir := range made {
			_ = os.Remove(dir) // it is not empty where the site came meanwhile, and stays then
		}
	}()
	f, err := os.CreateTemp(d.dir, "check-*"+partial)
	if err != nil {
		return fmt.Errorf("a file cannot be written: %w", err)
	}
	defer func() {
		if gone := os.Remove(f.Name()); gone != nil {
			err = errors.Join(err, fmt.Errorf("a file cannot be removed: %w", gone))
		}
	}()
	_, err = f.WriteString(sample)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("a file cannot be written: %w", err)
	}
	got, err := os.ReadFile(f.Name())
	if err == nil && string(got) != sample {
		err = errors.New("it came back as something else")
	}
	if err != nil {
		return fmt.Errorf("a file cannot be read back: %w", err)
	}
	return d.checkBelow(func(path string, _ fs.FileInfo) bool { return writable(path) })
}

// CheckOwners looks whether a directory of files is root's while the site is another user, who cannot keep files in it.
// It is for who asks about the site, and not for the site: root can write anyway, and the error is the same.
func (d *Disk) CheckOwners() error {
	above, err := os.Stat(d.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	site, known := owner(above)
	if !known || os.Geteuid() != 0 || site == 0 {
		return nil
	}
	return d.checkBelow(func(_ string, info fs.FileInfo) bool {
		uid, _ := owner(info)
		return uid != 0
	})
}

// missing are the directories up to one that are not there, the innermost first.
func missing(dir string) []string {
	var all []string
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			return all
		}
		all = append(all, dir)
		dir = filepath.Dir(dir)
	}
}

// checkBelow asks of each of the directories of files that are there whether files can be kept in it.
func (d *Disk) checkBelow(can func(path string, info fs.FileInfo) bool) error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || len(e.Name()) != 2 {
			continue // not of ours
		}
		path := filepath.Join(d.dir, e.Name())
		info, err := e.Info()
		if err != nil {
			return err
		}
		if uid, known := owner(info); known && !can(path, info) {
			return fmt.Errorf("%s belongs to the user number %d, so that the site can keep no file in it; give it to the owner of the directory: chown -R --reference=%s %s/", path, uid, d.dir, d.dir)
		}
	}
	return nil
}

// Stranger says who the owner of the directory is, if that is not who runs this program: what this program
// may do there says little about what the site may. Empty: it is the same, or not known.
func (d *Disk) Stranger() string {
	info, err := os.Stat(d.dir)
	if err != nil {
		return ""
	}
	if uid, known := owner(info); known && uid != os.Geteuid() {
		return fmt.Sprintf("%s belongs to the user number %d, who the site must run as, and this command runs as %d", d.dir, uid, os.Geteuid())
	}
	return ""
}
