package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// patience bounds every wait of these tests; none of them waits a fixed time.
const patience = 30 * time.Second

// product is what all tests look at, made once.
type product struct {
	target
	binaries map[platform]string
	archive  string
}

// made holds it from the first test that asks on.
var made = sync.OnceValues(makeProduct)

var scratch string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if scratch, err = os.MkdirTemp("", "cdrelay-ship-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(scratch) }()
		return m.Run()
	}())
}

func makeProduct() (*product, error) {
	ctx := context.Background()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return nil, err
	}
	p := &product{binaries: map[platform]string{}, target: target{
		root: root, out: filepath.Join(scratch, "out"), source: describe(ctx, root, ""), platforms: imagePlatforms(),
	}}
	for _, one := range p.platforms {
		if p.binaries[one], err = build(ctx, root, scratch, p.source.version, one); err != nil {
			return nil, err
		}
	}
	p.archive, err = writeImage(p.target, p.binaries)
	return p, err
}

func theProduct(t *testing.T) *product {
	t.Helper()
	p, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// images opens the archive as whoever loads it would, and gives the image of each
// platform.
func images(t *testing.T, archive string) map[platform]v1.Image {
	t.Helper()
	folder := t.TempDir()
	unpack(t, archive, folder)
	top, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	names, err := top.IndexManifest()
	if err != nil || len(names.Manifests) != 1 {
		t.Fatalf("the archive holds not one image: %v", errors.Join(err, fmt.Errorf("%+v", names)))
	}
	index, err := top.ImageIndex(names.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	found := map[platform]v1.Image{}
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil || m.Platform == nil {
			t.Fatalf("image %s for %v: %v", m.Digest, m.Platform, err)
		}
		found[platform{m.Platform.OS, m.Platform.Architecture}] = image
	}
	return found
}
