package lighttransfer

import (
	"fmt"
	"os"
	"testing"
)

// TestMain gives the tests a home of their own: a plan that the user has calibrated
// for the embedded model would be what "auto" means in them.
func TestMain(m *testing.M) {
	home, err := os.MkdirTemp("", "lighttransfer-test-")
	if err == nil {
		err = os.Setenv("LIGHTTRANSFER_HOME", home)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer os.RemoveAll(home) // the test binary exits after the return, with what Run has returned
	m.Run()
}
