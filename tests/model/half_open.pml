/*
 * HALF_OPEN under concurrency and SIGKILL: why the probe slots need their order of loads.
 *
 * Mirrors src/engine/probes.c and the words ctl and probes[] of src/panel/layout.h:
 *   actor    a thread: swgi_probe_take (expire_leases, take_slot), its call, then swgi_probe_end or, late,
 *            swgi_probe_free, and swgi_probe_decide; in CLOSED a failure may trip (swgi_transition). Actors 0
 *            and 1 are threads of one process and actor 2 is another; of two actors each is a process.
 *   hand     src/engine/acts.c: trip, reset and probe by hand
 *   STEP     SIGKILL of a whole process before any of its steps
 *   ticker   time; every actor reads it once per operation, so its `now` may be arbitrarily stale
 *   witness  changes nothing: from every reachable HALF state, with all others stopped wherever they
 *            stand, it follows a lone caller that succeeds, and asserts that this ends in a decision
 *
 * Every step is one seq_cst load or CAS, so store buffers have no effect here. A process that is never
 * scheduled again stands for one that hangs; STEP is needed because death is visible to the others.
 *
 * Promises: at most SLOTS live probes were admitted in the current HALF phase; OPEN admits nothing; only
 * legal transitions, one generation each; a lease lives half_open_max after its own grant unless its
 * process dies; successes are neither lost nor invented; a lease ends once and only by its own permit, by
 * expiry or by death; a permit of another generation moves no state; HALF cannot be wedged, and needs no
 * passing of time to get past the dead.
 *
 * The order of an acquire is: load slot, CAS ctl to a pushed deadline (this is the first re-load), CAS the
 * slot, re-load ctl. A push that follows the grant is a mutant below: a caller that sees the old deadline
 * as past then frees a lease just granted.
 *
 * Not modelled: RAMP, modes, `total`, the wrap of generation (20 bits) and of sequence (9 bits), the reuse
 * of a process slot (incarnation), the 10 ms stamp on liveness.
 */
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef ACTORS
#define ACTORS 3
#endif
#ifndef CALLS
#define CALLS 1
#endif
#ifndef HANDS
#define HANDS 1
#endif
#ifndef TICKS
#define TICKS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define THRESHOLD 2 /* successes that close */
#define LEASE 2     /* half_open_max, in ticks */
#define OPEN_FOR 1

#define CLOSED 0
#define OPEN 1
#define HALF 2
#define CTL(s, g, d) ((s) | ((g) << 2) | ((d) << 7))
#define STATE(c) ((c) & 3)
#define GEN(c) (((c) >> 2) & 31)
#define DEADLINE(c) ((c) >> 7)
#define PUSHED(c, at) \
    CTL(HALF, GEN(c), ((at) + LEASE > DEADLINE(c) -> (at) + LEASE : DEADLINE(c)))

#define FREE 0
#define HELD 1
#define FAILED 2
#define SLOT(st, own, seq, suc, g) ((st) | ((own) << 2) | ((seq) << 4) | ((suc) << 8) | ((g) << 10))
#define SSTATE(s) ((s) & 3)
#define OWNER(s) (((s) >> 2) & 3)
#define SEQ(s) (((s) >> 4) & 15)
#define SUCC(s) (((s) >> 8) & 3)
#define SGEN(s) ((s) >> 10)

#ifdef ABA
#define NEXT_SEQ(s) 0
#else
#define NEXT_SEQ(s) ((SEQ(s) + 1) & 15)
#endif
#ifdef NO_RELEASE_ON_DEATH
#define DEAD(s) false
#else
#define DEAD(s) (SSTATE(s) == HELD && !alive[OWNER(s)])
#endif
#define TAKEABLE(s, g) (SGEN(s) != (g) || SSTATE(s) == FREE || DEAD(s))
#ifdef SUCCESSES_LOST
#define KEPT(s, g) 0
#else
#define KEPT(s, g) (SGEN(s) == (g) -> SUCC(s) : 0)
#endif

#define SUCCESS 0
#define FAILURE 1
#define IGNORED 2

short ctl = CTL(HALF, 1, 1); /* one tick from its deadline */
int slot[SLOTS];
byte clock;
bool alive[2] = true;
byte kills;
byte hands;

/* Ghosts: what an all-knowing observer writes down in the same step. */
byte holder[SLOTS];     /* actor + 1 whose lease the word is */
byte granted_at[SLOTS]; /* the `now` of that lease's acquire */
byte phase[ACTORS];     /* generation + 1 in which this actor's live probe was admitted; 0 = none */
byte successes;         /* recorded in the current HALF phase */

byte live;
byte scan;

inline assert_few_probes() {
    live = 0;
    scan = 0;
    do
    :: scan < ACTORS ->
        live = live + (phase[scan] == GEN(ctl) + 1);
        scan++
    :: else -> break
    od;
    assert(live <= SLOTS); /* too many live probes in this phase */
    live = 0;
    scan = 0
}

inline assert_successes_kept() {
    live = 0;
    scan = 0;
    do
    :: scan < SLOTS ->
        live = live + (SGEN(slot[scan]) == GEN(ctl) -> SUCC(slot[scan]) : 0);
        scan++
    :: else -> break
    od;
    assert(STATE(ctl) != HALF || live == successes); /* recorded successes stay, none is invented */
    live = 0;
    scan = 0
}

/* The only way ctl changes state. */
inline move(to, deadline, by_hand) {
    assert(by_hand || (STATE(ctl) == CLOSED && to == OPEN) || (STATE(ctl) == OPEN && to == HALF)
           || (STATE(ctl) == HALF && to != HALF)); /* legal transitions only */
    ctl = CTL(to, GEN(ctl) + 1, deadline);
    successes = 0
}

/* A lease leaves its slot by expiry or take-over. */
inline lose(j, by_death) {
    if
    :: holder[j] != 0 ->
        assert(by_death || clock >= granted_at[j] + LEASE); /* a lease lives half_open_max */
        if
        :: phase[holder[j] - 1] != 0 && SGEN(slot[j]) == phase[holder[j] - 1] - 1 ->
            phase[holder[j] - 1] = 0
        :: else
        fi;
        holder[j] = 0;
        granted_at[j] = 0
    :: else
    fi
}

inline admit(a, j) {
    assert(STATE(ctl) != OPEN); /* OPEN admits nothing */
    if
    :: holder[j] == a + 1 -> phase[a] = GEN(ctl) + 1
    :: else /* expired before its caller returned: a silent lease, already ended */
    fi;
    assert_few_probes()
}

inline end_lease(a, j) {
    assert(holder[j] == a + 1); /* a lease is ended by its own permit */
    holder[j] = 0;
    granted_at[j] = 0
}

inline forget() {
    phase[me] = 0;
    c = 0;
    s = 0;
    mine = 0;
    now = 0;
    i = 0;
    token = 0;
    sum = 0;
    outcome = 0;
    probe = 0;
    bad = 0
}

#define STEP if :: true :: mortal && kills < KILLS -> goto killed fi

/* One labelled step, one shared access; everything between is local and happens with it. */
proctype actor(byte me; byte own; bit mortal) {
    short c;
    int s;
    int mine;
    byte now, i, token, sum, calls, outcome;
    bit probe, bad;

next_call:
    atomic { STEP; calls++; now = clock };
again:
    atomic {
        STEP;
        c = ctl;
        i = 0;
        if
        :: STATE(c) == CLOSED -> token = GEN(c); probe = 0; goto in_call
        :: STATE(c) == OPEN && now < DEADLINE(c) -> goto ended
        :: STATE(c) == OPEN && now >= DEADLINE(c) -> goto open_is_due
#ifndef NO_LEASE_TIMEOUT
        :: STATE(c) == HALF && now >= DEADLINE(c) -> goto expire
#endif
        :: else -> goto look
        fi
    };

open_is_due:
    atomic { STEP; if :: ctl == c -> move(HALF, now + LEASE, false) :: else fi; goto again };

expire: /* free every held slot, then push the deadline */
    atomic {
        STEP;
        s = slot[i];
        if
        :: SSTATE(s) != HELD || SGEN(s) != GEN(c) -> s = 0; goto expire_next
        :: else
        fi
    };
#ifndef EXPIRE_WITHOUT_RELOAD
    atomic { STEP; if :: ctl != c -> s = 0; goto again :: else fi };
#endif
    atomic {
        STEP;
        if
        :: slot[i] == s ->
            lose(i, false);
            slot[i] = SLOT(FREE, 0, SEQ(s), KEPT(s, GEN(c)), SGEN(s));
            assert_successes_kept()
        :: else
        fi;
        s = 0;
expire_next:
        i++;
        if
        :: i < SLOTS -> goto expire
        :: else -> i = 0
        fi
    };
    atomic { STEP; if :: ctl == c -> ctl = PUSHED(c, now) :: else fi; goto again };

look:
    atomic {
        STEP;
        s = slot[i];
        if
        :: !TAKEABLE(s, GEN(c)) -> s = 0; goto look_next
        :: else
        fi
    };
#ifndef NO_CTL_RELOAD_BEFORE_CAS
    atomic {
        STEP;
        if
        :: STATE(ctl) == HALF && GEN(ctl) == GEN(c) -> /* a CAS loop, in one step */
#ifndef PUSH_AFTER_GRANT
            ctl = PUSHED(ctl, now);
#endif
            c = ctl
        :: else -> s = 0; goto again
        fi
    };
#endif
    atomic {
        STEP;
        if
        :: slot[i] == s ->
            if
            :: SSTATE(s) == HELD && SGEN(s) == GEN(ctl) -> lose(i, !alive[OWNER(s)])
            :: else
            fi;
            mine = SLOT(HELD, own, NEXT_SEQ(s), KEPT(s, GEN(c)), GEN(c));
            slot[i] = mine;
            holder[i] = me + 1;
            granted_at[i] = now;
            s = 0;
            assert_successes_kept();
            token = GEN(c);
            probe = 1;
#ifdef NO_CTL_RELOAD_AFTER_PROBE
            admit(me, i);
            goto in_call
#else
            goto check
#endif
        :: else
        fi;
        s = 0;
look_next:
        i++;
        if
        :: i < SLOTS -> goto look
        :: else -> token = GEN(c); i = 0; goto decide /* none free */
        fi
    };
check:
    atomic {
        STEP;
        if
        :: GEN(ctl) == token ->
            admit(me, i);
#ifdef PUSH_AFTER_GRANT
            goto push
#else
            goto in_call
#endif
        :: else -> token = 0; probe = 0
        fi
    };
    atomic { /* give it back */
        STEP;
        if
        :: slot[i] == mine -> end_lease(me, i); slot[i] = SLOT(FREE, 0, SEQ(mine), SUCC(mine), SGEN(mine))
        :: else
        fi;
        mine = 0;
        goto again
    };
#ifdef PUSH_AFTER_GRANT
push:
    atomic { STEP; if :: GEN(ctl) == token -> ctl = PUSHED(ctl, now) :: else fi };
#endif

in_call:
    atomic {
        STEP;
        c = 0;
        if
        :: outcome = SUCCESS
        :: outcome = FAILURE
        :: probe -> outcome = IGNORED
        fi;
        now = clock
    };
    atomic { /* record */
        STEP;
        c = ctl;
#ifndef STALE_PERMIT_COUNTS
        if
        :: GEN(c) != token && !probe -> goto ended
        :: GEN(c) != token && probe -> outcome = IGNORED /* free what it holds, move nothing */
        :: else
        fi;
#endif
        if
        :: probe
        :: !probe && outcome == FAILURE && STATE(c) == CLOSED -> goto trip
        :: else -> goto ended
        fi
    };
    atomic {
        STEP;
        if
        :: slot[i] == mine ->
            end_lease(me, i);
            if
            :: outcome == SUCCESS ->
                slot[i] = SLOT(FREE, 0, SEQ(mine), SUCC(mine) + 1, SGEN(mine));
                successes = successes + (SGEN(mine) == GEN(ctl))
            :: outcome == FAILURE -> slot[i] = SLOT(FAILED, 0, SEQ(mine), SUCC(mine), SGEN(mine))
            :: else -> slot[i] = SLOT(FREE, 0, SEQ(mine), SUCC(mine), SGEN(mine))
            fi;
            assert_successes_kept()
        :: else
        fi;
        phase[me] = 0;
        mine = 0;
        i = 0
    };

decide: /* anyone may; what it finds is stable within a generation */
    atomic {
        STEP;
        c = ctl;
        i = 0;
        sum = 0;
        bad = 0;
        if
        :: STATE(c) != HALF || GEN(c) != token -> goto ended
        :: else
        fi
    };
add:
    atomic {
        STEP;
        if
        :: SGEN(slot[i]) == token ->
            sum = sum + SUCC(slot[i]);
            bad = bad || SSTATE(slot[i]) == FAILED
        :: else
        fi;
        i++;
        if
        :: i < SLOTS -> goto add
        :: else -> i = 0
        fi
    };
    atomic {
        STEP;
        if
        :: ctl != c -> goto decide
        :: ctl == c && bad -> move(OPEN, now + OPEN_FOR, false)
        :: ctl == c && !bad && sum >= THRESHOLD -> move(CLOSED, 0, false)
        :: ctl == c && !bad && sum < THRESHOLD && probe -> ctl = PUSHED(c, now)
        :: else
        fi;
        goto ended
    };

trip:
    atomic {
        STEP;
        if
        :: ctl == c ->
            assert(GEN(ctl) == token); /* a permit of another generation moves nothing */
            move(OPEN, now + OPEN_FOR, false)
        :: else
        fi;
ended:
        forget();
        if
        :: calls < CALLS -> goto next_call
        :: else -> goto end
        fi
    };
killed:
    atomic { kills++; alive[own] = false; forget(); calls = 0 };
end:
    false
}

active proctype hand() {
    short c;
end:
    do
    :: atomic { hands < HANDS -> hands++; c = ctl };
       atomic {
           if
           :: ctl == c -> /* a failed CAS starts over; here it is simply another act */
               if
               :: move(OPEN, clock + OPEN_FOR, true)
               :: move(CLOSED, 0, true)
               :: STATE(c) == OPEN -> move(HALF, clock + LEASE, true)
               fi
           :: else
           fi;
           c = 0
       }
    od
}

active proctype ticker() {
end:
    do
    :: clock < TICKS -> clock++
    od
}

/* On copies: the state is not changed, so this costs one transition a state. */
short wctl;
int wslot[SLOTS];
byte wclock, wtries, wj, wsum;
bit wbad, whung;

active proctype witness() {
end:
    do
    :: d_step {
           STATE(ctl) == HALF ->
           wctl = ctl;
           wclock = clock;
           wj = 0;
           do :: wj < SLOTS -> wslot[wj] = slot[wj]; wj++ :: else -> break od;
           wtries = 0;
           do
           :: GEN(wctl) != GEN(ctl) || wtries > THRESHOLD + LEASE + TICKS + 2 -> break
           :: else ->
               wtries++;
#ifndef NO_LEASE_TIMEOUT
               if
               :: wclock >= DEADLINE(wctl) ->
                   wj = 0;
                   do
                   :: wj < SLOTS ->
                       if
                       :: SSTATE(wslot[wj]) == HELD && SGEN(wslot[wj]) == GEN(wctl) ->
                           wslot[wj] = SLOT(FREE, 0, SEQ(wslot[wj]), SUCC(wslot[wj]), SGEN(wslot[wj]))
                       :: else
                       fi;
                       wj++
                   :: else -> break
                   od;
                   wctl = PUSHED(wctl, wclock)
               :: else
               fi;
#endif
               wj = 0;
               do
               :: wj < SLOTS && !TAKEABLE(wslot[wj], GEN(wctl)) -> wj++
               :: else -> break
               od;
               if
               :: wj < SLOTS ->
                   wslot[wj] = SLOT(FREE, 0, 0, KEPT(wslot[wj], GEN(wctl)) + 1, GEN(wctl))
               :: else
               fi;
               whung = (wj == SLOTS);
               wj = 0;
               wsum = 0;
               wbad = 0;
               do
               :: wj < SLOTS ->
                   if
                   :: SGEN(wslot[wj]) == GEN(wctl) ->
                       wsum = wsum + SUCC(wslot[wj]);
                       wbad = wbad || SSTATE(wslot[wj]) == FAILED;
                       whung = whung && SSTATE(wslot[wj]) == HELD
                   :: else
                   fi;
                   wj++
               :: else -> break
               od;
               if
               :: wbad || wsum >= THRESHOLD -> wctl = CTL(OPEN, GEN(wctl) + 1, 0)
               :: else ->
                   if
                   :: whung ->
                       wj = 0;
                       do
                       :: wj < SLOTS && !alive[OWNER(wslot[wj])] -> wj++
                       :: else -> break
                       od;
                       assert(wj < SLOTS); /* the dead never make anyone wait */
                       wclock++
                   :: else
                   fi
               fi
           od;
           assert(GEN(wctl) != GEN(ctl)); /* HALF cannot be wedged */
           wctl = 0; wclock = 0; wtries = 0; wsum = 0; wbad = 0; whung = 0;
           wj = 0;
           do :: wj < SLOTS -> wslot[wj] = 0; wj++ :: else -> break od;
           wj = 0
       }
    od
}

init {
    atomic {
#if ACTORS > 2
        run actor(0, 0, 0);
        run actor(1, 0, 0);
        run actor(2, 1, 1)
#else
        run actor(0, 0, 1);
        run actor(1, 1, 1)
#endif
    }
}
