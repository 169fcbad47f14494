package lazy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A Store keeps calibrated plans on disk, one per model, under plans/ of its folder.
type Store struct{ dir string }

// NewStore is the store in a folder, which need not exist; "" is [DefaultDir].
func NewStore(dir string) (*Store, error) {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return nil, err
		}
	}
	return &Store{dir}, nil
}

// DefaultDir is where this user's plans are: $LIGHTTRANSFER_HOME, or lighttransfer
// in the user's configuration folder.
func DefaultDir() (string, error) {
	if dir := os.Getenv("LIGHTTRANSFER_HOME"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep plans in: %w; set LIGHTTRANSFER_HOME to one", err)
	}
	return filepath.Join(dir, "lighttransfer"), nil
}

// Path is where the plan of a model is kept. The hash is letters and digits.
func (st *Store) Path(modelHash string) (string, error) {
	if len(modelHash) == 0 || len(modelHash) > 128 {
		return "", fmt.Errorf("model hash %.20q: 1 to 128 letters and digits wanted", modelHash)
	}
	for _, c := range []byte(modelHash) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return "", fmt.Errorf("model hash %q: only letters and digits wanted", modelHash)
		}
	}
	return filepath.Join(st.dir, "plans", modelHash+".json"), nil
}

// Save keeps p as the plan of a model, in place of an earlier one. A reader sees the
// old plan or the new one, never a part.
func (st *Store) Save(modelHash string, p *Plan) error {
	path, err := st.Path(modelHash)
	if err != nil {
		return err
	}
	q := *p
	q.ModelHash = modelHash
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("keeping the plan: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+modelHash+"-*")
	if err != nil {
		return fmt.Errorf("keeping the plan: %w", err)
	}
	defer os.Remove(f.Name()) // nothing to remove once it has been renamed
	err = errors.Join(f.Chmod(0o644), q.Write(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keeping the plan: %w", err)
	}
	return nil
}

// Load is the plan of a model; not ok when none has been kept.
func (st *Store) Load(modelHash string) (p *Plan, ok bool, err error) {
	path, err := st.Path(modelHash)
	if err != nil {
		return nil, false, err
	}
	p, err = OpenPlan(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err == nil && p.ModelHash != modelHash {
		err = &PlanError{path, fmt.Errorf("made for a model with hash %q", p.ModelHash)}
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w; calibrate the model again or remove the file", err)
	}
	return p, true, nil
}
