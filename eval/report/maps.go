package report

import (
	"slices"

	"github.com/lighttransfer/lighttransfer/eval/runs"
)

// A Needle is a task whose records have a length and a depth: where in the prompt
// things are still found.
type Needle struct {
	Name    string      `json:"name"` // of the task, or the group
	Measure string      `json:"measure"`
	Records int         `json:"records"` // the same ones under every policy
	Lengths []float64   `json:"lengths"` // tokens
	Depths  []float64   `json:"depths"`  // share of the prompt before the needle
	Maps    []NeedleMap `json:"maps"`
}

// A NeedleMap is one policy's.
type NeedleMap struct {
	Policy  string       `json:"policy"`
	Mean    float64      `json:"mean"`
	Values  [][]*float64 `json:"values"`  // [depth][length], 0 to 100; nil: no record there
	Records [][]int      `json:"records"` // [depth][length]
}

// needles makes the maps of a group's tasks that have both: of each needle in a
// haystack, of other groups' tasks together.
func (c *collection) needles(group string) (list []*Needle) {
	if group != "niah" {
		if n := c.needle(group, c.ofGroup(group)); n != nil {
			list = append(list, n)
		}
		return list
	}
	for _, task := range c.tasks {
		if groupOf(task) == group {
			if n := c.needle(task, c.ofTask(task)); n != nil {
				list = append(list, n)
			}
		}
	}
	return list
}

func (c *collection) ofGroup(group string) (list []*record) {
	for _, rec := range c.records {
		if groupOf(rec.task) == group {
			list = append(list, rec)
		}
	}
	return list
}

// needle makes the maps of some records; nil: they are not at several depths.
func (c *collection) needle(name string, records []*record) *Needle {
	records = slices.DeleteFunc(records, func(r *record) bool {
		_, length := r.fact("length")
		_, depth := r.fact("depth")
		return !length || !depth
	})
	for _, key := range []string{"score", "kept"} { // one of the two
		m := measureByKey(key)
		if s := c.sample(m, name, records); s != nil {
			if n := c.place(m, s); len(n.Depths) > 1 {
				return n
			}
			return nil
		}
	}
	return nil
}

// place puts a sample's records into the cells of the maps.
func (c *collection) place(m *measure, s *sample) *Needle {
	n := &Needle{Name: s.name, Measure: m.key, Records: len(s.records)}
	lengthBin, depthBin := lengthBins(s.records), depthBins(s.records)
	at := make([][2]float64, len(s.records)) // [record] length and depth
	lengths, depths := map[float64]bool{}, map[float64]bool{}
	for i, rec := range s.records {
		length, _ := rec.fact("length")
		depth, _ := rec.fact("depth")
		at[i] = [2]float64{lengthBin(length), depthBin(depth)}
		lengths[at[i][0]], depths[at[i][1]] = true, true
	}
	n.Lengths, n.Depths = sortedKeys(lengths), sortedKeys(depths)
	for _, p := range c.all() {
		if v := &s.values[p]; v.weight != nil {
			n.Maps = append(n.Maps, n.policy(at, v, c.policies[p].Name))
		}
	}
	return n
}

// policy is the map of one of them, from its value at each length and depth.
func (n *Needle) policy(at [][2]float64, v *values, name string) NeedleMap {
	nm := NeedleMap{Policy: name}
	nm.Mean, _ = v.mean()
	cells := make([][]values, len(n.Depths)) // [depth][length]
	for d := range cells {
		cells[d] = make([]values, len(n.Lengths))
	}
	for i, x := range at {
		l, _ := slices.BinarySearch(n.Lengths, x[0])
		d, _ := slices.BinarySearch(n.Depths, x[1])
		cell := &cells[d][l]
		cell.value = append(cell.value, v.value[i])
		cell.weight = append(cell.weight, v.weight[i])
		cell.diff = append(cell.diff, v.diff[i])
	}
	for _, row := range cells {
		var means []*float64
		var counts []int
		for i := range row {
			var mean *float64
			if len(row[i].value) > 0 {
				x, _ := row[i].mean()
				mean = &x
			}
			means, counts = append(means, mean), append(counts, len(row[i].value))
		}
		nm.Values, nm.Records = append(nm.Values, means), append(nm.Records, counts)
	}
	return nm
}

// Lazy is how often layers and KV heads were lazy, over all records answered.
type Lazy struct {
	Layers int       `json:"layers"` // up to the last one that was ever lazy
	Heads  int       `json:"heads"`  // 0: no policy chose heads
	Maps   []LazyMap `json:"maps"`
}

// A LazyMap is one policy's.
type LazyMap struct {
	Policy  string      `json:"policy"`
	Records int         `json:"records"`
	Layer   []float64   `json:"layer"`          // [layer] share of the records, heads counting as parts of a layer
	Head    [][]float64 `json:"head,omitempty"` // [layer][head] the same per head; nil: chose whole layers
}

// lazy counts; nil: nothing was ever lazy.
func (c *collection) lazy() *Lazy {
	l := &Lazy{}
	for _, rec := range c.records {
		for _, res := range rec.by {
			if res == nil {
				continue
			}
			for _, layer := range res.LazyLayers {
				l.Layers = max(l.Layers, layer+1)
			}
			for _, h := range res.LazyHeads {
				l.Layers, l.Heads = max(l.Layers, h[0]+1), max(l.Heads, h[1]+1)
			}
		}
	}
	if l.Layers == 0 {
		return nil
	}
	for p := range c.policies {
		if m, ok := c.lazyMap(l, p); ok {
			l.Maps = append(l.Maps, m)
		}
	}
	return l
}

// lazyMap is a policy's; not ok: it made nothing lazy.
func (c *collection) lazyMap(l *Lazy, p int) (m LazyMap, ok bool) {
	m = LazyMap{Policy: c.policies[p].Name, Layer: make([]float64, l.Layers), Head: make([][]float64, l.Layers)}
	for i := range m.Head {
		m.Head[i] = make([]float64, l.Heads)
	}
	byHead := false
	for _, rec := range c.records {
		if res := rec.by[p]; res != nil {
			m.Records++
			byHead = byHead || len(res.LazyHeads) > 0
			ok = ok || len(res.LazyLayers)+len(res.LazyHeads) > 0
			m.count(l, res)
		}
	}
	for i := range m.Layer {
		m.Layer[i] /= float64(max(m.Records, 1))
		for h := range m.Head[i] {
			m.Head[i][h] /= float64(max(m.Records, 1))
		}
	}
	if !byHead {
		m.Head = nil
	}
	return m, ok
}

// count adds a result's lazy layers and heads.
func (m *LazyMap) count(l *Lazy, res *runs.Result) {
	whole := map[int]bool{}
	for _, layer := range res.LazyLayers {
		if whole[layer] {
			continue
		}
		whole[layer] = true
		m.Layer[layer]++
		for h := range m.Head[layer] {
			m.Head[layer][h]++
		}
	}
	heads := map[[2]int]bool{}
	for _, at := range res.LazyHeads {
		if layer, h := at[0], at[1]; !whole[layer] && !heads[at] {
			heads[at] = true
			m.Layer[layer] += 1 / float64(l.Heads)
			m.Head[layer][h]++
		}
	}
}
