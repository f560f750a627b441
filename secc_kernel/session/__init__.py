"""The protocol state of SECC and EVCC, their timers, and the journal. No sockets, no wall clock.

Theory of operation
-------------------

Two **parties** talk: the SECC (`secc.SECC`) and the EVCC (`evcc.EVCC`; `secc_kernel.vehicle` makes a whole vehicle of
it). Both are a `party.Party`: a machine that takes bytes and the time, and gives bytes and events. It never reads a
clock or a socket, so the same code runs on the simulated link, where time jumps from one deadline to the next, and on a
real one. A link owns one party or both and does nothing but move things:

* it reports what arrives: `receive_datagram` (SDP), `connected`, `receive_data`, `disconnected`;
* it lets time pass: `advance`, at the latest at `next_deadline`;
* it carries out `outgoing`: datagrams, a connection to open, bytes, a close;
* it looks at `turn`, and at `events` if somebody wants to know what happened.

**Turns.** V2G is strict question and answer, so at any moment at most one side owes the next message. A party that owes
one says so in `turn` and then waits: the SECC names the request that it has to answer, the EVCC the request that it has
to send. Whoever decides (the link, or the script behind it) either calls `take_turn`, and the **autopilot** sends what
the standard asks for, or makes a message of its own and calls `send`. No message is sent by itself. This one mechanism
is all there is to "autopilot and hold".

**Sequence.** Which request may follow which response is data, one table a standard (`sequence`): ISO 15118-2 and DIN
SPEC 70121 are two tables. Both sides walk the one that the handshake agreed on, with the messages that really went over
the wire, not with those that should have: a script may have sent anything. What vehicles on the road are known to do
against their table, without harm, stands beside it: a station that is not strict lets it pass with a finding.

**Faults.** What the *peer* does wrong never raises: it is a finding in the journal, and the answer is the one that the
standard demands (a request out of sequence is answered with FAILED_SequenceError, [V2G2-538], [V2G-DC-666]). What *our*
caller does wrong, such as sending without a connection, raises `events.LocalProtocolError`. What a *script* does wrong
on purpose is sent, and the finding beside it says that it was the script's doing. An `Ended` event names the culprit.

**Times.** Two kinds (`timers`): a timeout ends the session when it expires; a performance time only makes a finding.
Each standard has its table; before the handshake, when they do not differ, that of ISO 15118-2 counts.

**Autopilot.** The SECC's answers come from tables of functions, one a request (`autopilot`), over a small model of
the charging station (`station`): limits, contactor, isolation test, voltage and current ramps as functions of time. The
EVCC's requests come from the vehicle.

**The record** is the journal (`journal`): frames, timers, state changes, findings, notes, in the order in which they
happened. The parties keep nothing that it could tell. When two parties share one (simulated link), one of them records
the frames.
"""
