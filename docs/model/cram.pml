// SPDX-License-Identifier: GPL-2.0-only
/*
 * cram.pml: the protocol of compressed RAM, for Spin.
 *
 * A device can store TOTAL units and shows PAGES pages, of which each may need WORST.  One process
 * plays whoever works on a page, so that all pages are worked on at once, in any order.  One takes
 * readings, one takes the device away.  The device takes what lies in caches when it likes, looks at
 * itself at any moment of a reading, fails readings and trims, and sends capacity events; memory fails,
 * and somebody settles twice.  docs/model/check searches all orders for one that breaks a promise:
 *
 *	overfilled	the device is asked to store more than it can
 *	no_token	a page is taken or stored to, and nothing stands for it
 *	data_lost	a page that is in use was trimmed
 *	after_event	a page is admitted after a capacity event, before a reading that began later was good
 *	too_many	more than a batch is in flight
 *	bad_page	a page that failed is handed out
 *	when_broken	a page is admitted to a device that is broken
 *	after_close	a page is taken, or the device stores, after it was given back
 *
 * Each rule of the protocol is an #ifdef WITHOUT_x here.  docs/model/check removes one after the other,
 * and expects the promise to break that docs/model/rules names beside it.
 *
 * The steps have the names that mm/cram/tests/cram_kunit.c and mm/cram/ledger.c give them.
 */

#ifndef PAGES
#define PAGES		2
#endif
#ifndef TOTAL
#define TOTAL		3
#endif
#ifndef WORST
#define WORST		2
#endif
#ifndef BATCH
#define BATCH		1
#endif
/* How often each of these may happen. */
#ifndef EVENTS
#define EVENTS		1
#endif
#ifndef FAULTS
#define FAULTS		1
#endif
/* Is the device taken away, or tried to? */
#ifndef REMOVALS
#define REMOVALS	1
#endif

mtype = { overfilled, no_token, data_lost, after_event, too_many, bad_page, when_broken, after_close };

inline promise(cond, which)
{
	if
	:: cond
	:: else -> printf("BROKEN %e\n", which); assert(false)
	fi
}

/* The pages. */
byte size[PAGES];	/* what it takes on the device */
bool cached[PAGES];	/* stores to it lie in a cache */
bool token[PAGES];	/* a reservation, or a grant, stands for it */
bool in_use[PAGES];	/* somebody's data is in it, and may be stored to or not */
bool asked[PAGES];	/* the device is to trim it */
bool bad[PAGES];	/* memory failure hit it */
byte stored;		/* the sum of size */

/* The ledger: each step of it is one section of its lock. */
byte pending;		/* pages reserved or writable: their stores may be under way */
byte placing;		/* of these, placements */
byte late;		/* of these, stored by a batch, and the ledger has not heard of it */
byte settled;
byte covering;
byte room;		/* of the last good reading */
bool valid;
bool reading;
byte shown;		/* use as the device saw it since the reading began */

/* Capacity events are numbered. */
byte event;		/* the last one */
byte began;		/* the last one when the last good reading began */
byte begins;		/* the same, for the reading under way */
bool flag;		/* what there was instead of numbers */
bool fresh = true;	/* what after_event means, noted by the device */
bool fresh_soon;

/* The device. */
mtype = { SILENT, OK, BROKEN, GONE };
mtype state = SILENT;
bool closing;
bool is_broken;		/* what when_broken means */
byte inside;		/* users between the check that admits and the end of a placement */
byte used_pages;	/* not in the page allocator */
byte faults;

byte s;
byte k;

#define credit_for(nr)	(valid && room >= WORST * (pending + covering + settled + nr))

#ifdef WITHOUT_NUMBERS
#define no_event	(!flag)
#else
#define no_event	(began == event)
#endif

#ifdef WITHOUT_BATCH
#define batch_has_room	true
#else
#define batch_has_room	(placing < BATCH)
#endif

#ifdef WITHOUT_CREDIT
#define admits		(state == OK && !closing && no_event)
#else
#define admits		(state == OK && !closing && no_event && credit_for(1))
#endif

/* Any size that the data may have on the device. */
inline any_size()
{
	if
	:: s = 0
	:: s = 1
	:: s = WORST
	fi
}

/* What lies in a cache is with the device. */
inline arrive(i)
{
	any_size();
	cached[i] = false;
	stored = stored - size[i] + s;
	size[i] = s;
	s = 0;
	promise(stored <= TOTAL, overfilled);
	promise(state != GONE, after_close)
}

inline write_back(i)
{
	if
	:: cached[i] -> printf("write_back %d\n", i); arrive(i)
	:: else
	fi
}

inline store(i)
{
	printf("store %d\n", i);
	promise(token[i], no_token);
	cached[i] = true
}

inline reserve(i)
{
	printf("reserve %d\n", i);
	promise(fresh, after_event);
	promise(!is_broken, when_broken);
	pending++;
	token[i] = true
}

/* Of a page that nothing stands for: the books do not balance. */
inline settle(i)
{
	printf("settle %d\n", i);
	if
#ifndef WITHOUT_BALANCE
	:: !token[i] -> state = BROKEN; is_broken = true
	:: token[i] ->
#else
	:: true ->
#endif
		token[i] = false;
		settled++;
		if
		:: pending > 0 -> pending--
		:: else
		fi
	fi
}

/* As settle, without a word to the ledger, which counts the page as reserved until it hears of it. */
inline store_late(i)
{
	printf("store_late %d\n", i);
	token[i] = false;
	late++
}

inline settle_stored()
{
	settled = settled + late;
	pending = pending - late;
	placing = placing - late;
	late = 0
}

inline cancel(i)
{
	printf("cancel %d\n", i);
	pending--;
	token[i] = false
}

proctype page(byte i)
{
free:
	if
	:: atomic { !closing && state != GONE -> inside++ }
	:: state == GONE -> goto end
	fi;
	if
	:: atomic {
		admits && batch_has_room ->
		reserve(i);
		placing++;
		promise(placing <= BATCH, too_many)
	   }
	:: atomic { inside--; goto free }
#ifdef WITHOUT_TOKEN
	:: skip		/* a mover inside the device that takes any free page */
#endif
	fi;
	atomic {
		printf("take %d\n", i);
		promise(!bad[i], bad_page);
		promise(state != GONE, after_close);
		promise(!in_use[i], data_lost);
		used_pages++
	}
	if
	:: atomic {
		token[i] ->
		cancel(i);
		placing--;
		used_pages--;
		inside--;
		goto free
	   }
	:: atomic { store(i); in_use[i] = true }
	fi;
#ifdef WITHOUT_CANCEL_UNSTORED
	if
	:: atomic { cancel(i); placing--; inside--; goto freed }
	:: skip
	fi;
#endif
#ifndef WITHOUT_WRITE_BACK
	atomic { write_back(i) }
#endif
	if
	:: atomic { settle(i); placing--; inside-- }
	:: atomic { token[i] -> store_late(i); inside-- }
	fi;

resident:
	if
	:: atomic { admits -> printf("grant %d\n", i); reserve(i) }
#ifdef WITHOUT_GRANT_PAID
	:: skip
#endif
	:: goto freed
	fi;
writable:
	if
	:: atomic { store(i); goto writable }
	:: skip		/* aged */
	:: goto freed
	fi;
	/* From here on a store faults, and asks again. */
	atomic { printf("protect %d\n", i); write_back(i) }
#ifdef WITHOUT_PROTECT_FIRST
	if
	:: atomic { store(i) }
	:: skip
	fi;
#endif
	atomic { settle(i); goto resident }

freed:
	atomic { printf("free %d\n", i); in_use[i] = false }
#ifndef WITHOUT_WRITE_BACK_FREED
	atomic { write_back(i) }
#endif
	if
	:: atomic { token[i] -> settle(i) }
	:: else
	fi;
again:
	atomic { printf("trim %d\n", i); asked[i] = true }
#ifndef WITHOUT_TRIM_FIRST
	!asked[i];
	if
	:: size[i] -> goto again	/* the device did not */
	:: else
	fi;
#endif
#ifndef WITHOUT_BAD_STAYS
	if
	:: bad[i] -> used_pages--; goto end
	:: else
	fi;
#endif
	atomic { used_pages--; goto free }
end:
	skip
}

/* One reading at a time. */
proctype reader()
{
	do
	:: state == GONE -> break
	:: atomic {
		state != GONE ->
		printf("read_begin %d\n", event);
		reading = true;
#ifndef WITHOUT_HEAR_FIRST
		settle_stored();
#endif
		covering = covering + settled;
		settled = 0;
		begins = event;
		flag = false;
		shown = stored;
		fresh_soon = true
	   }
	   if
	   :: atomic {
		printf("read_end %d\n", TOTAL - shown);
		reading = false;
		covering = 0;
#ifdef WITHOUT_HEAR_FIRST
		settle_stored();
		settled = 0;
#endif
#ifdef WITHOUT_COVERS_BEFORE
		settled = 0;
#endif
		room = TOTAL - shown;
		valid = true;
		began = begins;
		if
		:: fresh_soon -> fresh = true
		:: else
		fi;
		if
		:: state == SILENT -> state = OK
		:: else
		fi
	      }
	   :: atomic {
		printf("read_failed %d\n", 0);
		reading = false;
#ifdef WITHOUT_SILENCE
		covering = 0
#else
		if
		:: state == OK -> state = SILENT
		:: else
		fi
#endif
	      }
	   fi;
	   atomic { shown = 0; begins = 0; fresh_soon = false }
	od
}

/* Whoever takes it away: all pages leave, or it stays as it was. */
proctype unregister()
{
	mtype was;

	do
	:: state == GONE -> break
	:: atomic { state != GONE -> printf("close %d\n", 0); closing = true; was = state }
#ifndef WITHOUT_WAIT
	   if
	   :: inside == 0
	   :: goto refused	/* who waits is killed */
	   fi;
#endif
	   if
	   :: atomic { used_pages == 0 && !reading -> printf("gone %d\n", 0); state = GONE; break }
	   :: skip
	   fi;
refused:
	   atomic {
		printf("refused %d\n", 0);
		closing = false
#ifdef WITHOUT_PUT_BACK
		; state = SILENT
#endif
	   }
	od
}

/* One of the pages. */
inline pick()
{
	k = 0;
	do
	:: k < PAGES - 1 -> k++
	:: break
	od
}

proctype hardware()
{
	do
	:: atomic {
		pick();
		if
		:: cached[k] -> printf("arrive %d\n", k); arrive(k)
		:: else
		fi;
		k = 0
	   }
	:: atomic {
		pick();
		if
		:: asked[k] ->
			printf("trimmed %d\n", k);
			promise(!in_use[k], data_lost);
			stored = stored - size[k];
			size[k] = 0;
			asked[k] = false
		:: asked[k] -> printf("not_trimmed %d\n", k); asked[k] = false
		:: else
		fi;
		k = 0
	   }
	:: atomic { reading && shown != stored -> shown = stored }
	/* A batch ends, or more than one is in flight. */
	:: atomic { late -> printf("batch %d\n", late); settle_stored() }
	:: atomic {
		event < EVENTS && state != GONE ->
		event++;
		printf("event %d\n", event);
		flag = true;
		fresh = false;
		fresh_soon = false
	   }
	:: atomic {
		faults < FAULTS ->
		faults++;
		pick();
		if
		/* A free page leaves the page allocator at once. */
		:: in_use[k] || asked[k] -> printf("fails %d\n", k); bad[k] = true
		:: !token[k] -> settle(k)
		:: else
		fi;
		k = 0
	   }
	:: state == GONE -> break
	od
}

init
{
	byte i;

	atomic {
		/* What earlier users left lies in caches, and on the device. */
#ifdef WITHOUT_CLEAN_START
		do
		:: i < PAGES -> cached[i] = true; i++
		:: else -> break
		od;
		i = 0;
#endif
		do
		:: i < PAGES -> run page(i); i++
		:: else -> break
		od;
		i = 0;
		run reader();
#if REMOVALS
		run unregister();
#endif
		run hardware()
	}
}
