package call

import (
	"log/slog"
	"strings"
)

const (
	maskHead = 3
	maskTail = 2
)

// Mask hides the middle of a telephone number or address: the first three and
// the last two characters stay, a text of eight characters or fewer keeps only
// its last two.
func Mask(number string) string {
	r := []rune(number)
	head := maskHead
	if len(r) <= 8 {
		head = 0
	}
	if len(r) <= head+maskTail {
		return strings.Repeat("*", len(r))
	}
	return string(r[:head]) + strings.Repeat("*", len(r)-head-maskTail) + string(r[len(r)-maskTail:])
}

// Masked returns the party with its number and addresses masked; the internal
// extension stays.
func (p Party) Masked() Party {
	return Party{Raw: Mask(p.Raw), Number: Mask(p.Number), SIP: Mask(p.SIP), Extension: p.Extension}
}

// LogValue shows what a log needs to find the call, with numbers masked.
func (r *Record) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", r.ID),
		slog.Int("revision", r.Revision),
		slog.String("source", r.Source),
		slog.String("direction", string(r.Direction)),
		slog.String("outcome", string(r.Outcome)),
		slog.String("from", Mask(r.From.best())),
		slog.String("to", Mask(r.To.best())),
	)
}

// best is the most telling form of the address.
func (p Party) best() string {
	if p.Number != "" {
		return p.Number
	}
	return p.Raw
}
