package call

import (
	"bytes"
	_ "embed"
)

//go:embed call.schema.json
var schema []byte

// Schema gives the JSON Schema (draft 2020-12) of the record.
func Schema() []byte { return bytes.Clone(schema) }
