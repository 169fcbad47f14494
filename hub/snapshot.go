package hub

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// addToSnapshot makes a blob visible under its name: by a link into blobs, or,
// where links are not allowed (Windows, some network disks), by a second name
// of the same file, or by a copy.
func (c *Client) addToSnapshot(path, blob string, size int64) error {
	if hasSize(path, size) {
		return nil // what a commit holds never changes
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	target, err := filepath.Rel(dir, blob)
	if err != nil {
		return err
	}
	link := c.link
	if link == nil {
		link = os.Symlink
	}
	err = link(target, path)
	if errors.Is(err, fs.ErrExist) {
		if hasSize(path, size) {
			return nil // another process was faster
		}
		if err := os.Remove(path); err != nil { // a dangling link
			return err
		}
		err = link(target, path)
	}
	if err == nil {
		return nil
	}
	if os.Link(blob, path) == nil {
		return nil
	}
	return copyFile(path, blob)
}

func hasSize(path string, size int64) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// copyFile copies through a temporary name, so that path is whole or absent.
func copyFile(path, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return writeAtomically(path, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

func writeAtomically(path string, write func(io.Writer) error) error {
	out, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	err = write(out)
	if err == nil {
		err = out.Chmod(0o644) // what others may read, as any file of the cache
	}
	err = errors.Join(err, out.Close())
	if err == nil {
		err = os.Rename(out.Name(), path)
	}
	if err != nil {
		os.Remove(out.Name())
	}
	return err
}
