package webhook

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// maxSteps bounds the requests of one delivery.
const maxSteps = 20

// Step is one request of several, and what it takes from the answer.
type Step struct {
	Name     string     `yaml:"name" jsonschema:"required" example:"call" doc:"Stands behind steps. in later steps, in attempts and metrics, and at the end of webhook-id: up to 32 of a-z, 0-9 and _."`
	When     expr.Guard `yaml:"when" default:"always" example:"call.customer.number != \"\"" doc:"The step is made only where this holds: CEL over call, steps (results of the steps before; those that were skipped are empty texts) and remembered. A value that is absent makes it false."`
	Request  `yaml:",inline"`
	Result   expr.ResponseResult `yaml:"result" default:"nothing" example:"response.json.id" doc:"What the step takes from the answer, as steps.<name>: CEL over response, of any type, at most 4 KiB as JSON. An answer without a body has no result; any other failure makes the call a dead letter \"rejected\"."`
	Remember bool                `yaml:"remember" example:"true" doc:"Keeps the result as remembered.<name> with the delivery, for its next attempts, and for later revisions of the call: a text or a number, at most 256 bytes."`
	Cache    *time.Duration      `yaml:"cache" default:"none" example:"10m" doc:"The step is a lookup, whose result serves every call with the same request for so long, up to 24h; one that found nothing for a tenth of it. 0s marks a lookup that is never kept."`
	Fills    string              `yaml:"fills" example:"contact" doc:"The step makes what this lookup before it did not find: its result takes the place of that, in later steps and for other calls, which wait for it."`
	Evidence bool                `yaml:"evidence" example:"true" doc:"A success of the step shows the breaker that the sink is well. Where no step is marked it is the last one without when; a failure of any step counts."`
	Rate     *outbound.Rate      `yaml:"rate" default:"that of the sink alone" example:"{per_second: 4, burst: 4}" doc:"Bounds the requests of this step, beside the rate of the sink."`
}

// isLookup reports whether the step only asks: with shadow it is made.
func (s Step) isLookup() bool {
	method, fixed := s.fixedMethod()
	return s.Cache != nil || fixed && method == "GET" && !s.Result.IsZero()
}

// steps returns the steps with all that holds for them; the short form is one
// without a name.
func (c Config) steps() []Step {
	if len(c.Steps) == 0 {
		return []Step{c.whole()}
	}
	all := make([]Step, len(c.Steps))
	for i, s := range c.Steps {
		all[i] = c.shared(s)
	}
	return all
}

func (c Config) whole() Step {
	s := Step{Request: c.Request}
	s.URL = c.address(s.URL)
	return s
}

// shared returns a step with what it has from beside the steps.
func (c Config) shared(s Step) Step {
	s.URL = c.address(s.URL)
	own := s.Headers
	s.Headers = Headers{}
	for name, value := range c.Headers {
		if isSet := strings.EqualFold(name, "authorization") && s.Auth != nil; !isSet && !own.has(name) {
			s.Headers[name] = value
		}
	}
	maps.Copy(s.Headers, own)
	if s.Auth == nil && !own.has("Authorization") {
		s.Auth = c.Auth
	}
	if s.Sign == nil {
		s.Sign = c.Sign
	}
	if s.Success.IsZero() {
		s.Success = c.Success
	}
	if s.Pause.IsZero() {
		s.Pause = c.Pause
	}
	if s.AddressIf.IsZero() {
		s.AddressIf = c.AddressIf
	}
	if s.RetryIf.IsZero() {
		s.RetryIf = c.RetryIf
	}
	return s
}

// address returns a URL behind the base, where it is not a whole address itself. One
// that holds a part from env or file is a secret as a whole.
func (c Config) address(own secret.Value) secret.Value {
	text := own.Reveal()
	if own.IsZero() || c.Base.IsZero() || strings.Contains(strings.SplitN(text, "?", 2)[0], "://") {
		return own
	}
	return secret.New(strings.TrimRight(c.Base.Reveal(), "/") + "/" + strings.TrimLeft(text, "/"))
}

// scope returns what the step at an index may read of others.
func (c Config) scope(i int) expr.StepScope {
	var s expr.StepScope
	for j, step := range c.Steps {
		if j < i {
			s.Steps = append(s.Steps, step.Name)
		} else {
			s.Later = append(s.Later, step.Name)
		}
		if step.Remember {
			s.Remembered = append(s.Remembered, step.Name)
		}
	}
	return s
}

func (c Config) validateSteps(report func(path, problem string)) {
	if len(c.Steps) > maxSteps {
		report("steps", fmt.Sprintf("are more than %d: write fewer", maxSteps))
	}
	seen := map[string]int{}
	for i, s := range c.steps() {
		below := contract.Under(fmt.Sprintf("steps[%d]", i), report)
		if first, twice := seen[s.Name]; twice && s.Name != "" {
			below("name", fmt.Sprintf("the name %s is used at steps[%d] already: write another one", s.Name, first))
		}
		seen[s.Name] = i
		switch {
		case s.Name == "":
			below("name", "is missing: write one, such as contact")
		case !expr.StepName(s.Name):
			below("name", fmt.Sprintf("%q is not a name of a step: write up to 32 of a-z, 0-9 and _ that begin with a letter and are no word of CEL", s.Name))
		}
		if own := c.Steps[i]; own.Auth != nil {
			own.Auth.validate(contract.Under("auth", below))
		}
		if own := c.Steps[i]; own.Sign != nil {
			own.Sign.validate(contract.Under("sign", below))
		}
		own := c.Steps[i].Request
		own.Auth = s.Auth
		own.Headers.validate(own, contract.Under("headers", below))
		s.validate(c.scope(i), below)
		s.validateResult(c.Steps[:i], below)
		usesIn(s.When.Uses(), "when", c.scope(i), below)
	}
}

// validate checks the request of a step.
func (s Step) validate(scope expr.StepScope, report func(path, problem string)) {
	if s.URL.IsZero() {
		report("url", "is missing: write the address to send to, or {env: NAME}")
	} else if address, err := expr.ParseURL(s.URL.Reveal()); err != nil {
		report("url", err.Error())
	} else {
		usesIn(address.Uses(), "url", scope, report)
	}
	s.validateForm(report)
	s.Query.validate(contract.Under("query", report))
	usesIn(s.Method.Uses(), "method", scope, report)
	usesIn(s.Body.Uses(), "body", scope, report)
	for _, f := range s.Headers.fields() {
		usesIn(f.value.uses(), "headers."+f.name, scope, report)
	}
	for _, f := range fieldsOf(s.Query) {
		usesIn(f.value.uses(), "query."+f.name, scope, report)
	}
}

// validateForm checks method, encoding and body against each other.
func (s Step) validateForm(report func(path, problem string)) {
	method, fixed := s.fixedMethod()
	if fixed && !slices.Contains(methods(), method) {
		report("method", fmt.Sprintf("%q is not a method: write POST, PUT, PATCH, GET or DELETE", method))
	}
	switch s.Encoding {
	case encodingJSON:
	case encodingForm, encodingMultipart:
		if !s.Body.IsZero() && !s.Body.IsMapping() {
			report("body", "is not a mapping, which a form needs: write fields and their values")
		}
	default:
		report("encoding", fmt.Sprintf("%q is not an encoding: write json, form or multipart", s.Encoding))
	}
	if fixed && bodiless(method) && !s.Body.IsZero() {
		report("body", method+" sends no body: put the values into the url, or use POST")
	}
}

// maxCache bounds how long a result serves other calls.
const maxCache = 24 * time.Hour

// validateResult checks what the step takes from its answer and what becomes of it.
func (s Step) validateResult(before []Step, report func(path, problem string)) {
	for key, written := range map[string]bool{"remember": s.Remember, "cache": s.Cache != nil, "fills": s.Fills != ""} {
		if written && s.Result.IsZero() {
			report(key, "needs a result, and there is none: write what the step takes from the answer, as in result: response.json.id")
		}
	}
	if s.Remember && !s.Result.IsZero() && !s.Result.MayBeText() {
		report("result", "is remembered, and is neither a text nor a number: write string(…), or one field of it")
	}
	if s.Cache != nil && (*s.Cache < 0 || *s.Cache > maxCache) {
		report("cache", fmt.Sprintf("%s is out of range: write 0s to 24h", s.Cache))
	}
	if s.Cache != nil && s.dependsOnNow() {
		report("cache", "keeps results by the request, and this one differs from try to try: leave out now, or the cache")
	}
	if method, fixed := s.fixedMethod(); s.Cache != nil && fixed && method != http.MethodGet && method != http.MethodPost {
		report("cache", "is for lookups, and "+method+" writes: what is written for one call is not written for the next; leave it out")
	}
	s.validateFills(before, report)
	s.Rate.Validate(contract.Under("rate", report))
}

func (s Step) validateFills(before []Step, report func(path, problem string)) {
	if s.Fills == "" {
		return
	}
	i := slices.IndexFunc(before, func(other Step) bool { return other.Name == s.Fills })
	switch {
	case i < 0:
		report("fills", fmt.Sprintf("there is no step %q before this one", s.Fills))
	case before[i].Cache == nil || *before[i].Cache == 0:
		report("fills", fmt.Sprintf("the step %s keeps no results: give it a cache, so that others see what is made", s.Fills))
	}
}

// dependsOnNow reports whether the request differs from try to try.
func (s Step) dependsOnNow() bool {
	address, err := expr.ParseURL(s.URL.Reveal())
	return err == nil && address.DependsOnNow() || s.Method.DependsOnNow() || s.Body.DependsOnNow() ||
		dependOnNow(s.Headers.fields()) || dependOnNow(fieldsOf(s.Query))
}

// usesIn reports results that a template at a path cannot read.
func usesIn(uses []expr.StepUse, path string, scope expr.StepScope, report func(path, problem string)) {
	for _, u := range uses {
		if problem := scope.Problem(u); problem != "" {
			contract.Under(path, report)(u.Path, problem)
		}
	}
}
