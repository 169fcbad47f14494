package task

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxLine is the longest line of a file of records, in bytes, far above any.
const maxLine = 64 << 20

// Lines gives read each line of a file that has one JSON value a line, with its number
// from 1, and says of an error which line it is in. Lines of white space are passed
// over. Data, records and predictions are all read by it, so that they refuse the same:
// what is no UTF-8, a line with more or less than one value, a line without end.
func Lines(in io.Reader, read func(number int, line []byte) error) error {
	s := bufio.NewScanner(in)
	s.Buffer(nil, maxLine)
	n := 0
	for s.Scan() {
		n++
		line := s.Bytes()
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := json.Unmarshal(line, new(json.RawMessage)); err != nil {
			if strings.Contains(err.Error(), "unexpected end") && !s.Scan() {
				err = fmt.Errorf("the last line is torn, so what wrote the file was interrupted; get the file again, or take the line out: %w", err)
			}
			return fmt.Errorf("line %d: %w", n, err)
		}
		if !utf8.Valid(line) {
			return fmt.Errorf("line %d: not UTF-8", n)
		}
		if err := read(n, line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d is longer than %d MiB: this is no file of one JSON value a line", n+1, maxLine>>20)
	}
	return s.Err()
}
