package tests

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// schemaFile is the chart's schema; its definitions are generated.
const schemaFile = "charts/cdrelay/values.schema.json"

// TestSchemaOfConfiguration: the chart's schema knows each key of the
// configuration, and takes as text what cdrelay takes as text. Helm reads numbers
// as floating point and `no` as false before a template sees them, so that only a
// text arrives as it was written.
func TestSchemaOfConfiguration(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), binary(t), "schema", "config").Output()
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(out, &config); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"$schema", "$id", "title"} {
		delete(config, key)
	}
	written, _, found := strings.Cut(read(t, schemaFile), "\n  \"definitions\": ")
	if !found {
		t.Fatalf("%s has no definitions", schemaFile)
	}
	var definitions bytes.Buffer
	enc := json.NewEncoder(&definitions)
	enc.SetEscapeHTML(false)
	enc.SetIndent("  ", "  ")
	if err := enc.Encode(map[string]any{"config": forHelm(config)}); err != nil {
		t.Fatal(err)
	}
	golden(t, fromTop(schemaFile), written+"\n  \"definitions\": "+definitions.String()+"}\n")
}

// forHelm drops what only explains a schema, and the numbers and booleans that a
// secret may be in a file that cdrelay reads itself.
func forHelm(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			switch properties, isMap := value.(map[string]any); {
			case key == "properties" && isMap: // names, no keywords
				named := map[string]any{}
				for name, property := range properties {
					named[name] = forHelm(property)
				}
				out[key] = named
			case key == "title", key == "description", key == "examples", key == "default", strings.HasPrefix(key, "x-"):
			default:
				out[key] = forHelm(value)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			if one, _ := item.(map[string]any); one["type"] == "number" || one["type"] == "boolean" {
				continue
			}
			out = append(out, forHelm(item))
		}
		return out
	}
	return v
}
