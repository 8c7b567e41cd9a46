package app

import (
	"context"

	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/phone"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// redeem reads a dead letter of stage intake again: the same conversion, rules
// and acceptance as for a callback that comes in now.
func (a *App) redeem(ctx context.Context, d spool.DeadLetterDetail) error {
	_, err := a.intake.Redeem(ctx, intake.Kept{Source: d.Source, Body: d.Body, Request: d.Request, ReceivedAt: d.CreatedAt.Time, Letter: d.ID})
	return err
}

// numberForms reads a number as an operator types it, national in the region of
// any source.
func (a *App) numberForms(typed string) (spool.NumberForms, error) {
	var regions []string
	for _, s := range a.state.Load().loaded.Sources {
		if s.Region != "" {
			regions = append(regions, s.Region)
		}
	}
	f, err := phone.FormsOf(typed, regions)
	return spool.NumberForms{E164: f.E164, Digits: f.Digits}, err
}
