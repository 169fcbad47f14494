package task

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// readLines makes a record of each line of the first file that is there: patterns
// as of path.Match, in the folder of data, then in its data.zip; or in the zip that
// it is. Files of the same pattern are read in the order of their names. Those that
// end in .parquet are tables with a row for a line.
func readLines[L any](data string, make func(L) (Record, error), patterns ...string) ([]Record, error) {
	if data == "" {
		return nil, needsData(data, patterns...)
	}
	st, err := os.Stat(data)
	if err != nil {
		return nil, err
	}
	zipped := data
	if st.IsDir() {
		all, err := readFolder(os.DirFS(data), data, make, patterns)
		if all != nil || err != nil {
			return all, err
		}
		if zipped = filepath.Join(data, "data.zip"); !exists(zipped) {
			return nil, needsData(data, patterns...)
		}
	}
	z, err := zip.OpenReader(zipped)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; give a folder, or LongBench's data.zip", zipped, err)
	}
	defer z.Close()
	all, err := readFolder(z, zipped, make, patterns)
	if all == nil && err == nil {
		err = needsData(zipped, patterns...)
	}
	return all, err
}

// readFolder returns nothing if there is no file of any pattern.
func readFolder[L any](folder fs.FS, name string, make func(L) (Record, error), patterns []string) ([]Record, error) {
	for _, p := range patterns {
		files, err := fs.Glob(folder, p)
		if err != nil {
			return nil, err
		}
		var all []Record
		for _, f := range files {
			records, err := readFile(folder, f, make)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Join(name, filepath.FromSlash(f)), err)
			}
			all = append(all, records...)
		}
		if err := identify(all); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(name, p), err)
		}
		if all != nil {
			return all, nil
		}
	}
	return nil, nil
}

func readFile[L any](folder fs.FS, name string, make func(L) (Record, error)) ([]Record, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if path.Ext(name) == ".parquet" {
		return readTable(f, make)
	}
	var all []Record
	err = Lines(f, func(_ int, text []byte) error {
		var line L
		if err := json.Unmarshal(text, &line); err != nil {
			return err
		}
		r, err := make(line)
		all = append(all, r)
		return err
	})
	if err == nil && len(all) == 0 {
		err = errors.New("there is no record in it")
	}
	return all, err
}

// readTable reads a parquet file, whose columns are named as the fields of lines.
func readTable[L any](f fs.File, make func(L) (Record, error)) (all []Record, err error) {
	file, ok := f.(io.ReaderAt)
	if !ok {
		return nil, errors.New("a parquet file in a zip: unpack it")
	}
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	defer func() { // the reader of the module panics on some damaged files
		if p := recover(); p != nil {
			all, err = nil, fmt.Errorf("not a parquet file that can be read: %v", p)
		}
	}()
	rows, err := parquet.Read[L](file, st.Size())
	if err != nil {
		return nil, fmt.Errorf("not a parquet file that can be read: %w", err)
	}
	for i, row := range rows {
		r, err := make(row)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no record in it")
	}
	return all, nil
}

// identify numbers records that have no name of their own; no two may be the same.
func identify(all []Record) error {
	seen := map[string]bool{}
	for i := range all {
		r := &all[i]
		if r.ID == "" {
			r.ID = fmt.Sprint(i)
		}
		if seen[r.ID] {
			return fmt.Errorf("two records are called %q", r.ID)
		}
		seen[r.ID] = true
	}
	return nil
}

// ErrNoData is in the error of a task whose published data is not in the folder.
var ErrNoData = errors.New("its published data is missing")

// needsData says which files a task reads.
func needsData(dir string, files ...string) error {
	which := strings.Join(files, " or ")
	if dir == "" {
		return fmt.Errorf("%w: give the folder that has %s with --data DIR", ErrNoData, which)
	}
	return fmt.Errorf("%w: %s has no %s; give the folder that has it with --data DIR", ErrNoData, dir, which)
}
