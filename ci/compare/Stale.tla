------------------------------- MODULE Stale -------------------------------
(* The stale wake-up of end_page_writeback(), for TLC. Written from the step  *)
(* tables of model/README.md. A task is a sequence of steps, each of which    *)
(* takes effect at once.                                                      *)
(*                                                                            *)
(* Expected: with neither fix (v5.9) NoFatal fails in both cases, with Ref    *)
(* (v5.10) it holds in writeback-reuse and fails in same-page, with Ref and   *)
(* While (v5.10.7) it holds in both. stale.pml has the reasons, and what is   *)
(* coarser than in the tables; it is the same here. No state may be left in   *)
(* which nothing can go on: that would be a lost wake-up.                     *)
EXTENDS Naturals, Sequences

CONSTANTS Same,   \* scenario same-page, or else writeback-reuse, truncate=wait
          Ref,    \* 073861ed77: end_page_writeback holds a reference
          While   \* c2407cf7d22d: wait_on_page_writeback looks again

VARIABLE s

P == 1
Frames == {P, 2}
None == 0

EndWriteback == <<"ref", "clear", "test", "wake", "unref">>
Wait == <<"look", "queue", "sleep">>

Program ==
  IF Same
  THEN [CPU1 |-> EndWriteback,
        CPU2 |-> <<"lock">> \o Wait \o <<"set", "unlock">> \o EndWriteback,
        CPU3 |-> <<"lock">> \o Wait \o <<"BUG_ON", "set", "unlock">>
                 \o EndWriteback]
  ELSE [A |-> EndWriteback \o <<"next bio">> \o EndWriteback,
        B |-> <<"get">> \o Wait \o <<"put", "put", "alloc", "set", "submit">>
              \o Wait \o <<"BUG_ON">>]

Tasks == DOMAIN Program

Init ==
  s = [pc        |-> [t \in Tasks |-> 1],
       frame     |-> [t \in Tasks |-> P],           \* that the task is at
       saw       |-> [t \in Tasks |-> FALSE],       \* what it read of PG_waiters
       woken     |-> [t \in Tasks |-> FALSE],       \* WQ_FLAG_WOKEN
       queued    |-> [t \in Tasks |-> None],        \* for which frame
       writeback |-> [f \in Frames |-> f = P],
       waiters   |-> [f \in Frames |-> FALSE],
       refs      |-> [f \in Frames |-> IF f # P THEN 0 ELSE IF Same THEN 4 ELSE 1],
       free      |-> Frames \ {P},
       locked    |-> FALSE,
       submitted |-> None,
       fatal     |-> {}]

Op(t) == Program[t][s.pc[t]]

Finished(t) == s.pc[t] > Len(Program[t])

Goto(next, t, pc) == [next EXCEPT !.pc[t] = pc]

Dies(t, kind) == Goto([s EXCEPT !.fatal = @ \cup {kind}], t, Len(Program[t]) + 1)

\* The last reference frees the page.
Put(f) ==
  IF s.refs[f] > 1
  THEN [s EXCEPT !.refs[f] = @ - 1]
  ELSE [s EXCEPT !.refs[f] = 0, !.waiters[f] = FALSE, !.writeback[f] = FALSE,
                 !.free = @ \cup {f}]

CanGo(t) ==
  CASE Op(t) = "lock"     -> ~s.locked
    [] Op(t) = "sleep"    -> s.woken[t]
    [] Op(t) = "next bio" -> s.submitted # None
    [] OTHER              -> TRUE

Effect(t) ==
  LET f  == s.frame[t]
      pc == s.pc[t]
      Then(next) == Goto(next, t, pc + 1)
      next_frame == IF P \in s.free THEN P ELSE 2
  IN
  CASE Op(t) = "ref"    -> Then(IF Ref THEN [s EXCEPT !.refs[f] = @ + 1] ELSE s)
    [] Op(t) = "clear"  -> IF s.writeback[f]
                           THEN Then([s EXCEPT !.writeback[f] = FALSE])
                           ELSE Dies(t, "end-not-under-writeback")
    [] Op(t) = "test"   -> Then([s EXCEPT !.saw[t] = s.waiters[f]])
    [] Op(t) = "wake"   -> Then(IF ~s.saw[t] THEN s ELSE
                             [s EXCEPT !.waiters[f] = FALSE,
                                !.woken = [u \in Tasks |-> @[u] \/ s.queued[u] = f],
                                !.queued = [u \in Tasks |->
                                              IF @[u] = f THEN None ELSE @[u]]])
    [] Op(t) = "unref"  -> Then(IF Ref THEN Put(f) ELSE s)
    [] Op(t) = "get"    -> Then([s EXCEPT !.refs[f] = @ + 1])
    [] Op(t) = "put"    -> Then(Put(f))
    [] Op(t) = "alloc"  -> Then([s EXCEPT !.frame[t] = next_frame,
                                   !.refs[next_frame] = 2,
                                   !.free = @ \ {next_frame}])
    [] Op(t) = "set"    -> Then([s EXCEPT !.writeback[f] = TRUE])
    [] Op(t) = "submit" -> Then([s EXCEPT !.submitted = f])
    [] Op(t) = "next bio" -> Then([s EXCEPT !.frame[t] = s.submitted])
    [] Op(t) = "look"   -> IF s.writeback[f] THEN Then(s) ELSE Goto(s, t, pc + 3)
    [] Op(t) = "queue"  -> Then([s EXCEPT !.waiters[f] = TRUE,
                                   !.woken[t] = ~s.writeback[f],
                                   !.queued[t] = IF s.writeback[f] THEN f ELSE None])
    [] Op(t) = "sleep"  -> IF While THEN Goto(s, t, pc - 2) ELSE Then(s)
    [] Op(t) = "lock"   -> Then([s EXCEPT !.locked = TRUE])
    [] Op(t) = "unlock" -> Then([s EXCEPT !.locked = FALSE])
    [] Op(t) = "BUG_ON" -> IF s.writeback[f] THEN Dies(t, "bug-on-writeback")
                                             ELSE Then(s)

Next ==
  \/ \E t \in Tasks : ~Finished(t) /\ CanGo(t) /\ s' = Effect(t)
  \/ \A t \in Tasks : Finished(t) /\ UNCHANGED s

Spec == Init /\ [][Next]_s

NoFatal == s.fatal = {}
=============================================================================
