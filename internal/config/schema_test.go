package config_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/config"
)

// TestSchema holds the example against the JSON Schema, and a misspelt key.
func TestSchema(t *testing.T) {
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(config.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(config.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	check := func(text string) error {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		return schema.Validate(v)
	}
	if err := check(string(example)); err != nil {
		t.Errorf("the example does not fit the schema: %v", err)
	}
	for with, fits := range map[string]bool{
		`{token: {env: T}}`: true, `{token: t, nobody: skip}`: true,
		`{}`: false, `{token: t, nobdy: skip}`: false, `{token: t, nobody: nothing}`: false, `{token: [t]}`: false,
	} {
		preset := strings.Replace(minimal, `webhook: {url: "http://127.0.0.1:9/x"}`, "preset: hubspot\n    with: "+with, 1)
		if err := check(preset); (err == nil) != fits {
			t.Errorf("%s: %v", with, err)
		}
	}
	for _, wrong := range [][2]string{{"retention:", "retentoin:"}, {"quick_tries: 2", "quick_tries: two"}, {"deny_private:", "deny_privat:"}} {
		if check(strings.Replace(string(example), wrong[0], wrong[1], 1)) == nil {
			t.Errorf("the schema takes %q", wrong[1])
		}
	}
}
