package dashboard

import (
	"encoding/json"
	"net/http"
)

// routeHealth adds what orchestrators ask. Neither answer names more than the
// parts and their trouble.
func (s *server) routeHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n")) // whoever asked may have gone
	})
	mux.HandleFunc("GET /readyz", s.ready)
}

// ready answers 200 if every part is well, else 503 and what is wrong.
func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	answer := struct {
		Ready  bool              `json:"ready"`
		Checks map[string]string `json:"checks"`
	}{true, map[string]string{}}
	for _, c := range s.Ready {
		answer.Checks[c.Name] = "ok"
		if err := c.Status(); err != nil {
			answer.Ready, answer.Checks[c.Name] = false, err.Error()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer) // whoever asked may have gone
}
