package infin8linx_test

import (
	"testing"

	"github.com/cdrelay/cdrelay/adapter/infin8linx"
	"github.com/cdrelay/cdrelay/internal/adaptertest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	adaptertest.Golden(t, infin8linx.Convert)
}

func FuzzConvert(f *testing.F) { adaptertest.Fuzz(f, infin8linx.Convert) }

func BenchmarkConvert(b *testing.B) { adaptertest.Benchmark(b, infin8linx.Convert) }
