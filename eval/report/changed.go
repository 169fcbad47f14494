package report

import (
	"cmp"
	"slices"
)

// A Changed is an answer that got worse: what the loss looks like.
type Changed struct {
	Task    string   `json:"task"`
	ID      string   `json:"id"`
	Policy  string   `json:"policy"`
	Score   float64  `json:"score"`      // 0 to 100
	OfFull  float64  `json:"full_score"` // full attention's
	Answers []string `json:"answers"`    // what is right
	Full    string   `json:"full_pred"`
	Pred    string   `json:"pred"`
}

// changed shows the answers that lost most: a few, of different records, tasks and
// policies as far as there are.
func (c *collection) changed() []Changed {
	const most = 6
	if c.full < 0 {
		return nil
	}
	var all []Changed
	for _, rec := range c.records {
		full := rec.by[c.full]
		if full == nil || full.Score == nil {
			continue
		}
		for p, res := range rec.by {
			if res != nil && res.Score != nil && *res.Score < *full.Score {
				all = append(all, Changed{rec.task, rec.id, c.policies[p].Name, 100 * *res.Score, 100 * *full.Score, res.Answers, full.Prediction, res.Prediction})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Changed) int { return cmp.Compare(b.OfFull-b.Score, a.OfFull-a.Score) })
	var list []Changed
	tasks, policies, records := map[string]int{}, map[string]int{}, map[string]bool{}
	for len(list) < most {
		best := -1
		for i, a := range all { // the one whose task and policy have been shown least
			if !records[a.Task+" "+a.ID] && (best < 0 || tasks[a.Task]+policies[a.Policy] < tasks[all[best].Task]+policies[all[best].Policy]) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		a := all[best]
		tasks[a.Task]++
		policies[a.Policy]++
		records[a.Task+" "+a.ID] = true
		list = append(list, a)
	}
	return list
}
