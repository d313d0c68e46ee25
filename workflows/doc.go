// Package workflows holds orchestration only: what happens in which order, and whose
// approval it needs. It is deterministic: what steers a branch comes from the input, a
// message or an activity's result, never from configuration, a clock, a global or a random
// number. Only package activities does I/O.
//
// Requests (Grant, Revoke, ProvisionUser, ProvisionServiceUser, Offboard) share one state
// machine: request_table.go is its table, request_machine.go drives it, and the other
// request_*.go files are the work of its states.
//
//	type                  workflow id          messages                        lives               versioning
//	Sync                  sync/<console>       query status, updates confirm,  minutes;            pinned
//	                                           discard (while quarantined)     quarantined: 7 days
//	Grant                 grant/<request>      query status, updates approve,  seconds; if time-   auto-upgrade
//	                                           deny, cancel, extend, end       bound: its duration
//	Revoke                revoke/<request>     query status, updates approve,  seconds             auto-upgrade
//	                                           deny
//	Delegate              delegate/<id>        query status                    seconds             pinned
//	Principal             principal/<console>  query status, update change     while it is leased  pinned
//	                      /<kind>/<id>         (internal)                      or changed
//	ProvisionUser,        provision/<request>  query status, updates approve,  seconds             auto-upgrade
//	ProvisionServiceUser                       deny, cancel
//	Offboard              offboard/<request>   query status, updates approve,  seconds             auto-upgrade
//	                                           deny
//	Notify                notify/<event>       none                            seconds; a day if a pinned
//	                                                                           receiver is down
//
// "Seconds" holds while the console answers and no approval is needed: for both the
// workflows wait. Versioning is declared only: the worker does not switch worker versioning
// on yet.
package workflows
