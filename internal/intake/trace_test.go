package intake

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// traces is a store that notes the trace contexts it is given.
type traces struct {
	*memory
	kept []string
}

func (s *traces) Accept(ctx context.Context, a spool.Acceptance) (spool.Receipt, error) {
	s.kept = append(s.kept, a.Trace)
	return s.memory.Accept(ctx, a)
}

// TestTraceContextIsKept: a valid one that came through the doors, nothing else.
func TestTraceContextIsKept(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	s := SourceConfig{Name: "a", Auth: Auth{Header: &NamedSecret{Name: "token", Value: keys("good")}}}
	f := newFixture(t, s)
	store := &traces{memory: f.store}
	f.deps.Store = store
	for _, c := range []struct{ token, parent, state string }{
		{"good", parent, "a=1"},
		{"good", "not one", "a=1"},
		{"wrong", parent, ""},
		{"good", "", ""},
	} {
		r := post(callJSON("1" + c.parent))
		for name, value := range map[string]string{"token": c.token, "traceparent": c.parent, "tracestate": c.state} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		res, _ := f.do(t, r)
		if taken := res.StatusCode == http.StatusOK; taken != (c.token == "good") {
			t.Errorf("%+v: answered %d", c, res.StatusCode)
		}
	}
	if want := []string{parent + " a=1", "", ""}; !slices.Equal(store.kept, want) {
		t.Errorf("kept %q, want %q", store.kept, want)
	}
}
