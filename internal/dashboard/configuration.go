package dashboard

import (
	"net/http"
)

// configurationPage shows the configuration in use, without secrets.
type configurationPage struct {
	frame
	YAML      string
	CanReload bool
	// Refused says why the file was not taken over just now.
	Refused string
}

func (b *Dashboard) configuration(w http.ResponseWriter, r *http.Request) error {
	p, err := b.configurationPage(r)
	if err != nil {
		return err
	}
	return b.render(w, http.StatusOK, "configuration", p)
}

func (b *Dashboard) configurationPage(r *http.Request) (configurationPage, error) {
	p := configurationPage{frame: b.frame(r, "Configuration"), CanReload: b.Reload != nil}
	if b.Configuration == nil {
		return p, nil
	}
	text, err := b.Configuration()
	p.YAML = string(text)
	return p, err
}

func (b *Dashboard) reload(w http.ResponseWriter, r *http.Request) error {
	if b.Reload == nil {
		return &person{http.StatusNotFound, "This server has no configuration file to read again.", "Start it with --config to have one."}
	}
	failed := b.Reload(r.Context())
	if failed == nil {
		return b.see(w, r, "/configuration", "reloaded", 0)
	}
	p, err := b.configurationPage(r)
	if err != nil {
		return err
	}
	p.Refused = failed.Error()
	return b.render(w, http.StatusUnprocessableEntity, "configuration", p)
}
