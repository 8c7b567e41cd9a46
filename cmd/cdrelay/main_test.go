package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be cdrelay itself: for the scripts, and for
// processes that a test starts, stops and kills.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cdrelay": main})
}

// TestScripts drives the real commands; each script is one file.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			wd, err := os.Getwd()
			if err != nil {
				return err
			}
			env.Setenv("CALLBACKS", wd+"/testdata/callbacks")
			env.Setenv("ROOT", wd+"/../..")
			return nil
		},
	})
}
