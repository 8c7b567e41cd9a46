package expr

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func bound(variable, name string) (string, error) {
	if name == "gone" {
		return "", errors.New(variable + "." + name + " has no value")
	}
	return fmt.Sprintf("<%s %s>", variable, name), nil
}

func TestBind(t *testing.T) {
	for src, want := range map[string]string{
		`with.a`:                             `<with a>`,
		`with.a == call.id && with . b > 1`:  `<with a> == call.id && <with b> > 1`,
		`let.a + with.b`:                     `<let a> + <with b>`,
		"with\n.a_1[0]":                      `<with a_1>[0]`,
		`call.raw.with.a + call.raw . let.b`: `call.raw.with.a + call.raw . let.b`,
		`herewith.a + with_a.b + withal.c`:   `herewith.a + with_a.b + withal.c`,
		`"with.a" + 'with.a' + r"with.a\"`:   `"with.a" + 'with.a' + r"with.a\"`,
		`"""a"with.a""" + with.a`:            `"""a"with.a""" + <with a>`,
		`"\"with.a" + with.a`:                `"\"with.a" + <with a>`,
		"1 // with.a\n + with.a":             "1 // with.a\n + <with a>",
		`1 // with.a`:                        `1 // with.a`,
		`with == 1 + with.`:                  `with == 1 + with.`,
		`"unclosed with.a`:                   `"unclosed <with a>`,
		``:                                   ``,
	} {
		if got, err := Bind(src, []string{"with", "let"}, bound); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", src, got, err, want)
		}
	}
	for _, src := range []string{`with.gone`, `with.a + with.gone`} {
		if got, err := Bind(src, []string{"with"}, bound); err == nil {
			t.Errorf("%s is %s", src, got)
		}
	}
}

// TestBindWhole: a condition is shown as it was written.
func TestBindWhole(t *testing.T) {
	literal := func(string, string) (string, error) { return `"x"`, nil }
	for _, src := range []string{`call.id == with.a`, `call.id == "with.a"`} {
		text, err := BindWhole(src, []string{"with"}, literal)
		if err != nil {
			t.Fatal(err)
		}
		g, err := compileGuard(text)
		if err != nil || g.Source() != src {
			t.Errorf("%s is shown as %s (%v)", src, g.Source(), err)
		}
	}
}

// TestHidden: what comes of a secret is known as such, and nothing else is.
func TestHidden(t *testing.T) {
	lookup := func(table, key string) (string, bool) {
		return map[string]string{SecretTable + "key": "s3cret", "owners" + "key": "amy"}[table+key], true
	}
	secret := ReadSecret("key")
	for src, want := range map[string][]string{
		`${` + secret + `}`:                        {"s3cret"},
		`a ${` + secret + ` + call.id} b`:          {"s3cretdialer:1"},
		`${[` + secret + `, "x"]}`:                 {"s3cret", "x"},
		`${hex(bytes(` + secret + `))} ${call.id}`: {"733363726574"},
		`${table("owners", "key")} ${call.id}`:     nil,
	} {
		text, err := ParseText(src)
		if err != nil {
			t.Fatal(err)
		}
		r := bare()
		r.ID = "dialer:1"
		v := NewRendering(r, Rendering{Lookup: lookup, Budget: NewBudget(maxText)})
		if _, err := text.String(v); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(v.Hidden(), want) {
			t.Errorf("%s hides %q, want %q", src, v.Hidden(), want)
		}
	}
}

func TestBindText(t *testing.T) {
	for src, want := range map[string]string{
		`with.a ${with.a} $${with.a} ${"}" + with.b}.`: `with.a ${<with a>} $${with.a} ${"}" + <with b>}.`,
		`${ {"a": with.a}[call.id] }`:                  `${ {"a": <with a>}[call.id] }`,
		`unclosed ${with.a`:                            `unclosed ${with.a`,
	} {
		if got, err := BindText(src, []string{"with"}, bound); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", src, got, err, want)
		}
	}
	if got, err := BindText(`a ${with.gone}`, []string{"with"}, bound); err == nil {
		t.Errorf("a name without a value is %s", got)
	}
}
