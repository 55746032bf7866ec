/*
 * The stale wake-up of end_page_writeback(), for Spin. Written from the step
 * tables of model/README.md, and without a look at the Rust code.
 *
 *   -DSAME     scenario same-page; without it writeback-reuse, truncate=wait
 *   -DENDLESS  a writer that never stops, and a task that waits without the lock
 *   -DREF      073861ed77: end_page_writeback() holds a reference
 *   -DWHILE    c2407cf7d22d: wait_on_page_writeback() looks again
 *   -DBEFORE   negative control: PG_waiters is tested before the clear
 *
 * Expected. With nothing (v5.9) both cases reach BUG_ON(PageWriteback): the
 * walk does not look at the bit, and who is woken does not look again. With
 * -DREF (v5.10) the page of writeback-reuse is not freed before the walk, and
 * so has no next life in which it could be waited for. In same-page all hold
 * references anyway: nothing changes. With -DREF -DWHILE (v5.10.7) a wrong
 * wake-up still comes in same-page, and is slept over.
 *
 * The price, for -DENDLESS and `pan -a -f`: with -DWHILE the wait need not end,
 * even if every task that can run does so again and again; without it, it does.
 * -DBEFORE must lose a wake-up.
 *
 * Each assertion is named like the kind it stands for; pan goes on after one
 * (-c0), and so reports all that are reachable. An invalid end state is a lost
 * wake-up.
 *
 * Coarser than there: freeing and allocating are one step each; so is what
 * happens under the queue's lock, with the wake-up itself. The page lock has
 * waiters of its own, which set no PG_waiters. All waiters are SHARED, and a
 * walk wakes all of its page, so the queue needs no order. The i_pages lock is
 * gone: under it there is one step that matters. There are no marks, as only
 * B writes.
 */

#ifdef REF
#define take_ref(f) refs[f]++
#define drop_ref(f) put_page(f)
#else
#define take_ref(f) skip
#define drop_ref(f) skip
#endif

#ifdef WHILE
#define again skip
#else
#define again break
#endif

#ifdef ENDLESS		/* no number may grow for ever */
#define next(number) skip
#else
#define next(number) number++
#endif

#define P 0		/* a frame; there is one more */
#define NONE 2

bit writeback[2], waiters[2], is_free[2];	/* of each frame */
byte refs[2];
byte life[2];		/* ghost: how often it was freed */
byte round[2];		/* ghost: the number of its writeback */

byte queued[3] = NONE;	/* of each task: the frame it is queued for */
bit woken[3];		/* of each task: WQ_FLAG_WOKEN */
byte waits_for[3];	/* ghost: the writeback it is queued for */

bit locked;		/* PG_locked of P */
byte submitted = NONE;	/* the frame of the second bio */
bit oops;		/* a task has died: who waits now may wait for ever */

/* What is reachable; a fatal kind ends the task. */
bit bug_on_writeback, end_not_under_writeback;
bit foreign_read, foreign_write, stale_wakeup;

#define event(kind)	kind = 1; assert(!kind); kind = 0
#define fatal(kind)	event(kind); oops = 1; goto stop

inline put_page(f) {
	atomic {
		refs[f]--;
		if
		:: refs[f] == 0 ->
			waiters[f] = 0; writeback[f] = 0; is_free[f] = 1;
			life[f]++; round[f]++
		:: else
		fi
	}
}

inline set_page_writeback(f) {
	atomic { writeback[f] = 1; next(round[f]) }
}

inline wake_up_page_bit(f) {
	atomic {	/* q->lock */
		for (task : 0 .. 2) {
			if
			:: queued[task] == f ->
				if
				:: waits_for[task] != ended -> event(stale_wakeup)
				:: else
				fi;
				queued[task] = NONE; woken[task] = 1
			:: else
			fi
		};
		if
		:: life[f] != lived -> event(foreign_write)
		:: else
		fi;
		waiters[f] = 0; task = 0
	}
}

inline end_page_writeback(f) {
	take_ref(f);
#ifdef BEFORE
	saw = waiters[f];
#endif
	atomic {
		if
		:: !writeback[f] -> fatal(end_not_under_writeback)
		:: else
		fi;
		writeback[f] = 0; ended = round[f]; lived = life[f]
	};
	atomic {
		if
		:: life[f] != lived -> event(foreign_read)
		:: else
		fi;
#ifndef BEFORE
		saw = waiters[f]
#endif
	};
	if
	:: saw -> wake_up_page_bit(f)
	:: else
	fi;
	atomic { ended = 0; lived = 0; saw = 0 };
	drop_ref(f)
}

inline wait_on_page_writeback(f) {
	do
	:: !writeback[f] -> break
	:: else ->
		atomic {	/* q->lock */
			waiters[f] = 1;
			woken[me] = !writeback[f];
			if
			:: writeback[f] ->
				queued[me] = f; waits_for[me] = round[f]
			:: else
			fi
		};
		if
		:: woken[me]
		:: oops -> goto stop
		fi;
		again
	od
}

inline bug_on(f) {
	atomic {
		if
		:: writeback[f] -> fatal(bug_on_writeback)
		:: else
		fi
	}
}

#define LOCALS byte ended, lived, task; bit saw

#ifdef SAME

inline lock_page() {
	if
	:: atomic { !locked -> locked = 1 }
	:: oops -> goto stop
	fi
}

proctype CPU1() {
	LOCALS;
	end_page_writeback(P);
stop:	skip
}

proctype CPU2(byte me) {
	LOCALS;
	lock_page();
	wait_on_page_writeback(P);
	set_page_writeback(P);
	locked = 0;
	end_page_writeback(P);
stop:	skip
}

proctype CPU3(byte me) {	/* a sync, onto a RAM disk */
	LOCALS;
	lock_page();
	wait_on_page_writeback(P);
	bug_on(P);
	set_page_writeback(P);
	locked = 0;
	end_page_writeback(P);
stop:	skip
}

init {
	atomic {	/* a reference for each of them, and the page cache's */
		refs[P] = 4; writeback[P] = 1;
		run CPU1(); run CPU2(1); run CPU3(2)
	}
}

#elif defined(ENDLESS)

bit passed;
ltl ends { <> passed }

proctype Writer() {
	LOCALS;
	do
	:: set_page_writeback(P);
	   end_page_writeback(P)
	od;
stop:	skip
}

proctype Waiter(byte me) {
	wait_on_page_writeback(P);
	passed = 1;
stop:	skip
}

init {
	atomic { refs[P] = 3; run Writer(); run Waiter(1) }
}

#else

proctype A() {		/* the disk: completes one bio, and then the next */
	LOCALS;
	end_page_writeback(P);
	if
	:: submitted != NONE
	:: oops -> goto stop
	fi;
	end_page_writeback(submitted);
stop:	skip
}

proctype B(byte me) {	/* truncates, writes a new file, and syncs it */
	byte q;
	refs[P]++;
	wait_on_page_writeback(P);
	put_page(P);			/* out of the page cache */
	put_page(P);
	atomic {			/* the frame that was freed last */
		q = (is_free[P] -> P : 1);
		is_free[q] = 0;
		refs[q] = 2		/* B's, and the page cache's */
	};
	set_page_writeback(q);
	submitted = q;
	wait_on_page_writeback(q);
	bug_on(q);
stop:	skip
}

init {
	atomic {
		refs[P] = 1; writeback[P] = 1; is_free[1] = 1;
		run A(); run B(1)
	}
}

#endif
