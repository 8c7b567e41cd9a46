package operate_test

import (
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestEveryReasonHasWords: a new reason must be explained to people.
func TestEveryReasonHasWords(t *testing.T) {
	codes := []string{"doubtful"}
	for _, r := range spool.Reasons() {
		codes = append(codes, string(r))
	}
	for _, m := range []outbound.Meaning{outbound.Rejected, outbound.Unwell, outbound.Timeout, outbound.Connect, outbound.Credentials, outbound.Paused} {
		codes = append(codes, m.String())
	}
	for _, c := range codes {
		if operate.Words(c) == strings.ReplaceAll(c, "_", " ") || operate.Advice(c) == "" || operate.Tone(c) == "calm" {
			t.Errorf("%s has no words, no advice or no tone", c)
		}
	}
	if got := operate.Words("some_thing"); got != "some thing" || operate.Advice("some_thing") != "" || operate.Tone("some_thing") != "calm" {
		t.Errorf("an unknown code: %q", got)
	}
}

func TestAdviceOnADelivery(t *testing.T) {
	unwell := []operate.Attempt{{Result: "unwell"}}
	for want, d := range map[string]operate.DeliveryDetail{
		"ask who runs the sink":              {DeliveryStatus: spool.DeliveryStatus{State: "waiting"}, Attempts: unwell},
		"takes other calls and not this one": {DeliveryStatus: spool.DeliveryStatus{State: "waiting", Doubtful: true}, Attempts: unwell},
		"then replay":                        {DeliveryStatus: spool.DeliveryStatus{State: "dead_letter"}, Attempts: unwell, Reason: "failing"},
		"older one has ended":                {DeliveryStatus: spool.DeliveryStatus{State: "held"}},
	} {
		if got := d.Advice(); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want %q", d, got, want)
		}
	}
	if got := (operate.DeliveryDetail{DeliveryStatus: spool.DeliveryStatus{State: "delivered"}}).Advice(); got != "" {
		t.Errorf("a delivered call: %q", got)
	}
}
