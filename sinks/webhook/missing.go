package webhook

import (
	"slices"
	"sync"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// maxMissing bounds what is listed of what lookups did not find.
const maxMissing = 200

// missing lists what lookups did not find, the latest last. Each entry is in it once.
type missing struct {
	mu   sync.Mutex // guards list
	list []contract.Missing
}

// note notes that a lookup found nothing for a call.
func (m *missing) note(st *step, r *call.Record) {
	one := contract.Missing{Step: st.name, At: time.Now(), CallID: r.ID, Times: 1}
	if st.asks&expr.AsksAgent != 0 {
		one.Agent = agentOf(r.Agent)
	}
	if st.asks&expr.AsksNumber != 0 && r.Customer != nil {
		one.Number = call.Mask(numberOf(*r.Customer))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(one)
}

// add puts an entry at the end, with how often it was noted before.
func (m *missing) add(one contract.Missing) {
	same := func(other contract.Missing) bool {
		return other.Step == one.Step && other.Number == one.Number && other.Agent == one.Agent
	}
	if i := slices.IndexFunc(m.list, same); i >= 0 {
		one.Times += m.list[i].Times
		m.list = slices.Delete(m.list, i, i+1)
	}
	if m.list = append(m.list, one); len(m.list) > maxMissing {
		m.list = slices.Delete(m.list, 0, len(m.list)-maxMissing)
	}
}

func agentOf(a call.Agent) string {
	for _, text := range []string{a.Email, a.Name, a.ID, a.Extension} {
		if text != "" {
			return text
		}
	}
	return ""
}

func numberOf(p call.Party) string {
	if p.Number != "" {
		return p.Number
	}
	return p.Raw
}

// inherit takes over the list of the sink before.
func (m *missing) inherit(old *missing) {
	before := old.all()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range before {
		m.add(one)
	}
}

func (m *missing) all() []contract.Missing {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.list)
}

// Missing returns what lookups did not find, the latest first.
func (s *Sink) Missing() []contract.Missing {
	all := s.missing.all()
	slices.Reverse(all)
	return all
}
