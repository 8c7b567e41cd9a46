package expr

// Guard is a condition among templates: CEL over call, now and the results of steps
// that is true or false. The zero Guard always holds. It is immutable and safe for
// concurrent use.
type Guard struct {
	src     string
	program *program
}

// compileGuard compiles a condition.
func compileGuard(src string) (Guard, error) {
	p, err := compileTemplate(src)
	if err != nil {
		return Guard{}, err
	}
	if err := p.mustBeBool(); err != nil {
		return Guard{}, err
	}
	return Guard{src: written(src), program: p}, nil
}

// IsZero reports whether no condition was compiled.
func (g Guard) IsZero() bool { return g.program == nil }

// Source returns the expression as it was written.
func (g Guard) Source() string { return g.src }

// Uses returns the results of steps that the condition reads.
func (g Guard) Uses() []StepUse { return g.program.uses() }

// Holds reports whether the condition is true. It is not where it needs a value that
// is absent.
func (g Guard) Holds(v *View) (bool, error) { return g.program.allows(&v.view) }

// allows reports whether a condition among templates holds; one that is nil does,
// one that needs an absent value does not.
func (p *program) allows(v *view) (bool, error) {
	if p == nil {
		return true, nil
	}
	holds, err := p.holds(v)
	if err != nil && noValue(err) {
		return false, nil
	}
	return holds, err
}
