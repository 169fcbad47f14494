package report

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
)

//go:embed picture.css
var pictureStyle string

// pictures are the curves as files of their own, for papers and documents. The
// first model's are named after group and measure, the others' numbered as well.
func (r *Report) pictures() map[string]func(io.Writer) error {
	files := map[string]func(io.Writer) error{}
	for i, s := range r.Models {
		for _, g := range s.Groups {
			for _, t := range g.Tables {
				text := s.picture(t)
				if text == "" {
					continue
				}
				name := fmt.Sprintf("curve-%s-%s.svg", g.Name, t.Measure)
				if i > 0 {
					name = fmt.Sprintf("curve-%s-%s-%d.svg", g.Name, t.Measure, i+1)
				}
				files[name] = func(w io.Writer) error {
					_, err := io.WriteString(w, text)
					return err
				}
			}
		}
	}
	return files
}

// picture is a table's curve as a file that needs nothing else, on paper of its own:
// it is readable wherever it is put. "" if there is no curve.
func (s *Section) picture(t *Table) string {
	if len(t.Points) < 2 {
		return ""
	}
	svg := string(s.chart(t, "wide", 860, 430, 36))
	begin, rest, _ := strings.Cut(svg, ">")
	begin = strings.Replace(begin, "<svg ", `<svg xmlns="http://www.w3.org/2000/svg" `, 1)
	return begin + "><style>" + pictureStyle + `svg { font-family: system-ui, sans-serif; }</style><rect width="100%" height="100%" style="fill: var(--paper)"/>` + rest + "\n"
}
