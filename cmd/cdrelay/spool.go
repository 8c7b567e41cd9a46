package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
)

// errDamaged makes `spool check` exit 1; the report has said the rest.
var errDamaged = errors.New("the spool is damaged")

func spoolCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spool",
		Short: "Check, salvage and back up the spool file",
		Args:  exactly(0, "a command: check, salvage or backup"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().String("path", "", "the spool file; default: spool.path of the configuration")
	cmd.PersistentFlags().StringP("output", "o", "table", "the form of the output: table or json")
	cmd.AddCommand(spoolCheckCommand(), spoolSalvageCommand(), spoolBackupCommand())
	return cmd
}

func spoolCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Read the whole spool and say what is damaged; the server must be stopped",
		Long: `check reads the spool's WAL and the whole file, and whether what the rows say of
each other is true. It changes nothing. It exits 0 when the spool is sound and 1
when it is damaged, or could not be checked.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onSpool(cmd, func(ctx context.Context, cfg spool.Config, out printer) error {
				r, err := repair.Check(ctx, cfg.Path)
				if err != nil {
					return err
				}
				if err := out.print(r, func(w io.Writer) { printCheck(w, r) }); err != nil {
					return err
				}
				if !r.Sound() {
					return errDamaged
				}
				return nil
			})
		},
	}
}

func spoolSalvageCommand() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use:   "salvage",
		Short: "Set a damaged spool aside and save what can be read; the server must be stopped",
		Long: `salvage gives a damaged spool another name and saves what can be read of it into a
new file, as the next start of the server would, and tells what was saved and
what was lost. The damaged file is kept. It needs as much free space as the file
takes.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onSpool(cmd, func(ctx context.Context, cfg spool.Config, out printer) error {
				r, err := repair.Salvage(ctx, cfg, force)
				switch {
				case errors.Is(err, repair.ErrSound):
					return fmt.Errorf("%s: %w and was left as it is: --force builds it anew all the same", cfg.Path, err)
				case err != nil:
					return err
				}
				return out.print(r, func(w io.Writer) { printSalvage(w, r) })
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "build a sound spool anew as well")
	return cmd
}

func spoolBackupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the spool, as it is at this moment, into a new file; the server may run",
		Long: `backup copies the spool as it is at one moment into FILE and checks the copy. The
server may run and goes on. Nothing is overwritten; FILE holds calls and numbers
and is made for this user only. It needs the rights of the server's user.`,
		Args: exactly(1, "one argument, the file to make"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onSpool(cmd, func(ctx context.Context, cfg spool.Config, out printer) error {
				r, err := repair.Backup(ctx, cfg.Path, args[0])
				if err != nil {
					return err
				}
				return out.print(r, func(w io.Writer) {
					say(w, "%s: %s, %s (%s waiting), %s; the copy is sound\n", r.Path, size(r.Bytes),
						count(int(r.Rows["calls"]), "call"), count(int(r.Waiting), "delivery"), count(int(r.Rows["dead_letters"]), "dead letter"))
				})
			})
		},
	}
}

// onSpool finds the spool that the flags mean.
func onSpool(cmd *cobra.Command, do func(context.Context, spool.Config, printer) error) error {
	path, form := flagText(cmd, "path"), flagText(cmd, "output")
	if form != "table" && form != "json" {
		return &usageError{fmt.Errorf("there is no output %q: write table or json", form)}
	}
	cfg := spool.Config{Path: path}
	if path == "" {
		loaded, err := config.Load(configPath(cmd))
		if err != nil {
			return fmt.Errorf("%w (or name the spool with --path)", err)
		}
		cfg = loaded.Spool
	}
	return do(cmd.Context(), cfg, printer{w: cmd.OutOrStdout(), json: form == "json"})
}

// printer prints a report in the form that was asked for.
type printer struct {
	w    io.Writer
	json bool
}

func (p printer) print(report any, table func(io.Writer)) error {
	if p.json {
		return printJSON(p.w, report)
	}
	var b strings.Builder
	table(&b)
	_, err := io.WriteString(p.w, plaintext.Terminal(b.String())) // a damaged file may hold anything
	return err
}

// say writes to a builder, which takes everything.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

func printCheck(w io.Writer, r repair.CheckReport) {
	for _, f := range r.Findings {
		printFinding(w, f)
		say(w, "  remedy: %s\n", f.Remedy)
	}
	for _, n := range r.Notes {
		say(w, "note: %s\n", n)
	}
	for _, table := range slices.Sorted(maps.Keys(r.Rows)) {
		say(w, "%-13s %d rows\n", table, r.Rows[table])
	}
	verdict := "sound"
	if !r.Sound() {
		verdict = "damaged"
	}
	say(w, "%s is %s: %s, schema version %d, %s waiting\n", r.Path, verdict, size(r.Bytes), r.Schema, count(int(r.Waiting), "delivery"))
}

func printFinding(w io.Writer, f repair.Finding) {
	say(w, "damage: %s", f.What)
	if f.Count > 1 {
		say(w, " (%d)", f.Count)
	}
	if f.Example != "" {
		say(w, ", such as %s", f.Example)
	}
	say(w, "\n")
}

func printSalvage(w io.Writer, r repair.SalvageReport) {
	for _, f := range r.Found {
		printFinding(w, f)
	}
	say(w, "%-13s %9s %9s\n", "table", "saved", "lost")
	for _, t := range r.Tables {
		lost := fmt.Sprint(t.Lost)
		if !t.Complete {
			lost += ", perhaps more"
		}
		say(w, "%-13s %9d %9s\n", t.Table, t.Saved, lost)
	}
	if r.Unreadable > 0 {
		say(w, "%s cannot be read; the table set_aside has their bytes\n", count(r.Unreadable, "waiting record"))
	}
	if r.Orphans > 0 {
		say(w, "%d deliveries and dead letters have lost their call; the table set_aside names them\n", r.Orphans)
	}
	say(w, "%s was built anew; the file as it was is kept as %s\n", r.Path, r.Kept)
}

// size returns a number of bytes for people.
func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", (n+1023)/1024)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
