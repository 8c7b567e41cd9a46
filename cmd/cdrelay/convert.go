package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/adapter"
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/phone"
	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// sourceName is what a source may be called in a configuration.
var sourceName = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

// convertFlags are what a source's configuration would say.
type convertFlags struct {
	format, timezone, region, numbers, charset, source string
}

func convertCommand() *cobra.Command {
	var f convertFlags
	cmd := &cobra.Command{
		Use:   "convert --format FORMAT FILE",
		Short: "Print the canonical call record of a callback",
		Long: `convert reads one callback, as the telephony platform posts it, and prints the
canonical call record that it becomes. FILE may be - for standard input.`,
		Example: `  cdrelay convert --format infin8linx --region ID callback.json
  curl -s https://example.com/sample.json | cdrelay convert --format nxcc -`,
		Args: exactly(1, "one FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			reader, err := f.reader()
			if err != nil {
				return &usageError{err}
			}
			body, err := readBody(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			record, _, err := reader.Read("", body)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return printJSON(cmd.OutOrStdout(), record)
		},
	}
	names := strings.Join(adapter.Names(), ", ")
	cmd.Flags().StringVarP(&f.format, "format", "f", "", "the format of the callback: "+names)
	cmd.Flags().StringVar(&f.timezone, "timezone", "", "the time zone of times without one (default: the format's own)")
	cmd.Flags().StringVar(&f.region, "region", "", "the ISO country of numbers in national form, such as ID")
	cmd.Flags().StringVar(&f.numbers, "numbers", "", "how digits without + are read: national or international (default: the format's own)")
	cmd.Flags().StringVar(&f.charset, "charset", "", "the character set of the file, such as gbk (default: utf-8, or UTF-16 where it has a mark)")
	cmd.Flags().StringVar(&f.source, "source", "", "the name of the source, which begins the id (default: the format)")
	return cmd
}

// reader returns what reads a callback as a source of these flags would.
func (f convertFlags) reader() (*intake.Reader, error) {
	names := strings.Join(adapter.Names(), ", ")
	if f.format == "" {
		return nil, fmt.Errorf("--format is missing: there are %s", names)
	}
	format, ok := adapter.Lookup(f.format)
	if !ok {
		return nil, fmt.Errorf("unknown format %q: there are %s", f.format, names)
	}
	src := intake.SourceConfig{
		Name: cmp.Or(f.source, f.format), Format: f.format, Timezone: f.timezone, Region: strings.ToUpper(f.region), Numbers: call.Numbers(f.numbers), Charset: f.charset,
	}
	if !sourceName.MatchString(src.Name) {
		return nil, fmt.Errorf("--source %q is no name: write 1 to 63 of the characters a-z, 0-9 and -", src.Name)
	}
	switch src.Numbers {
	case call.FormatNumbers, call.National, call.International:
	default:
		return nil, fmt.Errorf("--numbers is national or international, not %q", f.numbers)
	}
	if src.Region != "" && !phone.KnownRegion(src.Region) {
		return nil, fmt.Errorf("--region %q is no country that has telephone numbers: write a code of ISO 3166 such as ID", f.region)
	}
	if _, err := src.Facts(); err != nil {
		return nil, fmt.Errorf("--timezone: %w", err)
	}
	return intake.NewReader(intake.Source{SourceConfig: src, Dialect: format})
}

// bodyMax is what the public listener takes.
const bodyMax = 1 << 20

func readBody(path string, stdin io.Reader) (body []byte, err error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // only read from
		in = f
	}
	body, err = io.ReadAll(io.LimitReader(in, bodyMax+1))
	if err == nil && len(body) > bodyMax {
		err = fmt.Errorf("%s is larger than 1 MiB, which no callback may be", path)
	}
	return body, err
}

// printJSON writes indented JSON and a line break.
func printJSON(w io.Writer, v any) error {
	b, err := plainjson.Indented(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(plaintext.JSON(b), '\n'))
	return err
}
