"""The protocol state of SECC and EVCC, their timers, and the journal. No sockets, no wall clock."""
