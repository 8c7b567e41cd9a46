package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The files of the Dockerfile's build stage.
const (
	builtBinary = "/image/cdrelay"
	builtFolder = "/image/data"
)

// makeImage writes the image for all platforms into one OCI archive and gives the
// archive's name. It needs no container engine: nothing is run in the image while
// it is built.
func makeImage(ctx context.Context, t target) (name string, err error) {
	work, err := os.MkdirTemp("", "cdrelay-image-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	binaries := map[platform]string{}
	for _, p := range t.platforms {
		if binaries[p], err = build(ctx, t.root, work, t.source.version, p); err != nil {
			return "", err
		}
	}
	return writeImage(t, binaries)
}

// writeImage puts binaries that are built into the archive.
func writeImage(t target, binaries map[platform]string) (string, error) {
	r, err := readRecipe(filepath.Join(t.root, "Dockerfile"), map[string]string{
		"VERSION": t.source.version, "REVISION": t.source.revision,
	})
	if err != nil {
		return "", err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range t.platforms {
		image, err := imageFor(r, t.source, p, binaries[p])
		if err != nil {
			return "", fmt.Errorf("image for %s: %w", p, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}},
		})
	}
	if err := publicFolder(t.out); err != nil {
		return "", err
	}
	name := filepath.Join(t.out, "cdrelay-"+t.source.version+"-oci.tar")
	return name, writeLayout(name, t.source, index)
}

// imageFor makes the image of one platform.
func imageFor(r *recipe, s source, p platform, binary string) (v1.Image, error) {
	created := v1.Time{Time: s.time}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.ConfigFile(image, &v1.ConfigFile{
		OS: p.os, Architecture: p.arch, Created: created, Config: r.config,
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	for _, c := range r.copies {
		layer, err := layerFor(c, s, binary)
		if err != nil {
			return nil, err
		}
		image, err = mutate.Append(image, mutate.Addendum{
			Layer: layer, MediaType: types.OCILayer,
			History: v1.History{Created: created, CreatedBy: "COPY " + c.from + " /" + c.to},
		})
		if err != nil {
			return nil, err
		}
	}
	return image, nil
}

// layerFor makes the layer of one COPY.
func layerFor(c copied, s source, binary string) (v1.Layer, error) {
	e := entry{name: c.to, uid: c.uid, gid: c.gid}
	switch c.from {
	case builtBinary:
		text, err := os.ReadFile(binary)
		if err != nil {
			return nil, err
		}
		e.mode, e.text = 0o755, text
	case builtFolder:
		e.name, e.mode = e.name+"/", 0o700
	default:
		return nil, fmt.Errorf("the Dockerfile copies %s, which .ci/ship does not know: add it to layerFor in image.go", c.from)
	}
	var b bytes.Buffer
	if err := writeTar(&b, s.time, []entry{e}); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestCompression))
}

// writeLayout writes an OCI image layout as one archive, named for those who load
// it: skopeo reads the first name, docker and containerd the second.
func writeLayout(name string, s source, index v1.ImageIndex) (err error) {
	folder, err := os.MkdirTemp("", "cdrelay-layout-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path, err := layout.Write(folder, mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	if err != nil {
		return err
	}
	err = path.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": s.version,
		"io.containerd.image.name":          "docker.io/library/cdrelay:" + s.version,
	}))
	if err != nil {
		return err
	}
	entries, err := folderEntries(folder)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := writeTar(&b, s.time, entries); err != nil {
		return err
	}
	return publish(name, b.Bytes())
}
