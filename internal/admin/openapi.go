package admin

import (
	_ "embed" // the document
	"net/http"
)

//go:embed openapi.json
var openAPIDocument []byte

// openAPI serves the description of the API.
func (a *api) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPIDocument) // a client that is gone gets nothing
}
