package consoletest

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call is one request that is being processed.
type call struct {
	http  *http.Request
	req   Request
	fault FaultKind // the fault that affects it, for handlers whose rows depend on it
	stale lag       // how long reads do not show the write
	// caller is the id of the service user whose token it has, with Options.ServiceUserTokens; 0 for the owner of the
	// console's own token.
	caller int64
}

func (c *call) id() string { return c.http.PathValue("id") }

type handler func(*call) answer

// routes registers every path of the console.
func (c *Console) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for path := range collections {
		mux.Handle("GET "+BasePath+path, c.serve(c.listPage))
	}
	for pattern, h := range map[string]handler{
		"GET /accounts/{id}":                 c.getAccount,
		"GET /sites/{id}":                    c.getSite,
		"GET /users/{id}":                    c.getUser,
		"POST /users":                        c.postUser,
		"PUT /users/{id}":                    c.putUser,
		"DELETE /users/{id}":                 c.deleteUser,
		"POST /service-users":                c.postServiceUser,
		"DELETE /service-users/{id}":         c.deleteServiceUser,
		"PUT /service-users/{id}":            c.putServiceUser,
		"GET /user":                          c.getOwnUser,
		"GET /rbac/role/{id}":                c.getRole,
		"GET /system/info":                   c.systemInfo,
		"POST /users/api-token-details":      c.tokenDetails,
		"GET /users/viewer-auth-check":       func(*call) answer { return success },
		"GET /users/tenant-admin-auth-check": func(*call) answer { return success }, // the token is a global one
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+BasePath+path, c.serve(h))
	}
	if !c.opts.NoServiceUserByID {
		mux.Handle("GET "+BasePath+"/service-users/{id}", c.serve(c.getServiceUser))
	}
	if !c.opts.NoTokenGeneration {
		mux.Handle("POST "+BasePath+"/service-users/{id}/generate-api-token", c.serve(c.generateToken))
	}
	mux.Handle("GET "+BasePath+"/activities", c.serve(c.listActivities))
	mux.Handle("GET "+BasePath+"/activities/types", c.serve(c.listActivityTypes))
	mux.Handle("GET "+BasePath+"/system/status", c.open(func(*call) answer {
		return data(map[string]string{"health": "ok"})
	}))
	// How a console responds to an unknown path is not documented.
	mux.Handle("/", c.open(func(*call) answer { return nginx(http.StatusNotFound) }))
	c.control(mux)
	return mux
}

// serve wraps a handler that requires the token.
func (c *Console) serve(h handler) http.Handler {
	return c.open(func(call *call) answer {
		if !c.authorized(call) {
			return unauthorized()
		}
		return h(call)
	})
}

// authorized accepts one scheme; expired and wrong tokens draw the same response.
func (c *Console) authorized(call *call) bool {
	token, found := strings.CutPrefix(call.http.Header.Get("Authorization"), "ApiToken ")
	if !found {
		return false
	}
	call.caller, found = c.ownerOf(token)
	return found
}

// open processes every request: log, hook, faults, budget, handler, delay, response.
func (c *Console) open(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := &call{http: r, req: c.log.begin(r)}
		leave := c.writes.enter(call.req)
		defer leave()
		if hook := c.hook.Load(); hook != nil {
			(*hook)(call.req)
		}
		met := c.faults.meet(call.req)
		fault := met.fault
		call.fault, call.stale = fault.Name, met.stale
		a := c.work(call, fault, h)
		if !wait(r.Context(), time.Duration(c.latency.Load())+met.delay) {
			c.log.finish(call.req.Number, 0, fault.Name) // the client has disconnected
			return
		}
		leave() // before the response: its client may write again at once
		status := a.status
		if fault.Name == CutBefore || fault.Name == CutAfter {
			status = 0
		}
		c.log.finish(call.req.Number, status, fault.Name)
		send(w, a, fault.Name)
	})
}

// work calls the handler, unless a fault replaces its response. Faults of the server in front
// of the console come before the budget, the token and the handler.
func (c *Console) work(call *call, f Fault, h handler) answer {
	switch f.Name {
	case CutBefore:
		return answer{}
	case RateLimited:
		a := nginx(http.StatusTooManyRequests)
		if f.RetryAfter > 0 {
			a.header = map[string]string{"Retry-After": strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds())))}
		}
		return a
	case BadGateway:
		return nginx(http.StatusBadGateway)
	case ServerError:
		return serverError()
	case Unauthorized:
		return unauthorized()
	case Forbidden:
		return forbidden()
	case EmptyObject:
		return answer{status: http.StatusOK, body: []byte("{}")}
	case Conflict:
		return conflict("Conflict with another change")
	case NotFound:
		return notFound()
	case GzipBomb:
		return gzipBomb()
	case EndlessBody:
		return answer{status: http.StatusOK, stream: endlessBody}
	case Slow, CutAfter, Truncated, EmptyPage, Vanish, ErrorAfter, Stale, LongRow, ExtraRows:
	}
	if c.opts.EnforceRates && !c.rates.allow(call.req.Path) {
		return nginx(http.StatusTooManyRequests)
	}
	a := h(call)
	if f.Name == ErrorAfter {
		return serverError()
	}
	return a
}

// wait reports whether the time passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// send writes the response, or cuts the connection if the fault says so.
func send(w http.ResponseWriter, a answer, fault FaultKind) {
	if fault == CutBefore {
		cutConnection()
	}
	body := a.body
	if fault == Truncated {
		body = body[:len(body)/2]
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	if a.html {
		header.Set("Content-Type", "text/html")
	}
	for name, value := range a.header {
		header.Set(name, value)
	}
	if a.stream != nil {
		w.WriteHeader(a.status)
		_ = a.stream(w) // the client has disconnected
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	if fault == CutAfter {
		body = body[:len(body)/2]
	}
	_, err := w.Write(body)
	if fault == CutAfter {
		_ = http.NewResponseController(w).Flush()
		cutConnection()
	}
	if err != nil {
		return // the client has disconnected
	}
}

// cutConnection ends the handler and closes its connection, without writing the rest.
func cutConnection() {
	panic(http.ErrAbortHandler) //nolint:forbidigo // the way that net/http documents
}
