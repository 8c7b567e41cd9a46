package secret

import "regexp"

// The spellings of a variable that shells, Docker Compose, Kubernetes, Helm and
// Ansible replace. `$NAME` and `$(NAME)` count only as the whole text: a
// password may hold a dollar sign.
var (
	shellVariable   = regexp.MustCompile(`^\$\(?([A-Za-z_][A-Za-z0-9_]*)\)?$`)
	bracedVariable  = regexp.MustCompile(`\$\{\s*(?:env[:.])?([A-Za-z_][A-Za-z0-9_]*)\s*(?:[:?+-][^}]*)?\}`)
	doubleBraces    = regexp.MustCompile(`\{\{.*?\}\}`)
	nameInsideBrace = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
)

// Reference reports whether a text is, or holds, a variable as other programs
// spell it ($NAME, ${NAME}, $(NAME), {{ NAME }}), and returns its name, to be
// written as {env: NAME}.
func Reference(text string) (name string, ok bool) {
	for _, pattern := range []*regexp.Regexp{shellVariable, bracedVariable} {
		if m := pattern.FindStringSubmatch(text); m != nil {
			return m[1], true
		}
	}
	braces := doubleBraces.FindString(text)
	if braces == "" {
		return "", false
	}
	// In {{ .Values.token }} and {{ env "TOKEN" }} the last word is the name.
	names := nameInsideBrace.FindAllString(braces, -1)
	if len(names) == 0 {
		return "NAME", true
	}
	return names[len(names)-1], true
}
