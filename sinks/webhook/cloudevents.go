package webhook

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/plainjson"
)

// event is a CloudEvents 1.0 event in structured mode.
type event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject,omitempty"`
	Time            call.Time       `json:"time,omitzero"`
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data"`
}

const (
	eventVersion = "1.0"
	eventType    = "com.github.cdrelay.call.v1"
	eventSource  = "/cdrelay/sources/"
)

// cloudEvent puts the body into an envelope.
func cloudEvent(t expr.Tree, v *expr.View) ([]byte, error) {
	data, err := document(t, v)
	if err != nil {
		return nil, err
	}
	r := v.Record()
	out, err := plainjson.Marshal(event{
		SpecVersion:     eventVersion,
		ID:              eventID(r),
		Source:          eventSource + url.PathEscape(r.Source),
		Type:            eventType,
		Subject:         r.ID,
		Time:            eventTime(r),
		DataContentType: typeJSON,
		Data:            data,
	})
	if err != nil {
		return nil, err
	}
	return out, v.Spend(max(len(out)-len(data), 0))
}

// eventID is unique for each revision within its source.
func eventID(r *call.Record) string {
	if r.Revision > 1 {
		return fmt.Sprintf("%s/%d", r.ID, r.Revision)
	}
	return r.ID
}

func eventTime(r *call.Record) call.Time {
	for _, t := range []call.Time{r.EndedAt, r.StartedAt, r.ReceivedAt} {
		if !t.IsZero() {
			return t
		}
	}
	return call.Time{}
}
