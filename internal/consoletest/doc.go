// Package consoletest simulates one SentinelOne console: its REST API v2.1 over HTTP, with
// state that can be edited, the published rate limits, and faults. Any client of a real console
// can use it; it does not depend on our client.
//
// In a test:
//
//	console := consoletest.Start(t, consoletest.Options{Seed: 1})
//	console.AddFault(consoletest.Fault{Name: consoletest.ServerError, Path: "/users", After: 1, Times: 1})
//	// … sync from console.URL with console.Token …
//	want := console.Truth() // the expected result of a sync
//	console.AddFault(consoletest.Fault{Name: consoletest.CutAfter, Method: http.MethodPut, Times: 1})
//	// … write …
//	done := console.Changes() // every applied write and every manual edit, in order
//
// As a process: `console-simulator --listen 127.0.0.1:8080 --size tenant`.
//
// # Guarantees
//
// The same Options always give the same bytes. Every list has all fields that the vendor
// describes, including a registrationToken on each site, so that a test can check that it is
// dropped; the tokens of new service users begin with the same mark. Where the vendor documents
// no behaviour, the simulator is as strict as possible (an empty scopeRoles list draws 400) or
// follows the Options, and a comment marks this as our choice, not a fact.
//
// # Control from another process
//
// The control API needs no token. Durations are Go strings, "250ms".
//
//	GET    /_simulator/faults             active faults: id, settings, seen, fired
//	POST   /_simulator/faults             {"name":"rateLimited","path":"/users","after":2,"times":1,"retryAfter":"2s"}
//	DELETE /_simulator/faults[?id=…]      one fault, or all of them
//	GET    /_simulator/truth              current accounts, sites, roles, principals
//	GET    /_simulator/changes            changes of principals, through the API and by hand
//	GET    /_simulator/writes?kind=&id=   {"maxConcurrent":1}: most concurrent writes to one principal
//	GET    /_simulator/requests[?after=N] requests so far, those with a number above N
//	DELETE /_simulator/requests           clear the log of requests
//	POST   /_simulator/edit               {"op":"addUser","principal":{"email":"ana@example.com","name":"Ana Roy"}}
//	PUT    /_simulator/latency            {"latency":"20ms"}
//	PUT    /_simulator/feed               {"loseEvery":5}: oddities of the activity feed, see Feed
//	PUT    /_simulator/token              {"token":"…"}: from then on the old token draws 401
//
// Edits: addUser, addServiceUser {principal}; updateUser, updateServiceUser {id,
// principal: only the fields to change}; setUserRoles, setServiceUserRoles {id,
// level, held: all roles}; giveUserRole, giveServiceUserRole, takeUserRole,
// takeServiceUserRole {id, level, held: the roles to give or take}; removeUser,
// removeServiceUser {id}; removeUsers, removeServiceUsers {n}; addAccount {account};
// addSite {site}; removeSite {id}; addRole {role}; removeRole {id, targetId}. The
// answer is {"ids":[…]}.
package consoletest
