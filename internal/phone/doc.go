// Package phone reads telephone addresses: numbers in any spelling, tel: and SIP
// URIs, name-addr, and the SIP-like user@host:port that vendors send without a scheme.
// Full-width characters, invisible marks and a fraction of zeros are understood.
//
// A number is given as E.164 only when libphonenumber calls it valid. Digits
// without a plus sign say nothing about their country, so the Reading decides:
// 85235757581 is a landline in Hong Kong when it is read as +85235757581, and a
// valid mobile number in Indonesia when it is read as national there. Where the
// Reading gives no valid number there is none; nothing is guessed. Where a Reading
// allows both and both are valid, the Address says so. 00 before a country code is
// a plus sign in every region.
//
// libphonenumber is the port github.com/nyaruka/phonenumbers: no other library
// in Go carries Google's metadata. Its parser, made for what people type, takes some
// twenty microseconds; a plain international number is asked about without it
// (plain.go), texts that cannot be a number are refused before it is asked, and its
// last answers are remembered.
//
// All functions are pure and may be called concurrently.
package phone
