package mem

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func available() (int64, bool) {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	free, ok := int64(0), false
	sc := bufio.NewScanner(bytes.NewReader(data))
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) >= 2 && f[0] == "MemAvailable:" {
			if kb, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				free, ok = kb<<10, true
			}
		}
	}
	if left, limited := cgroupLeft(); limited && (!ok || left < free) {
		free, ok = left, true
	}
	return free, ok
}

// cgroupLeft is what the tightest control group above the process still allows.
// Page cache counts as used there, but can be had back.
func cgroupLeft() (left int64, limited bool) {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	for _, line := range strings.Split(string(data), "\n") {
		path, v2 := strings.CutPrefix(line, "0::")
		if !v2 {
			continue
		}
		for dir := filepath.Clean("/" + path); ; dir = filepath.Dir(dir) {
			group := filepath.Join("/sys/fs/cgroup", dir)
			limit, ok1 := readInt(filepath.Join(group, "memory.max"))
			used, ok2 := readInt(filepath.Join(group, "memory.current"))
			if ok1 && ok2 {
				if l := limit - used + statInt(filepath.Join(group, "memory.stat"), "file"); !limited || l < left {
					left, limited = l, true
				}
			}
			if dir == "/" {
				break
			}
		}
	}
	return left, limited
}

func readInt(file string) (int64, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	v, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return v, err == nil
}

func statInt(file, key string) int64 {
	data, _ := os.ReadFile(file)
	for _, line := range strings.Split(string(data), "\n") {
		if v, ok := strings.CutPrefix(line, key+" "); ok {
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
	}
	return 0
}

// peakRSS is VmHWM. (ru_maxrss would include what the parent had before it
// started this program.)
func peakRSS() int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(data), "\n") {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "VmHWM:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}
