package binary

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"fieldcast/track"
)

var client = &http.Client{Timeout: 30 * time.Second}

// Status is the code of a GET; 0 if there was no answer.
func (s *Server) Status(path, token string) int {
	code, _ := s.Fetch(path, token)
	return code
}

// Fetch is a GET; the code is 0 if there was no whole answer.
func (s *Server) Fetch(path, token string) (code int, body []byte) {
	req, err := http.NewRequest(http.MethodGet, "http://"+s.HTTP+path, nil) //nolint:noctx // the client has a limit
	if err != nil {
		return 0, nil
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		return 0, nil
	}
	return resp.StatusCode, body
}

// Get reads a JSON answer of 200; anything else is an error.
func (s *Server) Get(path, token string, into any) error {
	code, body := s.Fetch(path, token)
	if code != http.StatusOK {
		return fmt.Errorf("GET %s: %d %s", path, code, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}

// Stats is what /stats answers.
type Stats struct{ Employees, Fixes, Rejected, Seq int64 }

// Stats returns a company's counters.
func (s *Server) Stats(company, token string) (st Stats, err error) {
	return st, s.Get("/api/v1/companies/"+company+"/stats", token, &st)
}

// Positions returns where everybody is.
func (s *Server) Positions(company, token string) ([]track.Position, error) {
	var answer struct{ Positions []track.Position }
	err := s.Get("/api/v1/companies/"+company+"/positions", token, &answer)
	return answer.Positions, err
}

// Fixes returns everything that is stored of a person, oldest first.
func (s *Server) Fixes(company, employee, token string) ([]track.Fix, error) {
	var all []track.Fix
	query := url.Values{"limit": {"10000"}}
	for {
		var page struct {
			Fixes []track.Fix
			Next  string
		}
		if err := s.Get("/api/v1/companies/"+company+"/employees/"+employee+"/fixes?"+query.Encode(), token, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Fixes...)
		if page.Next == "" {
			return all, nil
		}
		query.Set("cursor", page.Next)
	}
}
