package nxcc_test

import (
	"testing"

	"github.com/cdrelay/cdrelay/adapter/nxcc"
	"github.com/cdrelay/cdrelay/internal/adaptertest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	adaptertest.Golden(t, nxcc.Convert)
}

func FuzzConvert(f *testing.F) { adaptertest.Fuzz(f, nxcc.Convert) }

func BenchmarkConvert(b *testing.B) { adaptertest.Benchmark(b, nxcc.Convert) }
