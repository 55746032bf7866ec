/*
 * The stale wake-up of end_page_writeback(), for GenMC: C11 atomics with the
 * orderings of the kernel, and a mutex for q->lock. Written from the step
 * tables of model/README.md.
 *
 *   -DSAME     scenario same-page; without it writeback-reuse, truncate=wait
 *   -DREF      073861ed77: end_page_writeback() holds a reference
 *   -DWHILE    c2407cf7d22d: wait_on_page_writeback() looks again
 *   -DRELAXED  WQ_FLAG_WOKEN is published by a relaxed store
 *   -DSKIP     who has seen WOKEN skips finish_wait(), as stalewake does
 *
 * Expected: an assertion fails with nothing (v5.9) in both cases, with -DREF
 * (v5.10) in same-page only, with -DREF -DWHILE (v5.10.7) in none. -DRELAXED
 * changes that only together with -DSKIP: finish_wait() orders what comes
 * after it. stale.pml has the reasons, and what is coarser than in the tables.
 *
 * GenMC looks for no lost wake-ups here: who is not woken is an execution that
 * is left unfinished, and not an error.
 */

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <genmc.h>

#define WRITEBACK 1
#define WAITERS 2

#define P 0		/* a frame; there is one more, and both share a bucket */
#define NONE (-1)

#ifdef RELAXED
#define PUBLISH memory_order_relaxed
#define LOOK memory_order_relaxed
#else
#define PUBLISH memory_order_release
#define LOOK memory_order_acquire
#endif

struct wait {
	int frame;		/* under q_lock: for which it is on the list */
	atomic_int woken;
	atomic_int on_list;
};

static atomic_int flags[2], refs[2], is_free[2];
static pthread_mutex_t q_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t page_lock = PTHREAD_MUTEX_INITIALIZER;
static struct wait waits[2] = { { NONE }, { NONE } };
static atomic_int submitted = NONE;

static void put_page(int f)
{
	if (atomic_fetch_sub(&refs[f], 1) == 1) {
		atomic_store_explicit(&flags[f], 0, memory_order_relaxed);
		atomic_store_explicit(&is_free[f], 1, memory_order_release);
	}
}

static void wake_up_page_bit(int f)
{
	pthread_mutex_lock(&q_lock);
	for (int i = 0; i < 2; i++) {
		struct wait *w = &waits[i];
		if (w->frame != f)
			continue;
		w->frame = NONE;
		atomic_store_explicit(&w->woken, 1, PUBLISH);
		atomic_store_explicit(&w->on_list, 0, memory_order_release);
	}
	atomic_fetch_and_explicit(&flags[f], ~WAITERS, memory_order_relaxed);
	pthread_mutex_unlock(&q_lock);
}

static void end_page_writeback(int f)
{
#ifdef REF
	atomic_fetch_add_explicit(&refs[f], 1, memory_order_relaxed);
#endif
	int old = atomic_fetch_and(&flags[f], ~WRITEBACK);
	assert(old & WRITEBACK);	/* end-not-under-writeback */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&flags[f], memory_order_relaxed) & WAITERS)
		wake_up_page_bit(f);
#ifdef REF
	put_page(f);
#endif
}

static bool is_under_writeback(int f)
{
	return atomic_load_explicit(&flags[f], memory_order_relaxed) & WRITEBACK;
}

static void wait_on_page_writeback_once(int f, struct wait *w)
{
	pthread_mutex_lock(&q_lock);
	atomic_store_explicit(&w->woken, 0, memory_order_relaxed);
	atomic_fetch_or_explicit(&flags[f], WAITERS, memory_order_relaxed);
	bool set = is_under_writeback(f);
	if (set) {
		w->frame = f;
		atomic_store_explicit(&w->on_list, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&q_lock);
	if (!set)
		return;
	atomic_thread_fence(memory_order_seq_cst);	/* set_current_state */
	__VERIFIER_assume(atomic_load_explicit(&w->woken, LOOK));
#ifndef SKIP
	if (atomic_load_explicit(&w->on_list, memory_order_acquire)) {
		pthread_mutex_lock(&q_lock);
		pthread_mutex_unlock(&q_lock);
	}
#endif
}

static void wait_on_page_writeback(int f, struct wait *w)
{
#ifdef WHILE
	/* At most three writebacks are there to be waited for. */
	for (int i = 0; i < 3 && is_under_writeback(f); i++)
		wait_on_page_writeback_once(f, w);
#else
	if (is_under_writeback(f))
		wait_on_page_writeback_once(f, w);
#endif
}

static void bug_on_writeback(int f)
{
	assert(!is_under_writeback(f));
}

static void set_page_writeback(int f)
{
	atomic_fetch_or(&flags[f], WRITEBACK);
}

#ifdef SAME

static void *first(void *unused)
{
	end_page_writeback(P);
	return NULL;
}

static void *second(void *unused)
{
	pthread_mutex_lock(&page_lock);
	wait_on_page_writeback(P, &waits[0]);
	set_page_writeback(P);
	pthread_mutex_unlock(&page_lock);
	end_page_writeback(P);
	return NULL;
}

static void *third(void *unused)	/* a sync, onto a RAM disk */
{
	pthread_mutex_lock(&page_lock);
	wait_on_page_writeback(P, &waits[1]);
	bug_on_writeback(P);
	set_page_writeback(P);
	pthread_mutex_unlock(&page_lock);
	end_page_writeback(P);
	return NULL;
}

#else

static void *first(void *unused)	/* the disk: one bio, and then the next */
{
	end_page_writeback(P);
	int f = atomic_load_explicit(&submitted, memory_order_acquire);
	__VERIFIER_assume(f != NONE);
	end_page_writeback(f);
	return NULL;
}

static void *second(void *unused)	/* truncates, writes anew, and syncs */
{
	atomic_fetch_add_explicit(&refs[P], 1, memory_order_relaxed);
	wait_on_page_writeback(P, &waits[0]);
	put_page(P);			/* out of the page cache */
	put_page(P);
	int q = atomic_load_explicit(&is_free[P], memory_order_acquire) ? P : 1;
	atomic_store_explicit(&refs[q], 2, memory_order_relaxed);
	set_page_writeback(q);
	atomic_store_explicit(&submitted, q, memory_order_release);
	wait_on_page_writeback(q, &waits[0]);
	bug_on_writeback(q);
	return NULL;
}

#endif

int main(void)
{
	pthread_t threads[3];

	atomic_init(&flags[P], WRITEBACK);
#ifdef SAME
	atomic_init(&refs[P], 4);
#else
	atomic_init(&refs[P], 1);
	atomic_init(&is_free[1], 1);
#endif
	pthread_create(&threads[0], NULL, first, NULL);
	pthread_create(&threads[1], NULL, second, NULL);
#ifdef SAME
	pthread_create(&threads[2], NULL, third, NULL);
#endif
	return 0;
}
