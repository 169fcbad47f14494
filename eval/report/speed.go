package report

import "slices"

// A Speed is how fast a policy answered on one machine, over the records that all
// policies answered there.
type Speed struct {
	Policy          string  `json:"policy"`
	CPU             string  `json:"cpu,omitempty"`
	Records         int     `json:"records"`
	PromptTokens    float64 `json:"mean_prompt_tokens"`
	TokensPerSecond float64 `json:"prompt_tokens_per_second"`               // of reading and answering
	TokensPerCPU    float64 `json:"prompt_tokens_per_cpu_second,omitempty"` // 0: not measured
	Ratio           float64 `json:"ratio_to_full,omitempty"`                // of tokens per second; 0: no full attention
	KVBytes         float64 `json:"mean_kv_bytes"`
	KVPeakBytes     float64 `json:"mean_kv_peak_bytes"`
}

// speed measures machine by machine.
func (c *collection) speed() (list []Speed) {
	var cpus []string
	for _, r := range c.list {
		if !slices.Contains(cpus, r.Config.CPU) {
			cpus = append(cpus, r.Config.CPU)
		}
	}
	for _, cpu := range cpus {
		list = append(list, c.speedOn(cpu)...)
	}
	return list
}

func (c *collection) speedOn(cpu string) (list []Speed) {
	var here []int // policies that answered on this machine
	timed := func(r *record, p int) bool {
		return r.by[p] != nil && r.cpu[p] == cpu && r.by[p].Seconds > 0 && finite(r.by[p].Seconds)
	}
	for _, p := range c.all() {
		if slices.ContainsFunc(c.records, func(r *record) bool { return timed(r, p) }) {
			here = append(here, p)
		}
	}
	full := 0.0
	for _, p := range here {
		s, seconds, cpuSeconds, measured := Speed{Policy: c.policies[p].Name, CPU: cpu}, 0.0, 0.0, true
		for _, rec := range c.records {
			if slices.ContainsFunc(here, func(p int) bool { return !timed(rec, p) }) {
				continue
			}
			res := rec.by[p]
			s.Records++
			s.PromptTokens += float64(res.PromptTokens)
			s.KVBytes += float64(res.KVBytes)
			s.KVPeakBytes += float64(res.KVPeakBytes)
			seconds, cpuSeconds = seconds+res.Seconds, cpuSeconds+res.CPUSeconds
			measured = measured && res.CPUSeconds > 0 && finite(res.CPUSeconds)
		}
		if s.Records == 0 {
			continue
		}
		s.TokensPerSecond = s.PromptTokens / seconds
		if measured {
			s.TokensPerCPU = s.PromptTokens / cpuSeconds
		}
		n := float64(s.Records)
		s.PromptTokens, s.KVBytes, s.KVPeakBytes = s.PromptTokens/n, s.KVBytes/n, s.KVPeakBytes/n
		if p == c.full {
			full = s.TokensPerSecond
		}
		list = append(list, s)
	}
	for i := range list {
		if full > 0 {
			list[i].Ratio = list[i].TokensPerSecond / full
		}
	}
	return list
}
