// Package spool is the durable store.
package spool
