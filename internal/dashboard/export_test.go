package dashboard

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// Sample adds a sample of a moment that has passed, before those that are there.
func (b *Dashboard) Sample(at time.Time, c Counters) { b.ring.add(at, c) }

// Minutes is what the picture of received callbacks shows.
func (b *Dashboard) Minutes() []float64 {
	return growth(b.ring.history(b.Now(), b.Counters()), func(c Counters) float64 { return c.Received })
}

// Waiting is what the page of a call says of a delivery whose sink is well.
func Waiting(d operate.DeliveryDetail) (what, todo string) {
	var e event
	(&timeline{}).waiting(d, &e)
	return e.What, e.Do
}
