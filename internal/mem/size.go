package mem

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

var byteUnits = []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}

// ParseSize reads a number of bytes written like 512MiB, 1.5GiB or 4096. Units are
// powers of 1024, in capitals or not; MB and GB are refused because they are read
// both ways.
func ParseSize(s string) (int64, error) {
	bad := fmt.Errorf("size %q: write it like 512MiB or 2GiB", s)
	number := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit := s[len(number):]
	number = strings.TrimSuffix(number, " ")
	scale := 1.0
	if unit != "" {
		i := 0
		for i < len(byteUnits) && !strings.EqualFold(unit, byteUnits[i]) {
			i++
		}
		if i == len(byteUnits) {
			return 0, bad
		}
		scale = math.Ldexp(1, 10*i)
	}
	if number == "" || strings.Trim(number, "0123456789.") != "" {
		return 0, bad
	}
	x, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, bad
	}
	if x *= scale; x >= 1<<63 {
		return 0, fmt.Errorf("size %q: more bytes than can be counted", s)
	}
	return int64(x), nil
}

// FormatBytes writes a number of bytes with three digits: 999 B, 1.46 KiB, 63.5 MiB, 128 GiB.
func FormatBytes(n int64) string {
	x, i := math.Abs(float64(n)), 0
	for i < len(byteUnits)-1 && x >= 999.5 { // 1000 would be a fourth digit
		if i == 0 && x < 1024 {
			break
		}
		x /= 1024
		i++
	}
	digits := 2
	switch {
	case i == 0 || x >= 99.95:
		digits = 0
	case x >= 9.995:
		digits = 1
	}
	sign := ""
	if n < 0 {
		sign = "-"
	}
	return fmt.Sprintf("%s%.*f %s", sign, digits, x, byteUnits[i])
}
