package contracttest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// MessageID is the id of every delivery of the suite.
const MessageID = "msg_contract0000000000000000000000000000000000000000"

// Kind is one kind of sink in one configuration.
type Kind struct {
	// Build makes a sink that posts to a server at base, with every secret of
	// its configuration taken from p; config is what was given to New.
	Build func(tb testing.TB, base string, p *Plants) (config any, sink contract.Sink)
	// Aside answers what the sink asks besides deliveries (a token endpoint),
	// and reports whether it did; nil when there is nothing of the kind.
	Aside func(w http.ResponseWriter, r *http.Request, p *Plants) bool
	// Deliver writes an answer that means delivered.
	Deliver http.HandlerFunc
	// Refuse writes an answer that means that this request is wrong.
	Refuse http.HandlerFunc
	// Check looks at a request that arrived, after the suite has.
	Check func(tb testing.TB, r Arrived, p *Plants)
}

// Run holds a kind to the contract.
func Run(t *testing.T, k Kind) {
	t.Helper()
	t.Run("delivers", k.delivers)
	t.Run("retries with the same ids", k.retries)
	t.Run("refusal is rejected", k.refuses)
	t.Run("renders equal requests", k.pure)
	t.Run("previews what arrives", k.previews)
	t.Run("hostile records", k.hostile)
	t.Run("bounds what it renders", k.bounded)
	t.Run("keeps no secret", k.Secrets)
}

// bench is one sink before one server.
type bench struct {
	config any
	sink   contract.Sink
	client *outbound.Client
	server *server
	plants *Plants
	base   string
}

// set starts a server that answers with the handlers in turn, the last one for
// ever, and the sink before it. quick is the number of quick tries.
func (k Kind) set(t *testing.T, quick int, answers ...http.HandlerFunc) *bench {
	t.Helper()
	b := &bench{plants: &Plants{}, server: &server{answers: answers}}
	loopback := httptest.NewServer(b.server.handler(k, b.plants))
	t.Cleanup(loopback.Close)
	b.base = loopback.URL
	b.config, b.sink = k.Build(t, b.base, b.plants)
	settings := outbound.Settings{Timeout: 5 * time.Second, QuickTries: &quick}
	client, err := outbound.New("contract", b.sink.Transport(), settings)
	if err != nil {
		t.Fatalf("outbound.New: %v", err)
	}
	t.Cleanup(client.Close)
	b.client = client
	return b
}

// deliver renders a record and carries it out.
func (b *bench) deliver(t *testing.T, r *call.Record) outbound.Outcome {
	t.Helper()
	request, err := Request(b.sink, MessageID, r)
	if err != nil {
		t.Fatalf("Request: %v", err)
	}
	return b.client.Do(t.Context(), request)
}

func (k Kind) delivers(t *testing.T) {
	for _, r := range Records() {
		b := k.set(t, 0, k.Deliver)
		if got := b.deliver(t, r); got.Meaning != outbound.Delivered {
			t.Fatalf("%s: %v %q, want delivered", r.ID, got.Meaning, got.Detail)
		}
		arrived := b.server.all()
		if len(arrived) != 1 {
			t.Fatalf("%s: %d requests arrived, want 1", r.ID, len(arrived))
		}
		checkRequest(t, arrived[0])
		if k.Check != nil {
			k.Check(t, arrived[0], b.plants)
		}
	}
}

func (k Kind) retries(t *testing.T) {
	b := k.set(t, 1, status(http.StatusInternalServerError), k.Deliver)
	got := b.deliver(t, Records()[0])
	if got.Meaning != outbound.Delivered || len(got.Tries) != 2 {
		t.Fatalf("%v after %d tries, want delivered after 2", got.Meaning, len(got.Tries))
	}
	if first := got.Tries[0]; first.Meaning != outbound.Unwell || first.Status != http.StatusInternalServerError {
		t.Errorf("first try is %v with status %d, want unwell with 500", first.Meaning, first.Status)
	}
	arrived := b.server.all()
	for _, one := range arrived {
		checkRequest(t, one)
		if k.Check != nil {
			k.Check(t, one, b.plants)
		}
	}
	if !bytes.Equal(arrived[0].Body, arrived[1].Body) {
		t.Errorf("the second try has another body: %.300s, first %.300s", arrived[1].Body, arrived[0].Body)
	}
}

func (k Kind) refuses(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{"own words": k.Refuse, "422": status(http.StatusUnprocessableEntity)} {
		b := k.set(t, 1, answer)
		got := b.deliver(t, Records()[0])
		if got.Meaning != outbound.Rejected || len(got.Tries) != 1 {
			t.Errorf("%s: %v after %d tries, want rejected after 1", name, got.Meaning, len(got.Tries))
		}
	}
}

// pure renders each record twice, from two sinks and from copies of the record,
// and looks at the record afterwards.
func (k Kind) pure(t *testing.T) {
	b := k.set(t, 0, status(http.StatusTeapot))
	_, twin := k.Build(t, b.base, b.plants)
	copies := slices.Concat(Records(), HostileRecords())
	for i, r := range slices.Concat(Records(), HostileRecords()) {
		first, err := Request(b.sink, MessageID, r)
		if err != nil {
			t.Fatalf("%s: %v", r.ID, err)
		}
		again := copies[i]
		if !reflect.DeepEqual(again, r) {
			t.Errorf("%s: rendering changed the record", r.ID)
		}
		for name, sink := range map[string]contract.Sink{"same sink": b.sink, "twin": twin} {
			second, err := Request(sink, MessageID, again)
			if err != nil {
				t.Fatalf("%s: %v", r.ID, err)
			}
			if a, b := plain(first), plain(second); !reflect.DeepEqual(a, b) {
				t.Errorf("%s, %s: another request: %.300v, first %.300v", r.ID, name, b, a)
			}
		}
	}
	if n := len(b.server.all()); n != 0 {
		t.Errorf("rendering made %d requests", n)
	}
}

// rendered is what must be equal for equal input.
type rendered struct {
	Method, URL string
	Header      http.Header
	Body        string
	FixedURL    bool
}

func plain(r *outbound.Request) rendered {
	return rendered{r.Method, r.URL, r.Header, string(r.Body), r.FixedURL}
}
