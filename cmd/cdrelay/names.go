package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// names returns the names of the sinks and sources of the server.
func (o *operator) names(ctx context.Context) (sinks, sources []string, err error) {
	var status operate.Status
	if err := o.client.Get(ctx, statusPath, nil, &status); err != nil {
		return nil, nil, err
	}
	for _, s := range status.Sinks {
		sinks = append(sinks, s.Name)
	}
	for _, s := range status.Sources {
		sources = append(sources, s.Name)
	}
	return sinks, sources, nil
}

// misnamed says where nothing was found because nothing has that name; it goes
// behind a sentence. Empty names are none.
func (o *operator) misnamed(sink, source string) string {
	if sink == "" && source == "" {
		return ""
	}
	sinks, sources, err := o.names(o.ctx())
	switch {
	case err != nil:
		return "" // only a hint
	case sink != "" && !slices.Contains(sinks, sink):
		return fmt.Sprintf("; there is no sink %q: there are %s", sink, strings.Join(sinks, ", "))
	case source != "" && !slices.Contains(sources, source):
		return fmt.Sprintf("; no source %q is configured: there are %s", source, strings.Join(sources, ", "))
	default:
		return ""
	}
}

// sinkNames and sourceNames complete names from a running server.
func sinkNames(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	sinks, _ := completions(cmd)
	return sinks, cobra.ShellCompDirectiveNoFileComp
}

func sourceNames(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	_, sources := completions(cmd)
	return sources, cobra.ShellCompDirectiveNoFileComp
}

func completions(cmd *cobra.Command) (sinks, sources []string) {
	ctx, cancel := context.WithTimeout(cmp.Or(cmd.Context(), context.Background()), time.Second)
	defer cancel()
	o, err := newOperator(cmd)
	if err != nil {
		return nil, nil
	}
	defer o.client.Close()
	sinks, sources, _ = o.names(ctx) // without an answer the shell completes nothing
	return sinks, sources
}

// completeSinks lets --sink be completed.
func completeSinks(cmd *cobra.Command) {
	// It fails for a flag that is not there, which a test would show.
	_ = cmd.RegisterFlagCompletionFunc("sink", sinkNames)
}
