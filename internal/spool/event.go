package spool

import (
	"context"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// Action is what an operator did.
type Action string

// The actions.
const (
	ActionReplay  Action = "replay"
	ActionPurge   Action = "purge"
	ActionResend  Action = "resend"
	ActionEdit    Action = "edit"
	ActionPause   Action = "pause"
	ActionResume  Action = "resume"
	ActionErase   Action = "erase"
	ActionReload  Action = "reload"
	ActionTest    Action = "test"
	ActionSalvage Action = "salvage"
)

// Event is something that an operator did: who, what, when.
type Event struct {
	// ID is a ULID; its time is At.
	ID     string    `json:"id"`
	At     call.Time `json:"at"`
	Action Action    `json:"action"`
	// Token is the name of the token that opened the door; or where none was asked
	// for, what is in its place, such as none, signal or command.
	Token string `json:"token"`
	// Address is that of the client.
	Address string `json:"address,omitempty"`
	// Via is the surface: api, page, command, or server for what it did by itself.
	Via string `json:"via"`
	// Sinks are those that it was about.
	Sinks []string `json:"sinks,omitempty"`
	// CallID is the one call that it was about. The calls of an event about many are
	// found by EventFilter.
	CallID string `json:"call_id,omitempty"`
	// Count is how many calls, deliveries or dead letters it changed.
	Count int `json:"count"`
	// Detail says what it was for or what came of it, without numbers.
	Detail string `json:"detail,omitempty"`
}

// EventFilter selects events; empty fields select all.
type EventFilter struct {
	// CallID selects the events that changed something of a call.
	CallID       string
	Sink         string
	Since, Until time.Time
}

type eventKey struct{}

// WithEvent returns a context for the changes of one event; see Operator.
func WithEvent(ctx context.Context, e Event) context.Context {
	return context.WithValue(ctx, eventKey{}, e)
}

// EventOf returns the event that changes with a context belong to; ok is false where
// they belong to none.
func EventOf(ctx context.Context) (e Event, ok bool) {
	e, ok = ctx.Value(eventKey{}).(Event)
	return e, ok
}
