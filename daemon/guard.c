/*
 * guard.c: before anything else in a pass: are these the right account and a
 * usable token? "Everything is gone" is nearly always a wrong profile, so the wrong
 * account stops the whole platform before the first look, not only before the first write.
 */
#include "common/js.h"
#include "common/log.h"
#include "common/str.h"
#include "daemon/clients.h"
#include "daemon/daemon.h"

/** Keep the reason why nothing moves; tell it once, and once when it is over. */
static void set_problem(struct platform *platform, const char *text, enum err_class class)
{
    bool told = platform->problem && platform->problem_passes >= report_patience(platform->problem_class);

    if (!text) {
        if (told)
            report(platform, &(struct report){.event = EVENT_UNBLOCKED}, "no longer in the way: %s",
                   platform->problem);
        (void)str_set(&platform->problem, NULL);
        platform->problem_passes = 0;
        return;
    }
    if (!str_equal(platform->problem, text))
        platform->problem_passes = 0;
    if (str_set(&platform->problem, text) < 0)
        return; /* no memory: the flags still block, the text follows next pass */
    platform->problem_class = class;
    platform->problem_passes++;
    if (platform->problem_passes == report_patience(class))
        report(platform, &(struct report){.event = EVENT_BLOCKED}, "%s", text);
}

static int check_aws(struct platform *platform, struct err *err)
{
    const char *account = NULL, *arn = NULL;
    const char *wanted = platform->graph->aws.account_id;
    int r;

    r = clients_ready_aws(platform, err);
    if (r < 0)
        return r;
    if (!platform->clouds.aws)
        return 0;
    r = aws_identity(platform->clouds.aws, &account, &arn, err);
    if (r < 0)
        return err_wrap(err, r, "AWS");
    if (wanted && !str_equal(account, wanted))
        return err_set(err, -EPERM, ERR_CONFLICT,
                       "wrong AWS account: the credentials are %s of account %s, but %s says account_id %s; "
                       "nothing is touched until they agree",
                       arn ? arn : "?", account ? account : "?", platform->file, wanted);
    return 0;
}

void guard_check(struct platform *platform)
{
    struct err aws_err CLEANUP_ERR = {0}, github_err CLEANUP_ERR = {0};
    char *both CLEANUP_FREE = NULL;

    platform->aws_blocked = check_aws(platform, &aws_err) < 0;
    platform->github_blocked = clients_ready_github(platform, &github_err) < 0;
    if (platform->aws_blocked && aws_err.class == ERR_CONFLICT)
        platform->github_blocked = true; /* wrong account: nothing at all */
    if (platform->aws_blocked && github_err.text) {
        both = str_format("%s; %s", err_text(&aws_err), err_text(&github_err));
        set_problem(platform, both, aws_err.class);
    } else if (platform->aws_blocked) {
        set_problem(platform, err_text(&aws_err), aws_err.class);
    } else if (platform->github_blocked) {
        set_problem(platform, err_text(&github_err), github_err.class);
    } else {
        set_problem(platform, NULL, ERR_RETRY);
    }
}
