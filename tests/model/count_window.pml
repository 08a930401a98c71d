/*
 * The count window: why one CAS word and a lagging ring are exact, and when that word may be cleared.
 *
 * Mirrors src/engine/count_window.c and the words ctl and window of src/panel/layout.h:
 *   recorder  swgi_count_add: clear a window of another generation, bring the previous slot up (help),
 *             subtract what falls out (fall_out), add mine in one CAS (add_once)
 *   mover     swgi_transition and prepare_window in src/engine/transition.c: CLOSED to OPEN (a trip), OPEN
 *             to CLOSED (recovered), CLOSED to CLOSED (reset by hand). OPEN stands for every state in which
 *             the window is not in use; CLOSED also for RAMP, where it is.
 *
 * Every step is one seq_cst load or CAS, so store buffers have no effect here. Nothing is released on death,
 * so a process killed anywhere is one that is never scheduled again: plain interleaving covers SIGKILL.
 *
 * Promises: after every CAS of the window word its counts equal a sequential ghost of the last N outcomes
 * of this generation; a generation that is CLOSED keeps its evidence until it ends; whoever has to try
 * again does so because somebody else got something done.
 *
 * The mover clears the window before it moves ctl to CLOSED, unless the window is in use, that is, of ctl's
 * present generation: then its successors' first recorder clears it. To clear it nevertheless is a mutant below:
 * the mover is killed, or loses ctl, between the two and a living generation has lost its evidence.
 *
 * Helping is: load the slot, re-load the window word, CAS the slot to a raised version. Without the re-load a
 * helper that slept takes a slot that is already a lap ahead for one that is behind, and overwrites it. And a CAS that fails is no
 * proof that somebody helped: a stalled helper of an older lap or generation may have been the one (HELP_ONCE).
 *
 * WRAP is a single process with four generations and two laps, so that every tag comes back: it shows what
 * clearing is for.
 * Elsewhere generation, lap and version do not wrap: an actor stalled for exactly 2^19 records (the window
 * word) could be fooled. Nor do resets out of CLOSED wrap without one record or one trip among 2^20 of them.
 */
#ifndef N
#define N 2 /* the window: the last N calls */
#endif
#ifndef RECORDERS
#define RECORDERS 3
#endif
#ifndef RECORDS
#define RECORDS 2 /* each */
#endif
#ifndef MOVERS
#define MOVERS 1
#endif
#ifndef MOVES
#define MOVES 2 /* each */
#endif

#ifdef WRAP
#define GENERATIONS 4
#define POSITIONS (2 * N)
#else
#define GENERATIONS 16
#define POSITIONS (8 * N)
#endif

#define CLOSED 0
#define OPEN 1
#define CTL(s, g) ((s) | ((g) << 1))
#define STATE(c) ((c) & 1)
#define GEN(c) ((c) >> 1)
#define NEXT(g) (((g) + 1) % GENERATIONS)

/* position = index and lap; full = the first lap is over; pending = the last outcome, not yet in its slot */
#define WORD(g, pos, full, count, pending) \
    ((pos) | ((full) << 6) | ((count) << 7) | ((pending) << 10) | ((g) << 11))
#define POS(w) ((w) & 63)
#define FULL(w) (((w) >> 6) & 1)
#define COUNT(w) (((w) >> 7) & 7)
#define PENDING(w) (((w) >> 10) & 1)
#define WGEN(w) ((w) >> 11)
#define EMPTY(w) (POS(w) == 0 && !FULL(w))

#define SLOT(g, version, outcome) ((outcome) | ((version) << 1) | ((g) << 5))
#define OUTCOME(s) ((s) & 1)
#define VERSION(s) (((s) >> 1) & 15)
#define SGEN(s) ((s) >> 5)
#define BEFORE(w) ((POS(w) + N - 1) % N) /* the slot of the pending outcome */
#define SAYS_SO(s, w) (FULL(w) && OUTCOME(s) == PENDING(w) && SGEN(s) == WGEN(w))
#ifdef ABA
#define BROUGHT_UP(s, w) SLOT(WGEN(w), 0, PENDING(w))
#else
#define BROUGHT_UP(s, w) SLOT(WGEN(w), (VERSION(s) + 1) & 15, PENDING(w))
#endif

byte ctl = CTL(CLOSED, 1);
short word = WORD(1, 0, 0, 0, 0);
short ring[N];

/* Ghost: the last N outcomes, in the order of the CASes, of the generation being recorded. */
byte ghost_gen = 1;
byte ghost_calls;
byte ghost_count;
bit ghost[N];

inline ghost_records(g, outcome) {
    if
    :: ghost_gen != g ->
        ghost_gen = g;
        ghost_calls = 0;
        ghost_count = 0
    :: else
    fi;
    if
    :: ghost_calls >= N -> ghost_count = ghost_count - ghost[ghost_calls % N]
    :: else
    fi;
    ghost[ghost_calls % N] = outcome;
    ghost_calls = (ghost_calls == 2 * N - 1 -> N : ghost_calls + 1);
    ghost_count = ghost_count + outcome;
    assert(WGEN(word) == g && COUNT(word) == ghost_count); /* counts equal the last N outcomes */
    assert(FULL(word) == (ghost_calls >= N) && (FULL(word) || POS(word) == ghost_calls))
}

/* One labelled step, one shared access; everything between is local and happens with it. */
#define TRY_AGAIN(moved) assert(moved); goto again /* somebody else got something done */

proctype recorder(byte records) {
    short w, s, old;
    byte token;
    bit outcome;

next_call:
    atomic { /* acquire */
        records > 0 ->
        records--;
        if
        :: STATE(ctl) == OPEN -> goto next_call
        :: else -> token = GEN(ctl)
        fi;
        if
        :: outcome = 0
        :: outcome = 1
        fi
    };
    atomic { if :: GEN(ctl) != token -> goto ended /* late */ :: else fi };
again:
    atomic {
        w = word;
        s = 0;
        old = 0;
        if
        :: WGEN(w) == token && !EMPTY(w) -> goto help
        :: WGEN(w) == token && EMPTY(w) -> goto add
        :: else /* another generation's */
        fi
    };
#ifndef NO_CTL_RELOAD_BEFORE_CAS
    atomic { if :: GEN(ctl) != token -> goto ended :: else fi };
#endif
    atomic {
        if
        :: word == w -> word = WORD(token, 0, 0, 0, 0)
        :: else
        fi;
        goto again
    };

help:
#ifdef NO_HELP
    goto subtract;
#endif
    atomic {
        s = ring[BEFORE(w)];
        if
        :: SAYS_SO(s, w) -> s = 0; goto subtract
        :: else
        fi
    };
#ifndef NO_WORD_RELOAD_BEFORE_HELP
    atomic { if :: word != w -> goto again :: else fi };
#endif
    atomic {
#ifdef RING_PLAIN_STORE
        ring[BEFORE(w)] = BROUGHT_UP(s, w);
#else
        if
        :: ring[BEFORE(w)] == s -> ring[BEFORE(w)] = BROUGHT_UP(s, w)
#ifdef HELP_ONCE
        :: else
#else
        :: else -> TRY_AGAIN(ring[BEFORE(w)] != s)
#endif
        fi;
#endif
        s = 0
    };
subtract:
    atomic {
        if
        :: !FULL(w) -> goto add
        :: else -> old = ring[POS(w) % N]
        fi;
        if
        :: SGEN(old) != WGEN(w) -> old = 0; TRY_AGAIN(word != w)
        :: else -> old = OUTCOME(old)
        fi
    };
add:
    atomic {
        if
        :: word == w ->
            word = WORD(token, (POS(w) + 1) % POSITIONS, FULL(w) || POS(w) == N - 1,
                        COUNT(w) - old + outcome, outcome);
            ghost_records(token, outcome)
        :: else -> TRY_AGAIN(word != w)
        fi;
        w = word;
        s = 0;
        old = 0
    };
#ifdef NO_HELP
    atomic { s = ring[BEFORE(w)]; ring[BEFORE(w)] = BROUGHT_UP(s, w) }; /* only he who made it so */
#endif
ended:
    atomic { w = 0; s = 0; old = 0; token = 0; outcome = 0; goto next_call }
}

proctype mover(byte moves) {
    short w;
    byte c;

next_move:
    atomic {
        moves > 0 ->
        moves--;
        c = ctl;
        if
        :: STATE(c) == CLOSED -> goto trip
        :: true /* to CLOSED: by recovery or, out of CLOSED, by hand */
        fi
    };
clear:
#ifdef WINDOW_NOT_CLEARED
    goto close;
#endif
    atomic {
        w = word;
        if
        :: WGEN(w) == NEXT(GEN(c)) -> w = 0; goto close
#ifndef CLEAR_LIVE_WINDOW
        :: WGEN(w) == GEN(c) -> w = 0; goto close /* in use: its own generation's recorders start anew */
#endif
        :: else
        fi
    };
#ifndef NO_CTL_RELOAD_BEFORE_CAS
    atomic { if :: ctl != c -> goto ended :: else fi };
#endif
    atomic {
        if
        :: word == w -> word = WORD(NEXT(GEN(c)), 0, 0, 0, 0); w = 0
        :: else -> w = 0; goto clear
        fi
    };
close:
    atomic { if :: ctl == c -> ctl = CTL(CLOSED, NEXT(GEN(c))) :: else fi; goto ended };
trip:
    atomic { if :: ctl == c -> ctl = CTL(OPEN, NEXT(GEN(c))) :: else fi };
ended:
    atomic { w = 0; c = 0; goto next_move }
}

#ifdef WRAP
/* One process doing everything in turn: no stale words, yet generations and laps come back. */
byte steps;
active proctype alone() {
    byte old;
end:
    do
    :: d_step {
           STATE(ctl) == CLOSED ->
           ctl = CTL(OPEN, NEXT(GEN(ctl)))
       }
    :: d_step {
           STATE(ctl) == OPEN ->
#ifndef WINDOW_NOT_CLEARED
           if
           :: WGEN(word) != NEXT(GEN(ctl)) -> word = WORD(NEXT(GEN(ctl)), 0, 0, 0, 0)
           :: else
           fi;
#endif
           ctl = CTL(CLOSED, NEXT(GEN(ctl)));
           ghost_gen = GENERATIONS /* nobody has recorded in it yet */
       }
    :: atomic {
           STATE(ctl) == CLOSED ->
           if
           :: WGEN(word) != GEN(ctl) -> word = WORD(GEN(ctl), 0, 0, 0, 0)
           :: else
           fi;
           if
           :: !EMPTY(word) && !SAYS_SO(ring[BEFORE(word)], word) ->
               ring[BEFORE(word)] = BROUGHT_UP(ring[BEFORE(word)], word)
           :: else
           fi;
           old = 0;
           if
           :: FULL(word) ->
               assert(SGEN(ring[POS(word) % N]) == WGEN(word));
               old = OUTCOME(ring[POS(word) % N])
           :: else
           fi;
           if
           :: steps = 0
           :: steps = 1
           fi;
           word = WORD(GEN(ctl), (POS(word) + 1) % POSITIONS, FULL(word) || POS(word) == N - 1,
                       COUNT(word) - old + steps, steps);
           ghost_records(GEN(ctl), steps);
           old = 0;
           steps = 0
       }
    od
}
#else
init {
    byte i;
    atomic {
        do
        :: i < RECORDERS -> run recorder(RECORDS); i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < MOVERS -> run mover(MOVES); i++
        :: else -> break
        od
    }
}
#endif
