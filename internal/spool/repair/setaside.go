package repair

import (
	"context"
	"fmt"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// Tool is this package as a store needs it: it implements sqlite.Repair.
type Tool struct{}

// ReadWAL reads the WAL of a file that nobody has open, and returns its damage. there
// reports whether there is a WAL, or should be one.
func (Tool) ReadWAL(path string) (there bool, err error) {
	w, err := readWAL(path)
	if err != nil {
		return false, err
	}
	return w != nil, w.damage()
}

// SetAside keeps a damaged file under another name and puts one with what can be read
// of it in its place.
func (Tool) SetAside(ctx context.Context, d dbfile.Damaged) error {
	kept := keptAs(d.Config.Path)
	d.Log.Error("the spool file is damaged and is set aside; what can be read of it is saved", "file", d.Config.Path, "kept_as", kept, "damage", d.Damage)
	saved, err := rebuild(ctx, d.Config, kept, d.Known, func(p progress) { tell(d, p) })
	if err != nil {
		return err
	}
	for _, t := range saved.Tables {
		if t.Lost > 0 || !t.Complete {
			d.Log.Error("rows of the damaged file are lost", "table", t.Table, "saved", t.Saved, "lost", t.Lost, "perhaps_more", !t.Complete)
		}
	}
	d.Log.Warn("what could be read of the damaged file was saved", "rows", saved.saved(), "tables_cut_short", saved.Cut, "deliveries_without_call", saved.Orphans)
	return nil
}

// tell tells how far a salvage has come.
func tell(d dbfile.Damaged, p progress) {
	table, rows := "", p.Found.saved()+p.Now.Saved
	if p.Source < len(sources()) {
		table = sources()[p.Source].table
	}
	d.Log.Info("what can be read of the damaged file is being saved", "rows", rows, "table", table)
	d.Tell(fmt.Sprintf("what can be read of a damaged file is being saved, %d rows so far", rows))
}

// Finish ends what a SetAside had begun that was cut short, where all was saved: the
// new file gets its place.
func (Tool) Finish(path string) error { return finishSalvage(path, dbfile.DamagedName(path)) }
