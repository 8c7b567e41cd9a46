package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// testHeader marks the request of a sample call.
const testHeader = "Cdrelay-Test"

// sampleCall returns a call that says of itself that it is a test. Its numbers are of
// those that belong to nobody.
func sampleCall(now time.Time) *call.Record {
	at, talked, total := call.At(now.Add(-2*time.Minute)), 60, 70
	customer := call.Party{Raw: "+12025550123", Number: "+12025550123"}
	return &call.Record{
		Schema: call.SchemaID, ID: call.NewID("test", ulid.Make().String()), Revision: 1, Source: "test", Format: "test", Account: "test",
		Direction: call.Inbound, Method: call.Manual, Answered: true, Outcome: call.Answered,
		From: customer, To: call.Party{Raw: "100", Extension: "100"}, Customer: &customer,
		Agent:     call.Agent{ID: "test", Name: "cdrelay test", Extension: "100"},
		StartedAt: at, AnsweredAt: call.At(at.Add(10 * time.Second)), EndedAt: call.At(at.Add(70 * time.Second)), ReceivedAt: call.At(now),
		TalkSeconds: &talked, TotalSeconds: &total,
		Warnings: []string{"this is a test, not a call"},
		Raw:      []byte(`{"test":true}`),
	}
}

// testSink sends a sample call to a running sink, beside its lane: by a client of its
// own, so that the breaker learns nothing from it, and in one try.
func (a *App) testSink(ctx context.Context, name string) (operate.SinkTest, error) {
	s := a.state.Load().running[name]
	if s == nil {
		return operate.SinkTest{}, fmt.Errorf("%w: no sink %q", operate.ErrNotFound, name)
	}
	record := sampleCall(time.Now())
	out := operate.SinkTest{Sink: name, CallID: record.ID, MessageID: call.MessageID(record.ID, call.ContentHash{}, name), Attempts: []operate.Attempt{}}
	transport := s.sink.Transport()
	transport.UserAgent = userAgent(a.opts.Version)
	settings, none := s.config.Settings, 0
	settings.QuickTries = &none
	client, err := outbound.New(name, transport, settings)
	if err != nil {
		return out, err
	}
	defer client.Close()
	end, err := sample(ctx, client, s.sink.Series(out.MessageID, record, nil))
	if err != nil {
		end.Detail = outbound.Redact(err.Error(), transport.Secrets...)
	}
	out.Delivered, out.Result, out.Detail = end.Meaning == outbound.Delivered, end.Meaning.String(), end.Detail
	if err != nil {
		out.Result = string(spool.Render)
	}
	for _, t := range end.Tries {
		out.Attempts = append(out.Attempts, operate.Attempt{
			At: call.At(t.At).Time, Step: t.Name, Millis: t.Duration.Milliseconds(), Status: t.Status, Result: t.Meaning.String(), Detail: t.Detail,
			Warning: t.Warning, Headers: t.Headers, Request: (*spool.Sent)(t.Sent),
		})
	}
	return out, nil
}

// sample makes the requests of a sample call, one after another. An error is that of
// rendering, or of the context.
func sample(ctx context.Context, client *outbound.Client, series outbound.Series) (out outbound.Outcome, err error) {
	defer func() {
		if err != nil {
			out.Verdict = outbound.Verdict{}
		}
		series.End(out.Meaning)
	}()
	out.Meaning = outbound.Delivered
	for {
		turn, err := series.Next()
		switch {
		case err != nil:
			return out, err
		case turn.Wait != nil:
			if err := turn.Wait(ctx); err != nil {
				return out, err
			}
			continue
		case turn.Request == nil:
			return out, nil
		}
		if turn.Request.Header == nil {
			turn.Request.Header = http.Header{}
		}
		turn.Request.Header.Set(testHeader, "true")
		one := client.Do(ctx, turn.Request)
		out.Verdict, out.Tries = one.Verdict, append(out.Tries, one.Tries...)
		if one.Meaning != outbound.Delivered {
			return out, nil
		}
		series.Advance()
	}
}
