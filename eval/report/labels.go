package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A box is a place that is taken.
type box struct{ x0, y0, x1, y1 float64 }

func (a box) meets(b box) bool { return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1 }

// front are the points on it, from few bytes to many.
func (c *chart) front() (list []*Point) {
	for _, p := range c.points {
		if p.Front {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *Point) int { return cmp.Compare(a.KVShare, b.KVShare) })
	return list
}

// labels writes the policies' names beside their points: those on the front first,
// then the others, as long as there is room. Where there is none for a name the
// policy's number is written, which the table repeats, or nothing.
func (c *chart) labels() {
	var taken []box
	for _, p := range c.points {
		x, y := c.at(p)
		taken = append(taken, box{x - 7, y - 7, x + 7, y + 7})
		if low, high, ok := c.bounds(p); ok {
			taken = append(taken, box{x - 3, c.level(high), x + 3, c.level(max(low, c.y.lo))})
		}
	}
	lines := c.lines() // crossed only where there is no other way
	order := slices.Clone(c.points)
	slices.SortStableFunc(order, func(a, b *Point) int { return rank(a) - rank(b) })
	for _, p := range order {
		name := shortName(p.Policy, c.longest)
		if p != c.full {
			name = fmt.Sprintf("%d %s", p.Number, name)
		}
		_ = c.label(p, name, &taken, lines) || c.label(p, name, &taken, nil) || c.label(p, fmt.Sprint(p.Number), &taken, nil)
	}
}

func rank(p *Point) int {
	if p.Front {
		return 0
	}
	return 1
}

// lines are the places of the front's line and of full attention's level.
func (c *chart) lines() (list []box) {
	front := c.front()
	for i := 1; i < len(front); i++ {
		x0, y0 := c.at(front[i-1])
		x1, y1 := c.at(front[i])
		list = append(list, box{x0, y0 - 3, x1, y0 + 3}, box{x1 - 3, min(y0, y1), x1 + 3, max(y0, y1)})
	}
	if c.full != nil && !c.y.log {
		y := c.level(c.value(c.full))
		list = append(list, box{c.left, y - 1, c.left + c.w, y + 1})
	}
	return list
}

// label tries places around a point, near ones first.
func (c *chart) label(p *Point, text string, taken *[]box, lines []box) bool {
	const high = 14
	class, perRune := "label", 6.4
	if p.Front {
		class, perRune = "label strong", 7
	}
	wide := perRune * float64(len([]rune(text)))
	x, y := c.at(p)
	for _, far := range []float64{9, 18, 30, 44} {
		for _, angle := range []float64{0, 180, -45, 45, -135, 135, -90, 90, -20, 20, -160, 160} {
			dx, dy := far*math.Cos(angle*math.Pi/180), far*math.Sin(angle*math.Pi/180)
			left := x + dx
			switch {
			case math.Abs(dx) < 2:
				left = x - wide/2
			case dx < 0:
				left -= wide
			}
			b := box{left, y + dy - high/2, left + wide, y + dy + high/2}
			if b.x0 < c.left-2 || b.x1 > c.left+c.w+12 || b.y0 < c.top-6 || b.y1 > c.top+c.h {
				continue
			}
			if slices.ContainsFunc(*taken, b.meets) || slices.ContainsFunc(lines, b.meets) {
				continue
			}
			if far > 20 {
				c.line("leader", x+dx*6/far, y+dy*6/far, x+dx*0.92, y+dy*0.92)
			}
			c.text(class, "start", b.x0, y+dy+4, text)
			*taken = append(*taken, b)
			return true
		}
	}
	return false
}
