package expr

import (
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// SecretTable is the table of a section's secrets: a name that no table of a
// configuration can have. Its lookup is the section's own.
const SecretTable = "with."

// ReadSecret returns the expression that reads a secret: a literal would be printed
// with the expression.
func ReadSecret(name string) string {
	return tableName + "(" + strconv.Quote(SecretTable) + ", " + strconv.Quote(name) + ")"
}

// readsSecret reports whether an expression reads a secret.
func readsSecret(a *ast.AST) bool {
	return slices.ContainsFunc(ast.MatchDescendants(ast.NavigateAST(a), ast.KindMatcher(ast.CallKind)), func(e ast.NavigableExpr) bool {
		call := e.AsCall()
		if call.FunctionName() != tableName || len(call.Args()) == 0 {
			return false
		}
		table, ok := literal(call.Args()[0])
		return ok && table == SecretTable
	})
}

// hide keeps the texts that came of a secret, so that they are masked with it.
func (v *view) hide(out ref.Val) {
	switch out := out.(type) {
	case types.String:
		if out != "" {
			v.hidden = append(v.hidden, string(out))
		}
	case traits.Lister:
		for i := out.Iterator(); i.HasNext() == types.True; {
			v.hide(i.Next())
		}
	}
}

// Hidden returns the texts that came of secrets in what was rendered so far.
func (v *View) Hidden() []string { return v.view.hidden }

// Bind puts what a section names into an expression: each `variable.name` of the given
// variables becomes the text that value returns for it, which is then compiled and
// type-checked like all of the expression. The error is the first that value returns.
func Bind(src string, variables []string, value func(variable, name string) (string, error)) (string, error) {
	b := binding{variables: variables, value: value}
	err := b.expression(src)
	return b.out.String(), err
}

// writtenMark begins the comment behind a bound expression that has it as it was
// written.
const writtenMark = "\n//= "

// BindWhole is Bind for an expression that people are shown: whoever shows it shows it
// as it was written.
func BindWhole(src string, variables []string, value func(variable, name string) (string, error)) (string, error) {
	text, err := Bind(src, variables, value)
	if err != nil || text == src {
		return text, err
	}
	return text + writtenMark + strings.Join(strings.Fields(src), " "), nil
}

// written returns an expression as it was written.
func written(src string) string {
	if _, text, found := strings.Cut(src, writtenMark); found {
		return text
	}
	return src
}

// BindText is Bind for every ${…} of a text.
func BindText(src string, variables []string, value func(variable, name string) (string, error)) (string, error) {
	b := binding{variables: variables, value: value}
	for i := 0; i < len(src); {
		switch rest := src[i:]; {
		case strings.HasPrefix(rest, "$${"):
			b.out.WriteString("$${")
			i += len("$${")
		case strings.HasPrefix(rest, "${"):
			begin := i + len("${")
			length, ok := expressionEnd(src[begin:])
			if !ok {
				return src, nil // whoever compiles it says what is wrong
			}
			b.out.WriteString("${")
			if err := b.expression(src[begin : begin+length]); err != nil {
				return "", err
			}
			b.out.WriteString("}")
			i = begin + length + 1
		default:
			b.out.WriteByte(src[i])
			i++
		}
	}
	return b.out.String(), nil
}

// binding is one text while its names are replaced.
type binding struct {
	variables []string
	value     func(variable, name string) (string, error)
	out       strings.Builder
}

func (b *binding) expression(src string) error {
	for i := 0; i < len(src); {
		n, variable, name := b.next(src, i)
		if variable == "" {
			b.out.WriteString(src[i : i+n])
			i += n
			continue
		}
		text, err := b.value(variable, name)
		if err != nil {
			return err
		}
		b.out.WriteString(text)
		i += n
	}
	return nil
}

// next returns the length of what begins at an offset: a string, a comment, a word or
// one character else; and variable and name where it is one of ours with its field.
func (b *binding) next(src string, i int) (length int, variable, name string) {
	rest := src[i:]
	switch c := rest[0]; {
	case c == '"' || c == '\'':
		if n, ok := stringEnd(rest, isRaw(src[:i])); ok {
			return n, "", ""
		}
	case strings.HasPrefix(rest, "//"):
		if n := strings.IndexByte(rest, '\n'); n >= 0 {
			return n, "", ""
		}
		return len(rest), "", ""
	case isWord(c):
		word := rest[:wordEnd(rest)]
		if isSelected(src[:i]) {
			return len(word), "", ""
		}
		for _, one := range b.variables {
			if field, length := fieldAfter(rest[len(word):]); one == word && field != "" {
				return len(word) + length, word, field
			}
		}
		return len(word), "", ""
	}
	return 1, "", ""
}

const blanks = " \t\r\n"

// fieldAfter returns the field that is selected at the beginning of a text, and the
// length of the selection.
func fieldAfter(s string) (field string, length int) {
	after, selected := strings.CutPrefix(strings.TrimLeft(s, blanks), ".")
	if !selected {
		return "", 0
	}
	after = strings.TrimLeft(after, blanks)
	n := wordEnd(after)
	return after[:n], len(s) - len(after) + n
}

// isSelected reports whether what follows is a field of something: x.with.
func isSelected(before string) bool {
	return strings.HasSuffix(strings.TrimRight(before, blanks), ".")
}

func wordEnd(s string) int {
	n := 0
	for n < len(s) && isWord(s[n]) {
		n++
	}
	return n
}
