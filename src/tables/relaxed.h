/* Every access that is weaker than sequentially consistent, and why it may be. Read through base/atomic.h. */
SWGI_RELAXED(COLUMN, "a column has one writer; its counters are monotone and each is valid alone; a reader's sum is "
                     "promised only within one call per thread")
SWGI_RELAXED(COLUMN_SHARED, "the shared column is added to atomically; nothing else is ordered by it")
SWGI_RELAXED(COUNTER, "a statistic; nothing is decided by its order against other words")
SWGI_RELAXED(FAST_SETTING, "a single word valid alone: a stale value sends the caller to the slow path or is one call late")
SWGI_RELAXED(HANDLE, "process-private; the word it guards is re-checked by life")
SWGI_RELAXED(SEQLOCK_DATA, "data under a sequence and a checksum that are both verified after the copy")
SWGI_RELAXED(STAMP, "a rate limit on extra work; a stale value only repeats the work")
SWGI_RELAXED(SETTING, "the second read of a sequence; the acquiring reads of the data stand before it")
SWGI_RELAXED(HINT, "a bound for scans that is verified by what is found")
