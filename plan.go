package lighttransfer

import "github.com/lighttransfer/lighttransfer/lazy"

// StoredPlan is the plan that calibrate has stored for this model, which policy
// "auto" uses; not ok when there is none.
func (m *Model) StoredPlan() (*lazy.Plan, bool, error) {
	return storedPlan(m.hash)
}

func storedPlan(hash string) (*lazy.Plan, bool, error) {
	st, err := lazy.NewStore("")
	if err != nil {
		return nil, false, nil // no home folder, no plans
	}
	return st.Load(hash)
}

// StorePlan makes a plan the model's own.
func (m *Model) StorePlan(p *lazy.Plan) error {
	st, err := lazy.NewStore("")
	if err != nil {
		return err
	}
	return st.Save(m.hash, p)
}
