package repair

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// SQLite ends its reading of a WAL at the first frame that does not fit, and
// says nothing: that is how a power cut leaves the end of a WAL, but a flipped
// byte in the middle would cost all commits after it in silence. So before the
// file is opened its WAL is read here, by the format on sqlite.org/fileformat2.html
// and sqlite.org/walformat.html, and asked two questions that a power cut never
// answers with yes: does a commit that was synced lie behind a frame that does
// not fit, and does the index beside it (-shm), which is written after each
// sync, know of frames that are not there?
const (
	walHeaderSize   = 32
	frameHeaderSize = 24
	frameSize       = frameHeaderSize + dbfile.PageSize
	walMagic        = 0x377f0682 // the last bit says that sums are over big-endian words
	walVersion      = 3007000
	shmHeaderSize   = 48
)

// walSum is the running checksum of a WAL.
type walSum [2]uint32

// add goes on over b, a multiple of 8 bytes.
func (s walSum) add(order binary.ByteOrder, b []byte) walSum {
	for ; len(b) >= 8; b = b[8:] {
		s[0] += order.Uint32(b) + s[1]
		s[1] += order.Uint32(b[4:]) + s[0]
	}
	return s
}

// walFrame is one page image of a WAL.
type walFrame struct {
	page   uint32
	commit uint32 // pages of the database after the commit; 0 inside a transaction
	salts  [8]byte
	sum    walSum // as it stands there
	fits   bool   // the sum goes on from that of the frame before
}

// wal is what a WAL holds, page images aside.
type wal struct {
	order  binary.ByteOrder
	salts  [8]byte
	whole  bool // the header is as it was written
	frames []walFrame
	// read is how many frames SQLite would read.
	read int
	// synced is how many frames were committed and synced for certain.
	synced int
	// moved is how many frames were moved into the file already.
	moved int
	pages uint32 // of the database, by the -shm
}

// readWAL reads the WAL of a file that nobody has open, nil where there is none
// and none was needed.
func readWAL(path string) (_ *wal, err error) {
	f, err := os.Open(path + "-wal")
	if errors.Is(err, os.ErrNotExist) {
		w := &wal{}
		if w.hint(path); w.synced > w.moved {
			return w, nil
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dbfile.CloseInto(f, &err)
	w := &wal{}
	if err := w.readFrames(bufio.NewReaderSize(f, 1<<20)); err != nil {
		return nil, err
	}
	w.judge()
	w.hint(path)
	return w, nil
}

// readFrames reads header and frames as far as they go.
func (w *wal) readFrames(r io.Reader) error {
	var header [walHeaderSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return ignoreEOF(err)
	}
	frame := make([]byte, frameSize)
	var sum walSum
	for first := true; ; first = false {
		if _, err := io.ReadFull(r, frame); err != nil {
			return ignoreEOF(err)
		}
		if first {
			sum = w.readHeader(header[:], frame)
		}
		f := walFrame{
			page: binary.BigEndian.Uint32(frame), commit: binary.BigEndian.Uint32(frame[4:]), salts: [8]byte(frame[8:16]),
			sum: sumOf(frame),
		}
		f.fits = f.salts == w.salts && f.page > 0 && f.sum == sum.add(w.order, frame[:8]).add(w.order, frame[frameHeaderSize:])
		sum = f.sum
		w.frames = append(w.frames, f)
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// readHeader returns the sum from which the first frame goes on. In a damaged
// header all is put right of which the value is known, and the first frame's
// salts are taken.
func (w *wal) readHeader(b, frame []byte) walSum {
	w.order = binary.ByteOrder(binary.LittleEndian)
	if binary.BigEndian.Uint32(b) == walMagic|1 {
		w.order = binary.BigEndian
	}
	w.salts = [8]byte(b[16:24])
	sum := walSum{}.add(w.order, b[:24])
	stored := walSum{binary.BigEndian.Uint32(b[24:]), binary.BigEndian.Uint32(b[28:])}
	w.whole = sum == stored && binary.BigEndian.Uint32(b)&^1 == walMagic && binary.BigEndian.Uint32(b[4:]) == walVersion &&
		binary.BigEndian.Uint32(b[8:]) == dbfile.PageSize
	if w.whole {
		return sum
	}
	w.salts = [8]byte(frame[8:16])
	for _, w.order = range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		sum = walSum{}.add(w.order, walHeader(w.order, binary.BigEndian.Uint32(b[12:]), w.salts)[:24])
		if sum.add(w.order, frame[:8]).add(w.order, frame[frameHeaderSize:]) == sumOf(frame) {
			break
		}
	}
	return sum
}

// sumOf returns the sum that a frame has.
func sumOf(frame []byte) walSum {
	return walSum{binary.BigEndian.Uint32(frame[16:]), binary.BigEndian.Uint32(frame[20:])}
}

// walHeader makes a header.
func walHeader(order binary.ByteOrder, sequence uint32, salts [8]byte) []byte {
	magic := uint32(walMagic)
	if order == binary.BigEndian {
		magic |= 1
	}
	var b []byte
	for _, v := range []uint32{magic, walVersion, dbfile.PageSize, sequence} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	b = append(b, salts[:]...)
	sum := walSum{}.add(order, b)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, sum[0]), sum[1])
}

// judge finds where SQLite would stop and what was synced for certain: a commit
// that another frame follows, since the next transaction is written only after
// the sync of the one before. A header is synced before the first frame, and is
// smaller than a sector: one that is not whole was damaged, and so what fits
// behind it counts up to the last commit.
func (w *wal) judge() {
	for i := 0; !w.whole && i < len(w.frames) && w.frames[i].fits; i++ {
		if w.frames[i].commit > 0 {
			w.synced = i + 1
		}
	}
	for i, reads := 0, w.whole; i < len(w.frames); i++ {
		f := w.frames[i]
		reads = reads && f.fits
		if reads && f.commit > 0 {
			w.read = i + 1
		}
		if f.fits && i > 0 && w.frames[i-1].commit > 0 && w.frames[i-1].salts == w.salts {
			w.synced = max(w.synced, i)
		}
	}
}

// hint takes what the -shm knows, where it belongs to this WAL.
func (w *wal) hint(path string) {
	b, err := os.ReadFile(path + "-shm")
	if err != nil || len(b) < 2*shmHeaderSize+4 {
		return
	}
	order := binary.NativeEndian
	sum := walSum{}
	for i := 0; i < 40; i += 8 { // over native words, whatever the WAL has
		sum[0] += order.Uint32(b[i:]) + sum[1]
		sum[1] += order.Uint32(b[i+4:]) + sum[0]
	}
	if [shmHeaderSize]byte(b) != [shmHeaderSize]byte(b[shmHeaderSize:]) || b[12] != 1 ||
		sum != (walSum{order.Uint32(b[40:]), order.Uint32(b[44:])}) {
		return
	}
	known, moved := int(order.Uint32(b[16:])), int(order.Uint32(b[2*shmHeaderSize:]))
	if len(w.frames) > 0 && [8]byte(b[32:40]) != w.salts || moved > known {
		return
	}
	w.synced, w.moved = max(w.synced, known), moved
	if w.synced == known {
		w.pages = order.Uint32(b[20:])
	}
}

// damage says what is wrong; nil where nothing is, or nothing that was synced.
func (w *wal) damage() error {
	if w == nil || w.synced <= w.read || w.synced <= w.moved && w.read == 0 {
		return nil
	}
	return &dbfile.DamagedError{Found: fmt.Sprintf("the WAL is damaged: of %d frames that were synced SQLite can read %d", w.synced, w.read)}
}

// usable returns the frames that a mended WAL takes: those that fit, up to the last
// commit, without what the file has already; pages is the size of the database
// then, 0 where nothing tells.
func (w *wal) usable() (take []int, pages uint32) {
	if w == nil {
		return nil, 0
	}
	end := max(w.synced, w.read)
	for i := end; i < len(w.frames) && w.frames[i].fits; i++ {
		if w.frames[i].commit > 0 {
			end = i + 1
		}
	}
	if end == w.synced {
		pages = w.pages
	}
	for i := w.moved; i < min(end, len(w.frames)); i++ {
		f := w.frames[i]
		if !f.fits {
			continue
		}
		take = append(take, i)
		if f.commit > 0 && (end != w.synced || w.pages == 0) {
			pages = f.commit
		}
	}
	return take, pages
}
