package delivery

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/contracttest"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// settled is a store without a disk that counts what was delivered.
type settled struct {
	Store
	n int
}

func (s *settled) Settle(*spool.Delivery, []spool.Attempt) error {
	s.n++
	return nil
}

func (s *settled) Now() time.Time { return time.Now() }

// BenchmarkAttempt is one delivered attempt over loopback: rendering, exchange
// and metrics, without the spool. The sink is in it, and costs little.
func BenchmarkAttempt(b *testing.B) {
	for name, sign := range map[string]*webhook.Sign{
		"plain":  nil,
		"signed": {StandardWebhooks: secret.List{secret.New("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}},
	} {
		b.Run(name, func(b *testing.B) {
			store := &settled{}
			l := benchLane(b, store, webhook.Config{Request: webhook.Request{URL: secret.New("http://" + serve(b) + "/hooks/t0ken"), Sign: sign}})
			d := &spool.Delivery{MessageID: "msg_ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", Record: contracttest.Records()[0]}
			b.ReportAllocs()
			for b.Loop() {
				l.attempt(b.Context(), job{delivery: d})
			}
			if store.n == 0 {
				b.Fatal("nothing was delivered")
			}
		})
	}
}

// oneStep writes a call; threeSteps look up a contact and an owner before, both kept.
const (
	oneStep = `
steps:
  - {name: call, url: "%s/calls", body: {id: "${call.id}", phone: "${call.customer.number}", contact: "7", owner: "9", seconds: "${call.talk_seconds}"}}
`
	threeSteps = `
steps:
  - {name: contact, when: call.customer.number != "", method: GET, url: "%[1]s/contacts", query: {phone: "${call.customer.number}"}, result: 'string(response.status)', cache: 1h}
  - {name: owner, method: GET, url: "%[1]s/owners", query: {agent: "${call.agent.id}"}, result: 'string(response.status)', cache: 1h}
  - {name: call, url: "%[1]s/calls", body: {id: "${call.id}", phone: "${call.customer.number}", contact: "${steps.contact}", owner: "${steps.owner}", seconds: "${call.talk_seconds}"}}
`
)

// BenchmarkSteps is BenchmarkAttempt of one step, and of three of which two are kept:
// at most 1.5 times as much.
func BenchmarkSteps(b *testing.B) {
	for name, text := range map[string]string{"one": oneStep, "three": threeSteps} {
		b.Run(name, func(b *testing.B) {
			var c webhook.Config
			if err := yaml.Unmarshal(fmt.Appendf(nil, text, "http://"+serve(b)), &c); err != nil {
				b.Fatal(err)
			}
			l := benchLane(b, &settled{}, c)
			d := &spool.Delivery{MessageID: "msg_ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", Record: contracttest.Records()[0]}
			b.ReportAllocs()
			for b.Loop() {
				if v := l.attempt(b.Context(), job{delivery: d}); v.Meaning != outbound.Delivered {
					b.Fatal(v.Detail)
				}
			}
		})
	}
}

func benchLane(b *testing.B, store Store, c webhook.Config) *Lane {
	b.Helper()
	sink, err := webhook.New(c, contract.Deps{})
	if err != nil {
		b.Fatal(err)
	}
	client, err := outbound.New("crm", sink.Transport(), outbound.Settings{Timeout: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return New("crm", Settings{}, Deps{
		Store: store, Renderer: sink, Client: client, Metrics: NewMetrics(), Log: slog.New(slog.DiscardHandler),
	})
}

// serve returns the address of a sink that answers 200 to everything.
func serve(b *testing.B) string {
	b.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(s.Close)
	return s.Listener.Addr().String()
}
