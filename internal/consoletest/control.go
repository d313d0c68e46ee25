package consoletest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"sentinelone-provisioner/internal/access"
)

// control registers the control API; doc.go describes it.
func (c *Console) control(mux *http.ServeMux) {
	mux.HandleFunc("GET /_simulator/faults", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, c.activeFaults())
	})
	mux.HandleFunc("POST /_simulator/faults", c.postFault)
	mux.HandleFunc("DELETE /_simulator/faults", c.deleteFaults)
	mux.HandleFunc("GET /_simulator/truth", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, c.Truth())
	})
	mux.HandleFunc("GET /_simulator/changes", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, append([]Change{}, c.Changes()...))
	})
	mux.HandleFunc("GET /_simulator/writes", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		reply(w, http.StatusOK, map[string]int{
			"maxConcurrent": c.MaxConcurrentWrites(access.Kind(q.Get("kind")), q.Get("id")),
		})
	})
	mux.HandleFunc("GET /_simulator/requests", c.getRequests)
	mux.HandleFunc("DELETE /_simulator/requests", func(w http.ResponseWriter, _ *http.Request) {
		c.ResetRequests()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /_simulator/edit", c.postEdit)
	mux.HandleFunc("PUT /_simulator/latency", c.putLatency)
	mux.HandleFunc("PUT /_simulator/token", c.putToken)
	mux.HandleFunc("PUT /_simulator/feed", c.putFeed)
}

// FaultStatus is an active fault in the control API.
type FaultStatus struct {
	ID    string `json:"id"`
	Fault Fault  `json:"fault"`
	Seen  int    `json:"seen"`  // requests that match it
	Fired int    `json:"fired"` // requests that it affected
}

func (c *Console) activeFaults() []FaultStatus {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	out := make([]FaultStatus, 0, len(c.faults.list))
	for _, f := range c.faults.list {
		out = append(out, FaultStatus{ID: f.id, Fault: f.fault, Seen: f.seen, Fired: f.fired})
	}
	return out
}

func (c *Console) postFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if !read(w, r, &f) {
		return
	}
	if err := f.Validate(); err != nil {
		refuse(w, err)
		return
	}
	reply(w, http.StatusCreated, map[string]string{"id": c.AddFault(f)})
}

func (c *Console) deleteFaults(w http.ResponseWriter, r *http.Request) {
	switch id := r.URL.Query().Get("id"); {
	case id == "":
		c.ClearFaults()
	case !c.RemoveFault(id):
		reply(w, http.StatusNotFound, map[string]string{"error": "no fault has the id " + id})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (c *Console) getRequests(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	out := []Request{}
	for _, e := range c.Requests() {
		if e.Number > after {
			out = append(out, e)
		}
	}
	reply(w, http.StatusOK, out)
}

func (c *Console) putLatency(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Latency duration `json:"latency"`
	}
	if read(w, r, &in) {
		c.SetLatency(time.Duration(in.Latency))
		w.WriteHeader(http.StatusNoContent)
	}
}

func (c *Console) putToken(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token string `json:"token"`
	}
	if read(w, r, &in) {
		c.SetToken(in.Token)
		w.WriteHeader(http.StatusNoContent)
	}
}

// read decodes a body strictly; it responds with 400 itself if that fails.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		refuse(w, err)
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, err error) {
	reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have disconnected
}
