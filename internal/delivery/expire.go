package delivery

import (
	"context"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// expireStep bounds how many deliveries one transaction ends.
const expireStep = 200

// tooOld reports whether a delivery ends now that an attempt of it did not
// deliver. While an operator's pause holds, none does.
func (l *Lane) tooOld(d *spool.Delivery) bool {
	return l.deps.Store.Now().Sub(d.Since) >= l.set.Retry.GiveUpAfter && l.held() == 0
}

// expire ends all that is older than give_up_after.
func (l *Lane) expire(ctx context.Context) {
	ended := 0
	for ctx.Err() == nil && l.held() == 0 {
		cutoff := l.deps.Store.Now().Add(-l.set.Retry.GiveUpAfter)
		n, err := l.deps.Store.Expire(ctx, l.name, cutoff, spool.Expired, l.expiredDetail("the sink did not recover"), expireStep)
		if err != nil {
			l.log.Error("deliveries that are too old could not be ended", "error", err)
			break
		}
		l.deps.Metrics.ended(l.name, spool.Expired, n)
		ended += n
		if n < expireStep {
			break
		}
	}
	if ended > 0 {
		l.log.Warn("dead letters", "reason", string(spool.Expired), "deliveries", ended)
	}
}

func (l *Lane) expiredDetail(why string) string {
	return "not delivered within give_up_after (" + l.set.Retry.GiveUpAfter.String() + "): " + why
}
