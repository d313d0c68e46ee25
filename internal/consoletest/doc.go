// Package consoletest simulates one SentinelOne console: its REST API v2.1 over
// HTTP, with state that can be edited, published rate limits and faults. Any
// client that speaks to a real console can speak to it; it knows nothing about
// ours.
//
// In a test:
//
//	console := consoletest.Start(t, consoletest.Options{Seed: 1})
//	console.AddFault(consoletest.Fault{Name: consoletest.ServerError, Path: "/users", After: 1, Times: 1})
//	// … sync from console.URL with console.Token …
//	want := console.Truth() // what a right sync must end with
//	console.AddFault(consoletest.Fault{Name: consoletest.CutAfter, Method: http.MethodPut, Times: 1})
//	// … write …
//	done := console.Changes() // each write that was done, and each edit by hand, in order
//
// As a process: `console-simulator --listen 127.0.0.1:8080 --size tenant`.
//
// # What it promises
//
// The same Options give the same bytes, always. Every list carries all fields the
// vendor describes, among them a registrationToken on each site, so that a test
// can prove that it is dropped; the token of a service user that is made begins like
// them. What the vendor does not document is answered in the strictest way (an empty
// scopeRoles list draws 400) or as the Options say, and the comment at that place says
// that it is a choice of ours and not a fact.
//
// # Steering it from another process
//
// The control API needs no token. Durations are Go strings, "250ms".
//
//	GET    /_simulator/faults             faults in force: id, settings, seen, fired
//	POST   /_simulator/faults             {"name":"rateLimited","path":"/users","after":2,"times":1,"retryAfter":"2s"}
//	DELETE /_simulator/faults[?id=…]      one fault, or all of them
//	GET    /_simulator/truth              accounts, sites, roles, principals as they are now
//	GET    /_simulator/changes            what happened to principals, through the API and by hand
//	GET    /_simulator/writes?kind=&id=   {"maxConcurrent":1}: writes to one principal at once, at most
//	GET    /_simulator/requests[?after=N] requests so far, those with a number above N
//	DELETE /_simulator/requests           forget them
//	POST   /_simulator/edit               {"op":"addUser","principal":{"email":"ana@example.com","name":"Ana Roy"}}
//	PUT    /_simulator/latency            {"latency":"20ms"}
//	PUT    /_simulator/token              {"token":"…"}: the old one then draws 401
//
// Edits: addUser, addServiceUser {principal}; updateUser, updateServiceUser {id,
// principal: only the fields to change}; setUserRoles, setServiceUserRoles {id,
// level, held: all roles}; giveUserRole, giveServiceUserRole, takeUserRole,
// takeServiceUserRole {id, level, held: those to give or take}; removeUser,
// removeServiceUser {id}; removeUsers, removeServiceUsers {n}; addAccount {account};
// addSite {site}; removeSite {id}; addRole {role}; removeRole {id, targetId}. The
// answer is {"ids":[…]}.
package consoletest
