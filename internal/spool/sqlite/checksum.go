package sqlite

import "hash/crc32"

// unsummed stands for the checksum of a call of an older version.
const unsummed = -1

// checksum is over what a delivery is made from: a flipped byte that leaves valid
// JSON must not reach a sink as somebody's number. CRC-32C costs far less than
// decoding, and notices every damage of up to 32 bits in a row.
func checksum(content, encoded []byte) int64 {
	table := crc32.MakeTable(crc32.Castagnoli) // the one that the processor computes; made once
	return int64(crc32.Update(crc32.Checksum(content, table), table, encoded))
}
