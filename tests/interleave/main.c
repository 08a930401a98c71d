/*
 * Usage: interleave [--seed N] [--schedules N] [--story NAME] [--half 1|2] [--show] [--first]. Runs every story, or every other one,
 * under that many schedules; the first that goes wrong is printed with its seed, and replayed by --story and --seed with
 * --schedules 1.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stories.h"

static struct {
    uint64_t seed, schedules;
    const char *story;
    unsigned half; /* 0: both */
    bool show, first;
} asked = { .seed = 1, .schedules = 30000 };

bool story_recovers(struct world *world) {
    struct swg_permit permit;
    const struct caller_state *caller = &world->of[0];
    for (unsigned i = 1; i < world->callers && caller->dead; i++)
        caller = &world->of[i];
    if (caller->dead)
        return true;
    swgi_thread = caller->thread;
    for (unsigned i = 0; i < 400; i++) {
        uint64_t ctl = world->cell->ctl;
        if (swgi_ctl_state(ctl) == SWGI_CLOSED && !swgi_ctl_forced(ctl))
            return true;
        bool by_hand = swgi_ctl_state(ctl) == SWGI_OPEN && swgi_ctl_deadline(ctl) == SWGI_NEVER;
        if (by_hand || swgi_ctl_forced(ctl))
            return true;
        swg_panel_advance(caller->panel, 20 * SECOND);
        if (swg_acquire(caller->circuit, NULL, &permit) == SWG_GO)
            swg_record(&permit, SWG_SUCCESS);
    }
    return world_wrong(world, "whoever is left cannot bring it back to CLOSED");
}

static bool run_once(const struct story *story, struct world *world, uint64_t seed) {
    struct swgi_random random;
    swgi_random_init(&random, seed * 2654435761u);
    world_restore(world);
    story->script(world, &random);
    world_run(world, seed, chance(&random, 3) ? 1 + (unsigned)swgi_random_below(&random, 2) : 0);
    if (world->wrong[0] == '\0')
        story->check(world);
    if (world->wrong[0] == '\0' && !asked.show)
        return true;
    printf("%s: seed %lu: %s\n", story->name, seed, world->wrong);
    world_print(world);
    return world->wrong[0] == '\0';
}

static bool tell(const struct story *story) {
    static struct world world;
    uint64_t transitions = 0, kills = 0, before = world_accesses();
    uint64_t given_up = linear_given_up();
    world_begin(&world, story->settings);
    world.show = asked.show;
    story->prepare(&world);
    world_keep(&world);
    bool right = true;
    for (uint64_t i = 0; i < asked.schedules && right; i++) {
        right = run_once(story, &world, asked.seed + i);
        transitions += world.transitions;
        kills += world.kills;
    }
    world_end(&world);
    if (right)
        printf(
            "PASS %s: %lu schedules, %lu accesses, %lu transitions, %lu killed, %lu not decided\n",
            story->name, asked.schedules, world_accesses() - before, transitions, kills,
            linear_given_up() - given_up);
    else
        printf("FAIL %s\n", story->name);
    return right;
}

static void read_arguments(int argc, char **argv) {
    static const struct option options[] = { { "seed", required_argument, NULL, 's' },
                                             { "schedules", required_argument, NULL, 'n' },
                                             { "story", required_argument, NULL, 't' },
                                             { "show", no_argument, NULL, 'v' },
                                             { "first", no_argument, NULL, 'f' },
                                             { "half", required_argument, NULL, 'h' },
                                             { 0 } };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 's')
            asked.seed = strtoull(optarg, NULL, 10);
        else if (c == 'n')
            asked.schedules = strtoull(optarg, NULL, 10);
        else if (c == 't')
            asked.story = optarg;
        else if (c == 'h')
            asked.half = (unsigned)atoi(optarg);
        else if (c == 'f')
            asked.first = true;
        else if (c == 'v')
            asked.show = true;
        else
            exit(64);
    }
}

static bool is_asked_for(const struct story *story, unsigned number) {
    if (asked.half != 0 && number % 2 != asked.half % 2)
        return false;
    return asked.story == NULL || strcmp(asked.story, story->name) == 0;
}

int main(int argc, char **argv) {
    const struct story *const *const chapters[] = { stories_machine, stories_count,
                                                    stories_time,    stories_registry,
                                                    stories_modes,   stories_limiter,
                                                    stories_budget,  stories_bulkhead };
    unsigned passed = 0, failed = 0, number = 0;
    read_arguments(argc, argv);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < sizeof(chapters) / sizeof(*chapters); i++)
        for (const struct story *const *story = chapters[i]; *story != NULL; story++) {
            if (!is_asked_for(*story, ++number))
                continue;
            bool right = tell(*story);
            passed += right;
            failed += !right;
            if (failed != 0 && asked.first)
                return 1;
        }
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed != 0 || passed == 0;
}
