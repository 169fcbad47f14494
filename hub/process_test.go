package hub

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The test program is also the second process: with HUB_TEST_PULL set it pulls
// that ref, as the environment says, and prints the path.
func TestMain(m *testing.M) {
	if ref := os.Getenv("HUB_TEST_PULL"); ref != "" {
		path, err := New().Pull(context.Background(), ref, nil)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Print(path)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func puller(t *testing.T, f *fakeHub, cache string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "HUB_TEST_PULL=org/name", "HF_ENDPOINT="+f.hub.URL, "HF_HUB_CACHE="+cache, "HF_HUB_OFFLINE=", "HF_TOKEN=", "HF_TOKEN_PATH=/absent")
	return cmd
}

func TestKilledWhilePullingResumes(t *testing.T) {
	f := newFakeHub(t, hfModel())
	const sent = 100000
	var halted atomic.Bool
	f.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		if r.URL.Path != "/"+singleWeights || halted.Load() {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.Write(data[:sent])
		w.(http.Flusher).Flush()
		halted.Store(true)
		<-r.Context().Done() // until the process is killed
		return true
	}
	c := f.client(t)
	cmd := puller(t, f, c.CacheDir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	part := c.CacheDir + "/models--org--name/blobs/" + f.etag(singleWeights) + ".incomplete"
	for deadline := time.Now().Add(20 * time.Second); !hasSize(part, sent); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the process did not get that far")
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	if _, ok := c.Find("org/name"); ok {
		t.Error("half a model was found")
	}
	list, err := c.List()
	if err != nil || len(list) != 1 || list[0].Complete || list[0].Bytes != sent {
		t.Errorf("List: %+v %v", list, err)
	}
	f.count("")
	wantFiles(t, mustPull(t, c, "org/name"), f, hfFiles...)
	if f.count(fmt.Sprintf("GET /%s bytes=%d-", singleWeights, sent)) != 1 {
		t.Error("it did not go on where the process was killed")
	}
}

func TestTwoProcessesPullTheSame(t *testing.T) {
	f := newFakeHub(t, hfModel())
	f.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		time.Sleep(100 * time.Millisecond) // long enough to meet
		return false
	}
	c := f.client(t)
	var wait sync.WaitGroup
	for range 3 {
		cmd := puller(t, f, c.CacheDir)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		wait.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Errorf("%v: %s", err, stderr.Bytes())
			}
		})
	}
	wait.Wait()
	path, ok := c.Find("org/name")
	if !ok {
		t.Fatal("not found")
	}
	wantFiles(t, path, f, hfFiles...)
	if n := f.count("GET /" + singleWeights); n != 1 {
		t.Errorf("the weights were fetched %d times", n)
	}
}

func TestTwoPullsInOneProcess(t *testing.T) {
	f := newFakeHub(t, hfModel())
	f.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		time.Sleep(50 * time.Millisecond)
		return false
	}
	c := f.client(t)
	var notes atomic.Int32
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			_, err := c.Pull(context.Background(), "org/name", func(p Progress) {
				if p.Note != "" {
					notes.Add(1)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := f.count("GET /" + singleWeights); n != 1 {
		t.Errorf("the weights were fetched %d times", n)
	}
	if notes.Load() == 0 {
		t.Error("nobody was told of the waiting")
	}
}
