package report

// A columnTable is a table's columns turned into rows of text: policies down, tasks
// or lengths across, as papers print them.
type columnTable struct {
	Table   *Table
	Columns []Column
	Rows    []columnRow
}

type columnRow struct {
	Policy string
	Cells  []cellText // [column]
}

// columns lays out a table's columns, the average before them if asked.
func (t *Table) columns(list []Column, withAverage bool) columnTable {
	if withAverage && t.Average != nil && len(list) > 1 {
		first := []Column{*t.Average}
		if t.Paper != nil {
			first = append(first, *t.Paper)
		}
		list = append(first, list...)
	}
	ct := columnTable{Table: t, Columns: list}
	for i, policy := range t.Policies {
		row := columnRow{Policy: policy}
		for _, col := range list {
			value, interval, mark := t.text(col.Cells[i])
			row.Cells = append(row.Cells, cellText{value, interval, mark})
		}
		ct.Rows = append(ct.Rows, row)
	}
	return ct
}

// Class is how a mark is shown: what falls is better where less is.
func (t *Table) Class(mark string) string {
	switch {
	case mark == "":
		return ""
	case (mark == "▼") == t.Lower:
		return "better"
	}
	return "worse"
}
