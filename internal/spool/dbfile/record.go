package dbfile

import (
	"encoding/json"
	"errors"
	"hash/crc32"

	"github.com/cdrelay/cdrelay/internal/call"
)

// unsummed stands for the checksum of a call of an older version.
const unsummed = -1

// Checksum is over what a delivery is made from: a flipped byte that leaves valid
// JSON must not reach a sink as somebody's number. CRC-32C costs far less than
// decoding, and notices every damage of up to 32 bits in a row.
func Checksum(content, encoded []byte) int64 {
	table := crc32.MakeTable(crc32.Castagnoli) // the one that the processor computes; made once
	return int64(crc32.Update(crc32.Checksum(content, table), table, encoded))
}

// DecodeRecord reads a call of the file: the hash of its content, its encoded record,
// and the checksum over both, or unsummed.
func DecodeRecord(hash, encoded []byte, sum int64) (*call.Record, call.ContentHash, error) {
	var content call.ContentHash
	if encoded == nil {
		return nil, content, errors.New("its call is not in the file")
	}
	if sum != unsummed && sum != Checksum(hash, encoded) {
		return nil, content, errors.New("its bytes are not those that were written")
	}
	rec := &call.Record{}
	if err := json.Unmarshal(encoded, rec); err != nil {
		return nil, content, err
	}
	if copy(content[:], hash) != len(content) || rec.Schema != call.SchemaID {
		return nil, content, errors.New("not a record of " + call.SchemaID)
	}
	return rec, content, nil
}
