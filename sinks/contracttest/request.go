package contracttest

import (
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// Request returns the first request of a delivery.
func Request(s contract.Sink, messageID string, r *call.Record) (*outbound.Request, error) {
	turn, err := s.Series(messageID, r, nil).Next()
	return turn.Request, err
}
