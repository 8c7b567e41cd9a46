package main

import (
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestAdviceOnADelivery(t *testing.T) {
	unwell := []spool.Attempt{{Result: "unwell"}}
	for want, d := range map[string]shownDelivery{
		"ask who runs the sink":              {DeliveryStatus: spool.DeliveryStatus{State: "waiting", Attempts: unwell}},
		"takes other calls and not this one": {DeliveryStatus: spool.DeliveryStatus{State: "waiting", Doubtful: true, Attempts: unwell}},
		"then replay":                        {DeliveryStatus: spool.DeliveryStatus{State: "dead_letter", Attempts: unwell}, Reason: "failing"},
		"older one has ended":                {DeliveryStatus: spool.DeliveryStatus{State: "held"}},
	} {
		if got := d.todo(); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want %q", d, got, want)
		}
	}
}
