/*
 * confirm.c: what changes much is shown first, and done when a person types a word. Without a terminal nobody can
 * be asked: then --yes has to say it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"

bool ctl_may_ask(const struct ctl *ctl, const char *what)
{
    if (ctl->options & OPTION_YES)
        return true;
    if (ctl->json)
        (void)ctl_fail("%s with --json asks nobody: add --yes to do it", what);
    else if (!isatty(STDIN_FILENO) || !ctl->is_terminal)
        (void)ctl_fail("%s asks before it begins, and this is no terminal: add --yes to do it without", what);
    else
        return true;
    return false;
}

bool ctl_confirm(const char *question, const char *word)
{
    char *line CLEANUP_FREE = NULL;
    size_t size = 0;

    (void)printf("%s", question);
    (void)fflush(stdout); /* it ends without a newline */
    if (getline(&line, &size, stdin) < 0) {
        (void)fputc('\n', stdout);
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    return str_equal(line, word);
}
