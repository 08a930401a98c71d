/*
 * Permits of a bulkhead under concurrency and SIGKILL, while the limit shrinks and a longer run takes over.
 *
 * Mirrors src/panel/permits.c and the words run, former, limit of struct swgi_bulkhead_words:
 *   caller   swgi_permits_take (take_at, confirm, too_many), its call, then swgi_permits_release; then, as a copy, again
 *   mover    swgi_permits_move; what it leaves half done is finished by whoever comes (settle)
 *   limiter  swgi_permits_limit, once, to a smaller limit
 *   reaper   swgi_permits_reap for whoever is dead
 *   STEP     SIGKILL of a caller or the mover before any of its steps
 *
 * Every step is one seq_cst load, store or CAS, so store buffers have no effect; the mutant PLAIN_RELEASE is what one would do.
 *
 * Promises: never more permits are out than the limit in force allows, counting those of a time of a larger one; a living
 * holder's permit is never lost, whatever is moved; a copy of an ended permit ends nothing; what the dead held is free in the
 * end, and nothing else is held then.
 *
 * Not modelled: a limit that grows again (its version), a second move (the former run is kept until then), stamps, ceilings.
 */
#ifndef CALLERS
#define CALLERS 2
#endif
#ifndef CALLS
#define CALLS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef MOVES
#define MOVES 1
#endif
#ifndef LIMITS
#define LIMITS 1
#endif
#define SLOTS 2
#define LOWER 1 /* what the limit shrinks to */

#define FROZEN 64
#define IN_FORMER 128
#ifdef ABA
#define WORD(who, n) 1 /* callers are threads of one process */
#else
#define WORD(who, n) (1 + (who) + 4 * (n))
#endif
#define OWNER(w) ((((w) & 63) - 1) & 3)
#define SETTLED(w) ((w) < FROZEN)

byte former_run[SLOTS]; /* the run everybody begins with */
byte longer_run[SLOTS];
bit in_use;   /* 1: the longer one */
byte limit = SLOTS;
bit high;     /* permits above the limit may be held */
bool alive[CALLERS] = true;
byte kills;

/* Ghosts */
bool granted[CALLERS];
byte held, g;

#define AT(r, i) (r -> longer_run[i] : former_run[i])

#define STEP if :: true :: kills < KILLS -> goto killed fi

inline count_granted() {
    held = 0;
    g = 0;
    do
    :: g < CALLERS -> held = held + granted[g]; g++
    :: else -> break
    od;
    g = 0
}

inline cas(r, i, old, new, done) {
    if
    :: r && longer_run[i] == (old) -> longer_run[i] = (new); done = 1
    :: !r && former_run[i] == (old) -> former_run[i] = (new); done = 1
    :: else -> done = 0
    fi
}

proctype caller(byte me) {
    byte i, j, n, w, l, count;
    bit r, rr, h, done, keeps, again, copy;

next:
    atomic { n++; again = 0; copy = 0 };
take:
    atomic { STEP; r = in_use };
    atomic { STEP; l = limit; i = 0 };
scan:
    atomic {
        if
        :: i >= l -> goto ended
        :: else
        fi;
        STEP;
        w = AT(r, i);
        if
        :: w == 0 -> goto grab
        :: w == IN_FORMER -> keeps = 0; goto settle
        :: w != IN_FORMER && !SETTLED(w) -> goto take
        :: else -> i++; goto scan
        fi
    };
grab:
    atomic {
        STEP;
        cas(r, i, 0, WORD(me, n), done);
        if
        :: !done -> i++; goto scan
        :: else
        fi
    };
#ifdef NO_LIMIT_RELOAD
    atomic { STEP; granted[me] = 1; count_granted(); assert(held <= limit); goto in_call };
#endif
    atomic {
        STEP;
        l = limit;
        h = high;
        count = 0;
        j = 0;
        if
        :: i >= l -> again = 1; goto release /* no more than the limit: given back at once */
        :: else
        fi;
        if
        :: !h ->
            granted[me] = 1;
            count_granted();
            assert(held <= l); /* never more than the limit */
            goto in_call
        :: else
        fi
    };
#ifndef NO_COUNT
too_many:
    atomic { STEP; rr = in_use };
    atomic {
        STEP;
        w = AT(rr, j);
        if
        :: w == IN_FORMER
        :: else -> goto counted
        fi
    };
    atomic { STEP; w = former_run[j] & (FROZEN - 1) };
    atomic { STEP; if :: longer_run[j] != IN_FORMER -> goto too_many :: else fi };
counted:
    atomic {
        count = count + ((w & (FROZEN - 1)) != 0);
        j++;
        if
        :: j < SLOTS -> goto too_many
        :: count > l -> j = 0; goto release
        :: else
        fi
    };
#endif
    atomic {
        STEP;
        granted[me] = 1;
        count_granted();
        assert(held <= l) /* those of a time of a larger limit are counted */
    };

in_call:
    atomic { STEP; j = 0; granted[me] = 0; keeps = 1 };
release:
    atomic { STEP; r = in_use };
    atomic {
        STEP;
        w = AT(r, i);
        if
        :: w == IN_FORMER -> keeps = 1; goto settle
        :: w == WORD(me, n) -> goto give
        :: w == (WORD(me, n) | FROZEN) -> goto release
        :: else ->
            assert(copy); /* a living holder's permit is where it was */
            goto ended
        fi
    };
give:
#ifdef PLAIN_RELEASE
    atomic {
        STEP;
        if
        :: r -> longer_run[i] = 0
        :: else -> former_run[i] = 0
        fi;
        done = 1
    };
#else
    atomic { STEP; cas(r, i, WORD(me, n), 0, done) };
#endif
    atomic {
        assert(!(done && copy)); /* a copy ends nothing */
        if
        :: !done -> goto release
        :: done && again -> again = 0; goto take
        :: done && !again && granted[me] == 0 && !copy -> copy = 1; goto release_copy
        :: else -> goto ended
        fi
    };
release_copy: /* somebody kept a copy: one more release of the same word */
    goto release;

settle: /* by whoever finds a word that is not moved yet */
#ifdef COPIED_LIVE
    atomic { STEP; w = former_run[i] };
#else
    atomic { STEP; w = former_run[i]; if :: !SETTLED(w) -> goto copy_it :: else fi };
    atomic { STEP; if :: former_run[i] == w -> former_run[i] = w | FROZEN; w = w | FROZEN :: else -> goto settle fi };
#endif
copy_it:
    atomic {
        STEP;
        if
        :: longer_run[i] == IN_FORMER -> longer_run[i] = w & (FROZEN - 1)
        :: else
        fi;
        w = 0;
        if
        :: keeps -> goto release
        :: else -> goto scan
        fi
    };

ended:
    atomic {
        i = 0; j = 0; w = 0; l = 0; count = 0; r = 0; rr = 0; h = 0; done = 0; keeps = 0;
        if
        :: n < CALLS -> goto next
        :: else -> goto end
        fi
    };
killed:
    atomic { kills++; alive[me] = false; granted[me] = 0; i = 0; w = 0; n = 0 };
end:
    false
}

proctype mover() {
    byte i, w;
    if
    :: MOVES == 0 -> goto end
    :: else
    fi;
    atomic { /* nobody sees the longer run yet */
        do
        :: i < SLOTS -> longer_run[i] = IN_FORMER; i++
        :: else -> break
        od;
        i = 0
    };
    atomic { STEP; in_use = 1 };
settle:
    atomic { STEP; if :: longer_run[i] != IN_FORMER -> goto settled :: else fi };
#ifdef COPIED_LIVE
    atomic { STEP; w = former_run[i] };
#else
freeze:
    atomic { STEP; w = former_run[i]; if :: !SETTLED(w) -> goto copy_it :: else fi };
    atomic { STEP; if :: former_run[i] == w -> former_run[i] = w | FROZEN; w = w | FROZEN :: else -> goto freeze fi };
#endif
copy_it:
    atomic { STEP; if :: longer_run[i] == IN_FORMER -> longer_run[i] = w & (FROZEN - 1) :: else fi; w = 0 };
settled:
    atomic {
        i++;
        if
        :: i < SLOTS -> goto settle
        :: else -> goto end
        fi
    };
killed:
    atomic { kills++; i = 0; w = 0 };
end:
    false
}

active proctype limiter() {
    if
    :: LIMITS == 0
    :: else ->
#ifdef LIMIT_FORGETS_HIGH
        atomic { limit = LOWER; high = 0 }
#else
        atomic { limit = LOWER; high = 1 }
#endif
    fi
}

/* The truth of an index, as everybody together sees it. */
#define TRUTH(i) ((in_use && longer_run[i] != IN_FORMER -> longer_run[i] : former_run[i]) & (FROZEN - 1))

/* What a dead owner held: read, then compare-and-swap, in whatever run it is. */
active proctype reaper() {
    byte i, w;
    bit r, done;
end:
    do
#ifndef NO_RELEASE_ON_DEATH
    :: atomic { i < SLOTS && TRUTH(i) != 0 && !alive[OWNER(TRUTH(i))] -> r = in_use; w = AT(r, i) };
       if
       :: atomic { w == IN_FORMER -> w = former_run[i] };
          if
          :: atomic { SETTLED(w) -> if :: former_run[i] == w -> former_run[i] = w | FROZEN :: else fi }
          :: atomic { !SETTLED(w) -> if :: longer_run[i] == IN_FORMER -> longer_run[i] = w & (FROZEN - 1) :: else fi }
          fi
       :: atomic {
              w != IN_FORMER && w != 0 && SETTLED(w) && !alive[OWNER(w)] ->
              cas(r, i, w, 0, done)
          }
       :: w != IN_FORMER && (w == 0 || !SETTLED(w) || alive[OWNER(w)])
       fi;
       atomic { w = 0; r = 0; done = 0 }
#endif
    :: atomic { i < SLOTS && TRUTH(i) == 0 && i + 1 < SLOTS && TRUTH(i + 1) != 0 -> i++ }
    :: atomic { i > 0 && TRUTH(i) == 0 -> i-- }
    od
}

active proctype at_the_end() {
    byte i;
end:
    atomic {
        timeout ->
        do
        :: i < SLOTS -> assert(TRUTH(i) == 0); i++ /* nothing is held by nobody */
        :: else -> break
        od
    }
}

init {
    atomic {
        byte c = 0;
        do
        :: c < CALLERS -> run caller(c); c++
        :: else -> break
        od;
        run mover();
        c = 0
    }
}
