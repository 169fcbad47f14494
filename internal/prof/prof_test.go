package prof

import (
	"testing"
	"time"
)

func TestEntriesAddUp(t *testing.T) {
	Start().Stop("before", Read, 1)
	Enable()
	for range 3 {
		Start().Stop("short", None, 0)
	}
	m := Start()
	for began := time.Now(); time.Since(began) < 20*time.Millisecond; {
	}
	m.Stop("long", Int8, 100)
	all := Disable()
	Start().Stop("after", Read, 1)
	if len(all) != 2 || all[0].Name != "long" || all[0].Seconds <= 0 || all[0].Work != 100 || all[0].Unit != Int8 || all[1].Calls != 3 {
		t.Errorf("counted %+v", all)
	}
	if On() {
		t.Error("still on")
	}
	if allocs := testing.AllocsPerRun(100, func() { Start().Stop("off", Read, 1) }); allocs > 0 {
		t.Errorf("%g allocations while off", allocs)
	}
}
