package intake

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/charset"
	"github.com/cdrelay/cdrelay/internal/moment"
)

var (
	namePattern   = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)
	regionPattern = regexp.MustCompile(`^[A-Z]{2}$`)
	// pathPattern leaves out what a URL would have to escape: the path is
	// compared after decoding, so an escape in it could never match.
	pathPattern = regexp.MustCompile(`^/[A-Za-z0-9._~!$&'()*+,;=:@/-]*$`)
)

// SourceConfig is one configured telephony account.
type SourceConfig struct {
	Name     string       `yaml:"name" jsonschema:"required" example:"dialer" doc:"Begins the ids of the source's calls and labels its metrics: 1 to 63 of a-z, 0-9 and -."`
	Format   string       `yaml:"format" jsonschema:"required" example:"nxcc" doc:"The vendor's dialect, one of those that docs/configuration.md lists."`
	Path     string       `yaml:"path" default:"/callbacks/ and the name" example:"/callbacks/dialer" doc:"Where the platform posts. Letters, digits, / and -; no query."`
	Timezone string       `yaml:"timezone" default:"the format's own" example:"Asia/Shanghai" doc:"IANA name of the zone of times that have none."`
	Region   string       `yaml:"region" example:"ID" doc:"Country of numbers in national form, two letters of ISO 3166. Without it they get no E.164 form."`
	Numbers  call.Numbers `yaml:"numbers" jsonschema:"enum=national,enum=international" default:"the format's own way" example:"national" doc:"How digits without a plus sign are read."`
	Charset  string       `yaml:"charset" default:"the format's own" example:"gbk" doc:"Character set of callbacks whose Content-Type names none, by its name on the web. UTF-16 with a byte order mark is always recognised."`
	Volatile []string     `yaml:"volatile" example:"[pushCount, meta.sentAt]" doc:"Fields of the callback that change with every push, such as attempt counters: a push in which nothing else changed is a duplicate. A dot leads into an object or a list of objects; case does not matter."`
	Auth     Auth         `yaml:"auth" jsonschema:"required" example:"{query: {name: key, value: {env: DIALER_KEY}}, allow: [203.0.113.0/24]}" doc:"The doors: exactly one of header, query, basic, bearer, digest or open: true, and/or allow. All that stand there must hold."`
	Respond  string       `yaml:"respond" default:"JSON that says what became of the callback" example:"\"1\"" doc:"Body of the 200, for platforms that look at it."`
}

// WithDefaults returns the source with what was left out filled in.
func (c SourceConfig) WithDefaults() SourceConfig {
	if c.Path == "" && c.Name != "" {
		c.Path = "/callbacks/" + c.Name
	}
	c.Auth = c.Auth.withDefaults()
	return c
}

// Validate reports everything that is wrong with the source after WithDefaults.
// Formats are those that there are.
func (c SourceConfig) Validate(formats []call.Format, report func(path, problem string)) {
	if !namePattern.MatchString(c.Name) {
		report("name", fmt.Sprintf("%q is not a name: write 1 to 63 of the characters a-z, 0-9 and -", c.Name))
	}
	c.validateFormat(formats, report)
	if problem := pathProblem(c.Path); problem != "" && (c.Path != "" || c.Name != "") {
		report("path", problem)
	}
	if _, err := c.zone(); err != nil {
		report("timezone", err.Error())
	}
	if c.Region != "" && !regionPattern.MatchString(c.Region) {
		report("region", fmt.Sprintf("%q is not a country: write the two capital letters of ISO 3166, like ID", c.Region))
	}
	if !slices.Contains([]call.Numbers{call.FormatNumbers, call.National, call.International}, c.Numbers) {
		report("numbers", fmt.Sprintf("%q is not a reading of numbers: write national or international, or leave it out", c.Numbers))
	}
	if _, err := charset.Lookup(c.Charset); err != nil {
		report("charset", err.Error())
	}
	for i, field := range c.Volatile {
		if strings.TrimSpace(field) == "" {
			report(fmt.Sprintf("volatile[%d]", i), "is empty: write the name of a field, like pushCount")
		}
	}
	c.Auth.validate(report)
}

func (c SourceConfig) validateFormat(formats []call.Format, report func(path, problem string)) {
	var names []string
	for _, f := range formats {
		if f.Name == c.Format {
			if c.Auth.Digest != nil && f.Signature == nil {
				report("auth.digest", unsigned)
			}
			return
		}
		names = append(names, f.Name)
	}
	report("format", fmt.Sprintf("unknown format %q: use one of %s", c.Format, strings.Join(names, ", ")))
}

func pathProblem(p string) string {
	switch {
	case !strings.HasPrefix(p, "/"):
		return fmt.Sprintf("%q does not begin with /: write a path like /callbacks/dialer", p)
	case !pathPattern.MatchString(p):
		return "a query, fragment, space or escape cannot stand in a path: use letters, digits, / and -"
	case path.Clean(p) != p:
		return fmt.Sprintf("the path is not clean: write %s", path.Clean(p))
	}
	return ""
}

// Facts returns what an adapter must know about the source.
func (c SourceConfig) Facts() (call.Source, error) {
	zone, err := c.zone()
	return call.Source{Name: c.Name, Zone: zone, Region: c.Region, Numbers: c.Numbers}, err
}

// zone returns nil for the format's own time zone.
func (c SourceConfig) zone() (*time.Location, error) {
	if c.Timezone == "" {
		return nil, nil
	}
	return moment.Zone(c.Timezone)
}

// ValidateSources reports what is wrong with each source, and names and paths
// that occur twice. Paths of problems begin with the index, like [0].auth.
func ValidateSources(sources []SourceConfig, formats []call.Format, report func(path, problem string)) {
	names, paths := map[string]int{}, map[string]int{}
	for i, s := range sources {
		at := fmt.Sprintf("[%d].", i)
		s.Validate(formats, func(path, problem string) { report(at+path, problem) })
		if first, twice := firstUse(names, s.Name, i); twice {
			report(at+"name", fmt.Sprintf("the name %s stands at source %d already: write another one", s.Name, first+1))
		}
		if first, twice := firstUse(paths, s.Path, i); twice {
			report(at+"path", fmt.Sprintf("the path %s is that of source %s already: write another one", s.Path, sources[first].Name))
		}
	}
}

// firstUse notes a text; one that is empty has its own error elsewhere.
func firstUse(seen map[string]int, text string, at int) (first int, twice bool) {
	if text == "" {
		return 0, false
	}
	first, twice = seen[text]
	if !twice {
		seen[text] = at
	}
	return first, twice
}
