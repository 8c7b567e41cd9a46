package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// recipe is the last stage of the Dockerfile: what is copied into the image, and
// how it is run.
type recipe struct {
	copies []copied
	config v1.Config
}

// copied is one COPY from the build stage.
type copied struct {
	from, to string
	uid, gid int
}

// readRecipe parses the Dockerfile with BuildKit's own parser. Build arguments are
// those given, else their defaults. An instruction that it does not know is an
// error: an image that lacks something would be worse.
func readRecipe(file string, arguments map[string]string) (*recipe, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	tree, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	stages, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(stages) == 0 {
		return nil, fmt.Errorf("%s: no stage", file)
	}
	last := stages[len(stages)-1]
	if last.BaseName != "scratch" {
		return nil, fmt.Errorf("%s: the last stage starts from %s; only scratch can be built without an engine", file, last.BaseName)
	}
	r := &reader{recipe: &recipe{}, arguments: arguments, values: map[string]string{}}
	for _, command := range last.Commands {
		if err := r.take(command); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, command.Location()[0].Start.Line, err)
		}
	}
	return r.recipe, nil
}

// reader goes through the instructions of a stage from top to bottom.
type reader struct {
	*recipe
	// arguments are those of the command line.
	arguments map[string]string
	// values are the variables known so far.
	values map[string]string
}

// take adds what one instruction says.
func (r *reader) take(command instructions.Command) error {
	if e, ok := command.(instructions.SupportsSingleWordExpansion); ok {
		if err := e.Expand(r.expand); err != nil {
			return err
		}
	}
	c := &r.config
	switch i := command.(type) {
	case *instructions.ArgCommand:
		r.declare(i)
	case *instructions.LabelCommand:
		c.Labels = merge(c.Labels, i.Labels)
	case *instructions.EnvCommand:
		for _, kv := range i.Env {
			c.Env = append(c.Env, kv.Key+"="+kv.Value)
			r.values[kv.Key] = kv.Value
		}
	case *instructions.CopyCommand:
		return r.copy(i)
	case *instructions.UserCommand:
		c.User = i.User
	case *instructions.VolumeCommand:
		c.Volumes = set(i.Volumes)
	case *instructions.ExposeCommand:
		c.ExposedPorts = set(ports(i.Ports))
	case *instructions.EntrypointCommand:
		c.Entrypoint = i.CmdLine
		return execForm(i.ShellDependantCmdLine)
	case *instructions.CmdCommand:
		c.Cmd = i.CmdLine
		return execForm(i.ShellDependantCmdLine)
	default:
		return fmt.Errorf("%s is not known to .ci/ship: add it to take in dockerfile.go", strings.ToUpper(command.Name()))
	}
	return nil
}

// expand puts variables into a word, by the rules of Dockerfiles.
func (r *reader) expand(word string) (string, error) {
	var env []string
	for name, value := range r.values {
		env = append(env, name+"="+value)
	}
	text, unknown, err := shell.NewLex('\\').ProcessWord(word, shell.EnvsFromSlice(env))
	if err == nil && len(unknown) > 0 {
		err = fmt.Errorf("%s has a variable that no ARG of this stage declares", word)
	}
	return text, err
}

// declare makes build arguments known.
func (r *reader) declare(i *instructions.ArgCommand) {
	for _, a := range i.Args {
		if value, ok := r.arguments[a.Key]; ok {
			r.values[a.Key] = value
		} else {
			r.values[a.Key] = a.ValueString()
		}
	}
}

func (r *reader) copy(i *instructions.CopyCommand) error {
	if i.From == "" || len(i.SourcePaths) != 1 || i.Chmod != "" || len(i.ExcludePatterns) > 0 {
		return fmt.Errorf("only COPY --from=build, with one source and perhaps --chown, is known to .ci/ship")
	}
	c := copied{from: i.SourcePaths[0], to: strings.TrimPrefix(i.DestPath, "/")}
	if i.Chown != "" {
		user, group, ok := strings.Cut(i.Chown, ":")
		var uerr, gerr error
		c.uid, uerr = strconv.Atoi(user)
		c.gid, gerr = strconv.Atoi(group)
		if !ok || uerr != nil || gerr != nil {
			return fmt.Errorf("--chown=%s: write user and group as numbers, there is no passwd file", i.Chown)
		}
	}
	r.copies = append(r.copies, c)
	return nil
}

// execForm refuses a command line for a shell: the image has none.
func execForm(c instructions.ShellDependantCmdLine) error {
	if c.PrependShell {
		return fmt.Errorf("%q needs a shell: write it as a JSON list", strings.Join(c.CmdLine, " "))
	}
	return nil
}

// ports gives each port its protocol.
func ports(written []string) []string {
	all := slices.Clone(written)
	for i, p := range all {
		if !strings.Contains(p, "/") {
			all[i] = p + "/tcp"
		}
	}
	return all
}

func set(names []string) map[string]struct{} {
	all := map[string]struct{}{}
	for _, n := range names {
		all[n] = struct{}{}
	}
	return all
}

func merge(into map[string]string, pairs instructions.KeyValuePairs) map[string]string {
	if into == nil {
		into = map[string]string{}
	}
	for _, kv := range pairs {
		into[kv.Key] = kv.Value
	}
	return into
}
