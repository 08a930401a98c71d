/*
 * Who waits for a permit and who frees one, under concurrency and SIGKILL: no wake-up is lost.
 *
 * Mirrors src/panel/waiters.c and src/engine/bulkhead.c, the words `waiting` and places of a queue:
 *   caller   takes or enters the queue (swgi_waiters_enter), looks (swgi_bulkhead_poll), sleeps, is served; gives back and
 *            looks at `waiting` (swgi_bulkhead_released, swgi_waiters_wake_free, swgi_waiters_wake); leaves its place
 *   STEP     SIGKILL of a caller before any of its steps; what it held is free again (the liveness pass, in one step)
 *   PLACES 1 a caller with a lesser number is more urgent, and takes over the place of the other (swgi_waiters_enter)
 *
 * There is one permit. A caller's number is its key: the least is served first. Who sleeps wakes when its place says that it
 * was told. Time wakes it (every 5 ms) only when nobody can go on, and that must not happen before somebody was killed.
 *
 * All steps are seq_cst, so store buffers have no effect, but in one: RELEASE_STORE gives the permit back by a store that
 * stands in the buffer while `waiting` is read, which is why it is a compare-and-swap.
 *
 * Promises: at most one permit is out; nobody sleeps while the permit is free and nobody else can go on, unless somebody was
 * killed; whoever waits is served, or displaced by somebody more urgent.
 *
 * Not modelled: who is silent (a waiter that is told goes on some time), another queue, more permits.
 */
#ifndef CALLERS
#define CALLERS 3
#endif
#ifndef CALLS
#define CALLS 1
#endif
#ifndef FIRST_CALLS
#define FIRST_CALLS CALLS /* of the most urgent */
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef PLACES
#define PLACES 2
#endif

#define NOBODY 0
#define CLAIMED 8 /* not whole yet */
#define ASKS 1
#define TOLD 2

byte permit;             /* caller + 1 */
byte owner[PLACES];      /* caller + 1, or that | CLAIMED */
byte state[PLACES];      /* of the owner: ASKS or TOLD, + 4 * caller */
byte high, version;      /* the word `waiting` */
bool alive[CALLERS] = true;
byte kills;

/* Ghosts */
byte out;
byte by_time; /* how often time woke somebody */

#define STEP if :: true :: kills < KILLS -> goto killed fi
#define PHASE(s) ((s) & 3)
#define WHOSE(s) ((s) >> 2)

proctype caller(byte me) {
    byte p, i, n, h, v, w, s, told, best, used, before;
    bit holds, back;

next:
    n++;
take: /* a newcomer passes only if nobody who waits is before it */
    atomic {
        STEP;
        i = 0;
        do
        :: i < high && (owner[i] & CLAIMED) == 0 && owner[i] != NOBODY && owner[i] < me + 1 ->
            i = 0;
            goto enter
        :: i < high && !((owner[i] & CLAIMED) == 0 && owner[i] != NOBODY && owner[i] < me + 1) -> i++
        :: i >= high -> i = 0; break
        od
    };
    atomic {
        STEP;
        if
        :: permit == NOBODY -> permit = me + 1; out++; assert(out == 1); goto in_call
        :: else
        fi
    };
enter:
    atomic { STEP; p = 0 };
find:
    atomic {
        STEP;
        if
        :: owner[p] == NOBODY -> owner[p] = (me + 1) | CLAIMED; goto claimed
        :: PLACES == 1 && owner[p] != NOBODY && (owner[p] & CLAIMED) == 0 && owner[p] > me + 1 ->
            owner[p] = (me + 1) | CLAIMED; /* displaced; its owner is woken below */
            goto claimed
        :: else ->
            p++;
            if
            :: p < PLACES -> goto find
            :: else -> p = 0; goto ended /* the queue is full */
            fi
        fi
    };
claimed:
    atomic { STEP; state[p] = ASKS + 4 * me };
    atomic { STEP; if :: owner[p] == ((me + 1) | CLAIMED) -> owner[p] = me + 1 :: else fi };
#ifdef NO_VERSION
    atomic { STEP; high = (high > p + 1 -> high : p + 1) };
#else
    atomic { STEP; high = (high > p + 1 -> high : p + 1); version++ }; /* a CAS loop, in one step */
#endif
#ifdef NO_LOOK
    goto sleep;
#endif
look:
    atomic { STEP; if :: owner[p] != me + 1 -> goto displaced :: else fi };
    atomic { STEP; if :: WHOSE(state[p]) == me -> state[p] = ASKS + 4 * me :: else fi };
    atomic { STEP; if :: permit != NOBODY -> goto sleep :: else -> i = 0; before = 0 fi };
gate: /* swgi_waiters_ahead */
    atomic {
        STEP;
        before = before + (owner[i] != NOBODY && (owner[i] & CLAIMED) == 0 && owner[i] < me + 1);
        i++;
        if
        :: i < PLACES -> goto gate
        :: i == PLACES && before != 0 ->
            i = 0;
            before = 0;
#ifdef NO_NUDGE
            goto sleep
#else
            back = 1;
            goto wake_free
#endif
        :: else -> i = 0
        fi
    };
    atomic {
        STEP;
        if
        :: permit == NOBODY -> permit = me + 1; out++; assert(out == 1); holds = 1; goto leave
        :: else
        fi
    };
sleep:
    atomic {
        if
        :: state[p] != ASKS + 4 * me || owner[p] != me + 1 -> skip
        :: timeout ->
            assert(kills > 0 || permit != NOBODY); /* all sleep and the permit is free */
            assert(kills > 0);                     /* and nobody holds one for ever */
            by_time++;
            assert(by_time < 4) /* then it is served soon */
        fi
    };
    atomic { STEP; goto look };

displaced:
    skip;
#ifdef LOWERED_BY_DISPLACED
    goto left;
#endif
    atomic { STEP; holds = 0; back = 0; goto wake_free };

leave: /* lower `waiting` only if no one came */
    atomic { STEP; h = high; v = version };
    atomic { STEP; if :: owner[p] == me + 1 -> owner[p] = NOBODY; used = p :: else -> goto told_next fi };
left:
#ifdef LOWERED_BY_DISPLACED
    used = p;
    h = high;
    v = version;
#endif
    atomic {
        if
        :: p + 1 != h -> goto told_next
        :: else
        fi
    };
below:
    atomic { STEP; if :: used > 0 && owner[used - 1] == NOBODY -> used--; goto below :: else fi };
    atomic {
        STEP;
#ifdef NO_VERSION
        high = used
#else
        if
        :: high == h && version == v -> high = used
        :: else
        fi
#endif
    };
told_next:
    atomic { used = 0; h = 0; v = 0; back = 0; goto wake_free };

in_call:
    atomic { STEP; holds = 1; goto release };
release:
#ifdef RELEASE_STORE
    atomic { STEP; h = high }; /* read while the store is still in the buffer */
    atomic { STEP; out--; permit = NOBODY; holds = 0 };
#else
    atomic { STEP; if :: permit == me + 1 -> out--; permit = NOBODY :: else fi; holds = 0 };
#ifdef NO_WAITING_LOOK
    goto ended;
#endif
    atomic { STEP; h = high };
#endif
    atomic {
        if
        :: h == 0 -> goto ended
        :: else -> h = 0; back = 0
        fi
    };

wake_free: /* tell whoever is next, if a permit is free and nobody is on the way to it */
    atomic { STEP; if :: high == 0 || permit != NOBODY -> goto woken :: else -> i = 0; told = 0 fi };
count:
    atomic {
        STEP;
        told = told + (owner[i] != NOBODY && (owner[i] & CLAIMED) == 0 && PHASE(state[i]) == TOLD);
        i++;
        if
        :: i < PLACES -> goto count
        :: i == PLACES && told != 0 -> goto woken
        :: else
        fi
    };
wake:
    atomic { STEP; h = high; v = version; i = 0; best = 255; used = 0 };
best_of:
    atomic {
        STEP;
        used = (owner[i] != NOBODY -> i + 1 : used);
        if
        :: owner[i] != NOBODY && (owner[i] & CLAIMED) == 0 && PHASE(state[i]) == ASKS &&
                (best == 255 || owner[i] < w) ->
            best = i;
            w = owner[i];
            s = state[i]
        :: else
        fi;
        i++;
        if
        :: i < PLACES -> goto best_of
        :: else
        fi
    };
    atomic {
        STEP;
#ifdef NO_VERSION
        if
        :: used < h -> high = used
        :: else
        fi
#else
        if
        :: used < h && high == h && version == v -> high = used
        :: else
        fi
#endif
    };
    atomic {
        STEP;
        if
        :: best == 255 -> goto woken
        :: best != 255 && state[best] == s -> state[best] = TOLD + 4 * WHOSE(s)
        :: else -> best = 0; w = 0; s = 0; goto wake
        fi
    };
woken:
    atomic {
        i = 0; told = 0; best = 0; used = 0; w = 0; s = 0; h = 0; v = 0;
        if
        :: back -> back = 0; goto sleep
        :: !back && holds -> goto release
        :: else -> goto ended
        fi
    };

ended:
    atomic {
        p = 0; h = 0; holds = 0; back = 0; before = 0;
        if
        :: n < (me == 0 -> FIRST_CALLS : CALLS) -> goto next
        :: else -> goto end
        fi
    };
killed:
    atomic { /* and the next liveness pass gives back what it held */
        kills++;
        alive[me] = false;
        if
        :: permit == me + 1 -> permit = NOBODY; out--
        :: else
        fi;
        i = 0;
        do
        :: i < PLACES ->
            if
            :: (owner[i] & 7) == me + 1 -> owner[i] = NOBODY
            :: else
            fi;
            i++
        :: else -> break
        od
    };
end:
    false
}

init {
    atomic {
        byte c = 0;
        do
        :: c < CALLERS -> run caller(c); c++
        :: else -> break
        od;
        c = 0
    }
}
