package main

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/demo"
)

// onceWithin bounds demo --once.
const onceWithin = 30 * time.Second

func demoCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole way of a call in one process, with no configuration",
		Long: `demo runs cdrelay with stand-ins for a CRM and Slack that fail now and then, posts
sample callbacks of both telephony platforms, and prints what becomes of them. It
then stays up, for you to post to, until Ctrl-C.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			signal.Ignore(syscall.SIGPIPE) // it takes its folder away, whoever reads on
			ctx := cmd.Context()
			if once {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, onceWithin)
				defer cancel()
			}
			return demo.Run(ctx, demo.Options{Out: cmd.OutOrStdout(), Once: once, Version: versionText()})
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end after the samples; exit 0 only if every one was delivered")
	return cmd
}
