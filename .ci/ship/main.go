// Command ship makes what a release hands out: the image as an OCI archive, and
// archives of the binary with checksums, bills of materials, the chart and the
// release notes. It uploads nothing.
//
//	go run -C .ci/ship . image   -version v1.2.3
//	go run -C .ci/ship . release -version v1.2.3 -helm 'helm'
//
// It is a module of its own, so that the product's go.mod names only what the
// product is made of. The same commit and the same Go give the same bytes, the
// chart's package aside, into which helm writes the time.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ship:", err)
		os.Exit(1)
	}
}

// run carries out one command line.
func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "image" && args[0] != "release" {
		return fmt.Errorf("want image or release, and their flags")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	root := flags.String("root", filepath.Join("..", ".."), "the top of the repository")
	version := flags.String("version", "", "the version; default: what git says")
	out := flags.String("out", "", "the folder to write to; default: bin, or bin/release, at the top")
	list := flags.String("platforms", "", "such as linux/amd64,darwin/arm64; default: all")
	helm := flags.String("helm", "helm", "release: the command, with its arguments, that runs helm")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	top, err := filepath.Abs(*root)
	if err != nil {
		return err
	}
	platforms, err := parsePlatforms(*list)
	if err != nil {
		return err
	}
	t := target{root: top, out: *out, source: describe(ctx, top, *version), platforms: platforms}
	if args[0] == "image" {
		name, err := makeImage(ctx, t.withDefaults("bin", imagePlatforms()))
		if err == nil {
			_, err = fmt.Fprintln(os.Stdout, name)
		}
		return err
	}
	return makeRelease(ctx, t.withDefaults(filepath.Join("bin", "release"), releasePlatforms()), strings.Fields(*helm))
}

// target is what is made of which source, and where it goes.
type target struct {
	root, out string
	source    source
	platforms []platform
}

// withDefaults fills in what was not asked for.
func (t target) withDefaults(out string, platforms []platform) target {
	if t.out == "" {
		t.out = filepath.Join(t.root, out)
	}
	if len(t.platforms) == 0 {
		t.platforms = platforms
	}
	return t
}
