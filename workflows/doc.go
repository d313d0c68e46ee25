// Package workflows holds orchestration only: what happens, in which order, and
// who is asked. It is deterministic. Whatever steers a branch comes from the
// input, a message, or an activity's result, never from configuration, a clock,
// a global or chance; the world is touched by package activities alone.
//
//	type                  workflow id          messages                        lives               versioning
//	Sync                  sync/<console>       query status, updates confirm,  minutes;            pinned
//	                                           discard (while quarantined)     quarantined: 7 days
//	Grant                 grant/<request>      query status, updates approve,  seconds; for a      auto-upgrade
//	                                           deny, cancel, extend, end       time: its duration
//	Revoke                revoke/<request>     query status, updates approve,  seconds             auto-upgrade
//	                                           deny
//	Delegate              delegate/<id>        query status                    seconds             pinned
//	Principal             principal/<console>  query status, update change     while it is leased  pinned
//	                      /<kind>/<id>         (internal)                      or changed
//	ProvisionUser,        provision/<request>  query status, updates approve,  seconds             auto-upgrade
//	ProvisionServiceUser                       deny, cancel
//	Offboard              offboard/<request>   query status                    seconds             auto-upgrade
//	Notify                notify/<event>       none                            seconds; a day if   pinned
//	                                                                           nobody takes it
//
// "Seconds" is as long as the console answers, and the people who are asked: while they
// do not, the workflows wait.
package workflows
