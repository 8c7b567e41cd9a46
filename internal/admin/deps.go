package admin

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// Deps are what the handlers work with.
type Deps struct {
	// Operate does what the API is asked for.
	Operate *operate.Operator
	// Metrics answers /metrics.
	Metrics http.Handler
	// Ready returns nil when callbacks are taken, else why not.
	Ready func() error
	// Reload reads the configuration again; nil where there is none to read.
	Reload func(context.Context) error
	// WrongToken counts requests with a wrong token; may be nil.
	WrongToken func()
	// Page answers all paths but the API's, health and metrics, behind the same
	// doors; nil for a list of the paths in its place.
	Page http.Handler
	Log  *slog.Logger
}
