package dbfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// Examine looks, without a change, at the place that the configuration names, as
// Open would: refuse is told why no spool can be there, warn what is probably not
// meant. It may be called beside a server that has the spool open.
func Examine(c spool.Config, refuse, warn func(path, text string)) {
	c = c.WithDefaults()
	path, err := Find(c.Path)
	if errors.Is(err, fs.ErrPermission) {
		warn("path", fmt.Sprintf("%v: what is there was not looked at; run this as the user of the server", err))
		return
	}
	if err != nil {
		refuse("path", err.Error())
		return
	}
	folder, err := Existing(filepath.Dir(path))
	if err == nil {
		err = RefuseNetworkFS(folder)
	}
	if err != nil {
		refuse("path", err.Error())
		return
	}
	ExamineSpace(c, folder, warn)
}

// ExamineSpace warns of a file system that is too small, or gone with the power.
func ExamineSpace(c spool.Config, folder string, warn func(path, text string)) {
	if inMemory(folder) {
		warn("path", folder+" is a file system in memory: a restart of the machine loses the calls; name a file on a disk")
	}
	if total, _, err := Space(folder); err == nil && total > 0 && int64(c.MaxBytes) > total {
		warn("max_bytes", fmt.Sprintf("%v is more than the file system of %s holds (%v): the spool keeps to what is there; lower max_bytes or enlarge the volume", c.MaxBytes, folder, spool.Bytes(total)))
	}
}
