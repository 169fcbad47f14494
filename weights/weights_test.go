package weights

import (
	"math"
	"strings"
	"testing"
)

func TestSizeOf(t *testing.T) {
	const no = -1
	for _, tc := range []struct {
		typ   DType
		shape []int
		want  int
	}{
		{F32, nil, 4}, {F32, []int{3, 5}, 60}, {F16, []int{7}, 14}, {BF16, []int{0, 4}, 0},
		{Q8_0, []int{2, 64}, 136}, {Q6_K, []int{3, 256}, 630},
		{Q8_0, []int{64, 2}, no},  // 128 elements, but rows of half a block
		{Q4_K, []int{2, 128}, no}, // likewise
		{Q8_0, nil, no}, {F32, []int{-1, -1}, no},
		{F32, []int{math.MaxInt, 2}, no}, {F32, []int{math.MaxInt, 0, math.MaxInt}, no},
		{DType(250), []int{1}, no}, {DType(250), nil, no},
	} {
		got, ok := SizeOf(tc.typ, tc.shape)
		if ok != (tc.want != no) || ok && got != tc.want {
			t.Errorf("SizeOf(%v, %v) = %d, %v; want %d", tc.typ, tc.shape, got, ok, tc.want)
		}
	}
}

func TestErrorsSayWhatAndWhere(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&FormatError{Path: "m.gguf", Offset: 12, Tensor: "w", Msg: "broken"}, `m.gguf: byte 12: tensor "w": broken`},
		{&FormatError{Path: "m.gguf", Offset: -1, Msg: "broken"}, "m.gguf: broken"},
		{&UnsupportedError{Path: "m.gguf", Tensor: "w", What: "number format IQ1_S", Hint: "take another"}, `m.gguf: tensor "w": number format IQ1_S is not supported; take another`},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

func TestQuoteTamesHostileNames(t *testing.T) {
	if got := Quote("a\x1b[2J\n"); got != `"a\x1b[2J\n"` {
		t.Error(got)
	}
	if got := Quote(strings.Repeat("é", 100000)); len(got) > 600 || !strings.Contains(got, "(200000 bytes)") {
		t.Error(got)
	}
}
