package report

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// Write makes the report's files in a folder and returns their paths. A file that
// was there is replaced when the new one is whole.
func (r *Report) Write(dir string) (paths []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	files := r.files()
	for _, name := range sortedKeys(files) {
		path := filepath.Join(dir, name)
		if err := replace(path, files[name]); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func replace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone after the renaming
	b := bufio.NewWriter(f)
	err = write(b)
	for _, finish := range []func() error{b.Flush, func() error { return f.Chmod(0o644) }, f.Close} {
		if e := finish(); err == nil {
			err = e
		}
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
