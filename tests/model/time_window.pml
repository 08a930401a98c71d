/*
 * The time window: why cumulative counters, snapshots and a base survive stalls, kills and store buffers.
 *
 * Mirrors src/engine/time_window.c and the words epoch, snapshots[] and base of src/panel/layout.h:
 *   caller    swgi_breaker_record: rotate if {generation, tick} moved (swgi_time_enter, install_snapshots,
 *             install_base), count, and if the call failed judge (swgi_time_judge, read_window)
 *   mover     any transition: generation + 1
 *   ticker    time; a caller reads it once per call, so its `now` may be arbitrarily stale
 *   drain     x86-TSO: a caller's success is a plain store to its own column and sits in its store buffer,
 *             seen by itself alone, until drain or its own next CAS empties it. All of a caller's plain
 *             stores go to one counter, so the FIFO is a number (here at most one).
 *
 * One counter is followed instead of three (calls): the sum of the columns and the shared failures. Nothing
 * is released on death, so a process killed anywhere is one never scheduled again; its buffer still drains.
 *
 * Promises: a judge's window lies between the calls of this generation and these ticks visible when it began
 * and all calls that became visible since the generation's and the edge's start when it ended; whoever has to
 * try again does so because somebody else got something done, or does that work himself; epoch never runs
 * ahead of the clock; no failure is lost.
 *
 * A snapshot newer than the judge's epoch means that somebody with a later `now` is between installing and
 * moving the epoch, or died there. Only re-reading the epoch then loops for ever (NO_HELP), and to take the base
 * for the edge that is gone counts calls from before the window (NO_EDGE_MEANS_BASE): the judge takes the
 * snapshot's tick for its own and finishes the move.
 *
 * A failed CAS is not proof that somebody did the same thing: a stalled installer may have written an older tick
 * (INSTALL_ONCE) or an older generation (BASE_ONCE). Look again until the word is as new as wanted.
 *
 * Not modelled: a `now` ahead of the clock, the cure by a new tick_base, `kept`, the cached last sum.
 */
#ifndef CALLERS
#define CALLERS 2
#endif
#ifndef FAILING
#define FAILING 1 /* of them fail and judge; the others succeed */
#endif
#ifndef CALLS
#define CALLS 2 /* each */
#endif
#ifndef TICKS
#define TICKS 2
#endif
#ifndef MOVES
#define MOVES 1
#endif
#ifndef RING
#define RING 2 /* snapshots */
#endif
#define SLICES (RING - 1) /* of the window: as long as the ring permits */

#define TAGS (16 / RING * RING) /* the ring divides it, or slots collide at the wrap */
#define FIRST_TICK (TAGS - 2) /* so that tags wrap */
#define TICK(now) (((now) + FIRST_TICK) % TAGS)
#define AGE(a, b) (((b) + TAGS - (a)) % TAGS)
#define OLDER(a, b) (AGE(a, b) > 0 && AGE(a, b) < TAGS / 2)

#define WORD(tag, value) ((tag) | ((value) << 4)) /* snapshot: tick, sum. base: generation, sum */
#define TAG(w) ((w) & 15)
#define VALUE(w) ((w) >> 4)
#define EPOCH(g, t) ((t) | ((g) << 4))
#define ETICK(e) ((e) & 15)
#define EGEN(e) ((e) >> 4)
#define EDGE(e) ((ETICK(e) + TAGS - (SLICES - 1)) % TAGS)

byte ctl = 0; /* the generation; nothing else of it matters here */
byte epoch = EPOCH(0, FIRST_TICK);
short snapshot[RING];
short base = WORD(0, 0);
byte column[CALLERS];
byte failures;
bit buffered[CALLERS];

byte clock;

/* Ghosts */
byte visible;                           /* all calls visible to everybody */
byte at_tick[TICKS + 1];                /* visible when the clock moved there */
byte at_generation[MOVES + 1];          /* visible when ctl moved there */
byte counted[(TICKS + 1) * (MOVES + 1)]; /* visible, by `now` and generation of the call */
byte buffered_as[CALLERS];
byte gi;

#define CELL(now, g) ((now) * (MOVES + 1) + (g))
#define CLOCK_OF(tick) AGE(FIRST_TICK, tick)

inline becomes_visible(cell) {
    visible++;
    counted[cell]++
}

/* What any CAS or atomic add of a thread does first. */
inline flush(a) {
    if
    :: buffered[a] ->
        column[a]++;
        becomes_visible(buffered_as[a]);
        buffered[a] = 0;
        buffered_as[a] = 0
    :: else
    fi
}

/* Calls of this generation and the window's ticks that everybody sees now. */
inline lower_bound(e, g, out) {
    out = 0;
    gi = (CLOCK_OF(ETICK(e)) >= SLICES - 1 -> CLOCK_OF(ETICK(e)) - (SLICES - 1) : 0);
    do
    :: gi <= TICKS -> out = out + counted[CELL(gi, g)]; gi++
    :: else -> break
    od;
    gi = 0
}

inline judge_value(e, g, value, low) {
    assert(CLOCK_OF(ETICK(e)) <= clock); /* epoch never runs ahead of the clock */
    gi = (CLOCK_OF(ETICK(e)) >= SLICES - 1 -> at_tick[CLOCK_OF(ETICK(e)) - (SLICES - 1)] : 0);
    if
    :: at_generation[g] > gi -> gi = at_generation[g]
    :: else
    fi;
    assert(value >= low);           /* nothing visible at the judge's begin is missing */
    assert(value <= visible - gi);  /* nothing from before the window is in it */
    gi = 0
}

#define TRY_AGAIN(moved) assert(moved); goto again /* somebody else got something done */

/* One labelled step, one shared access; everything between is local and happens with it. */
proctype caller(byte me; bit fails; byte calls) {
    byte now, token, e, target, k, i, sum, low;
    short b, s;
    bit done;

next_call:
    atomic { calls > 0 -> calls--; token = ctl; now = clock };
#ifdef COUNT_BEFORE_ROTATE
    goto count;
#endif
again:
    atomic { b = 0; s = 0; k = 0; sum = 0; e = 0; low = 0; if :: ctl != token -> goto ended :: else fi };
    atomic {
        e = epoch;
        target = (OLDER(ETICK(e), TICK(now)) -> TICK(now) : ETICK(e));
        if
        :: EGEN(e) != token || target != ETICK(e) -> goto rotate
        :: EGEN(e) == token && target == ETICK(e) && !done -> e = 0; target = 0; goto count
        :: else -> lower_bound(e, token, low); goto judge
        fi
    };

rotate:
    atomic {
        b = base;
        k = (AGE(ETICK(e), target) > RING -> AGE(RING, target) : ETICK(e))
    };
add_up:
    atomic {
        sum = sum + column[i] + (i == me -> buffered[i] : 0);
        i++;
        if
        :: i < CALLERS -> goto add_up
        :: else -> i = 0
        fi
    };
    atomic { sum = sum + failures };
#ifndef NO_CTL_RELOAD_BEFORE_CAS
    atomic { if :: ctl != token -> goto ended :: else fi };
#endif
#ifdef EPOCH_FIRST
    atomic { flush(me); if :: epoch == e -> epoch = EPOCH(token, target) :: else -> goto again fi };
#endif
install:
    atomic {
        if
        :: k == target -> k = 0; goto install_base
        :: else -> k = (k + 1) % TAGS
        fi;
retry_install:
        s = snapshot[k % RING];
#ifndef INSTALL_OVER_NEWER
        if
        :: !OLDER(TAG(s), k) -> s = 0; goto install
        :: else
        fi
#endif
    };
    atomic {
        flush(me);
        if
        :: snapshot[k % RING] == s -> snapshot[k % RING] = WORD(k, sum); s = 0; goto install
#ifdef INSTALL_ONCE
        :: else -> s = 0; goto install
#else
        :: else -> s = 0; goto retry_install
#endif
        fi
    };
install_base:
    atomic {
        if
        :: TAG(b) == token -> goto move_epoch
        :: else -> flush(me)
        fi;
        if
        :: base == b -> base = WORD(token, sum)
#ifdef BASE_ONCE
        :: else
#else
        :: else -> TRY_AGAIN(base != b)
#endif
        fi
    };
move_epoch:
    atomic {
        flush(me);
        if
        :: epoch == e -> epoch = EPOCH(token, target)
        :: else
        fi;
        goto again
    };

count:
#ifdef PLAIN_STORE
    atomic { if :: fails -> k = failures :: else fi };
#endif
    atomic {
        if
        :: fails ->
            flush(me);
#ifdef PLAIN_STORE
            failures = k + 1;
            k = 0;
#else
            failures++;
#endif
            becomes_visible(CELL(now, token));
            done = 1;
            goto again
        :: else ->
            flush(me); /* the buffer holds one: an older store has drained */
            buffered[me] = 1;
            buffered_as[me] = CELL(now, token);
            goto ended
        fi
    };

judge:
    atomic {
        b = base;
        if
#ifdef BASE_ONCE
        :: TAG(b) != token && ctl != token -> goto ended
#else
        :: TAG(b) != token -> b = 0; TRY_AGAIN(epoch != e || ctl != token)
#endif
        :: else
        fi
    };
    atomic {
        s = snapshot[EDGE(e) % RING];
        if
        :: TAG(s) == EDGE(e)
#if defined(NO_EDGE_MEANS_BASE)
        :: else -> s = 0
#elif !defined(NO_HELP)
        :: TAG(s) != EDGE(e) && OLDER(ETICK(e), TAG(s)) -> target = TAG(s); low = 0; goto rotate
        :: TAG(s) != EDGE(e) && !OLDER(ETICK(e), TAG(s)) -> TRY_AGAIN(epoch != e || ctl != token)
#else
        :: else -> TRY_AGAIN(epoch != e || ctl != token)
#endif
        fi;
        b = (VALUE(s) > VALUE(b) -> VALUE(s) : VALUE(b)); /* the later of the two */
        s = 0
    };
judge_sum:
    atomic {
        sum = sum + column[i] + (i == me -> buffered[i] : 0);
        i++;
        if
        :: i < CALLERS -> goto judge_sum
        :: else -> i = 0
        fi
    };
    atomic {
        sum = sum + failures;
        sum = (sum > b -> sum - b : 0);
        judge_value(e, token, sum, low)
    };
ended:
    atomic {
        now = 0; token = 0; e = 0; target = 0; k = 0; i = 0; sum = 0; low = 0; b = 0; s = 0; done = 0;
        goto next_call
    }
}

active proctype mover() {
end:
    do
    :: atomic { ctl < MOVES -> ctl++; at_generation[ctl] = visible }
    od
}

active proctype ticker() {
end:
    do
    :: atomic { clock < TICKS -> clock++; at_tick[clock] = visible }
    od
}

active proctype drain() {
    byte i;
end:
    do
    :: atomic { buffered[0] -> flush(0) }
    :: atomic { buffered[1] -> flush(1) }
#if CALLERS > 2
    :: atomic { buffered[2] -> flush(2) }
#endif
    od
}

init {
    byte i;
    atomic {
#ifndef ZEROED_TAGS
        do
        :: i < RING ->
            snapshot[((FIRST_TICK + TAGS - i) % TAGS) % RING] = WORD((FIRST_TICK + TAGS - i) % TAGS, 0);
            i++
        :: else -> break
        od;
#endif
        i = 0;
        do
        :: i < CALLERS -> run caller(i, i < FAILING, CALLS); i++
        :: else -> break
        od
    }
}
