/*
 * identity.c: who we are, a presigned proof of it, and reads made together.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cloud/aws/aws-internal.h"
#include "common/js.h"

#define READS_AT_ONCE 8
#define EXPIRES_MAX_S 604800 /* a week: the longest a presigned address may live */

/* ---- who am I ---- */

static int identity_keep(struct aws *aws, struct json_object *answer, struct err *err)
{
    const char *account = js_text(answer, "Account");
    const char *arn = js_text(answer, "Arn");

    if (str_empty(account) || str_empty(arn))
        return err_set(err, -EBADMSG, ERR_BUG, "GetCallerIdentity: the answer names no account");
    if (str_set(&aws->account, account) < 0 || str_set(&aws->arn, arn) < 0)
        return err_no_memory(err);
    return 0;
}

/* May wait. Ask, and note for whose keys the answer holds. */
static int identity_ask(struct aws *aws, struct err *err)
{
    struct json_object *answer CLEANUP_JS = NULL;
    char *whose CLEANUP_FREE = NULL;
    uint64_t generation = aws->chain.generation;
    int r;

    if (str_set(&whose, aws->chain.current.identity) < 0)
        return err_no_memory(err);
    r = aws_call(aws, AWS_STS_GET_CALLER_IDENTITY, NULL, NULL, &answer, err);
    if (r == 0)
        r = identity_keep(aws, answer, err);
    if (r < 0)
        return r;
    /* Keys that changed under the call leave it open whom the answer is about: ask again next time. */
    if (aws->chain.generation != generation && !str_equal(aws->chain.current.identity, whose))
        return str_set(&aws->identity, NULL);
    return str_set(&aws->identity, whose) < 0 ? err_no_memory(err) : 0;
}

int aws_identity(struct aws *aws, const char **ret_account, const char **ret_arn, struct err *err)
{
    int r = aws_chain_ensure(aws, 0, err);

    if (r < 0)
        return err_wrap(err, r, "GetCallerIdentity");
    if (!aws->identity || !str_equal(aws->identity, aws->chain.current.identity)) {
        r = identity_ask(aws, err);
        if (r < 0)
            return r;
    }
    if (ret_account)
        *ret_account = aws->account;
    if (ret_arn)
        *ret_arn = aws->arn;
    return 0;
}

/* ---- presigned ---- */

static int presign(struct aws *aws, const struct aws_endpoint *endpoint, const char *const *headers,
                   uint32_t expires_s, struct secret **ret, struct err *err)
{
    const struct aws_service_info *sts = &aws_services[AWS_SERVICE_STS];
    struct aws_service_state *state = &aws->services[AWS_SERVICE_STS];
    char *query CLEANUP_FREE = str_format("Action=GetCallerIdentity&Version=%s", sts->version);
    struct secret *signed_query CLEANUP_SECRET = NULL;
    struct buf url CLEANUP(buf_wipe) = BUF_INIT(1u << 16);
    struct aws_to_sign what = {.method = "GET",
                               .host = endpoint->host,
                               .path = "/",
                               .query = query,
                               .headers = headers,
                               .service = sts->signing_name,
                               .region = endpoint->region,
                               .time_ms = clock_wall_ms(aws->clock) + state->offset_ms,
                               .keys = &aws->chain.current.keys,
                               .cache = &state->key_cache};
    int r;

    if (!query)
        return err_no_memory(err);
    r = aws_sign_query(&what, expires_s, false, &signed_query, err);
    if (r < 0)
        return r;
    buf_addf(&url, "https://%s/?", endpoint->host);
    if (buf_add(&url, secret_text(signed_query), secret_size(signed_query)) < 0)
        return err_no_memory(err);
    *ret = secret_new(url.data, url.size);
    return *ret ? 0 : err_no_memory(err);
}

/*
 * The host is always the Region's own STS, whatever address is configured for calls: signing asks nobody, and who
 * checks the proof takes no other host.
 */
int aws_presign_identity(struct aws *aws, const char *header_name, const char *header_value,
                         uint32_t expires_s, struct secret **ret, struct err *err)
{
    char *header CLEANUP_FREE = str_format("%s: %s", header_name, header_value);
    const char *headers[] = {header, NULL};
    struct aws_endpoint endpoint CLEANUP(aws_endpoint_done) = {0};
    int r;

    if (expires_s == 0 || expires_s > EXPIRES_MAX_S || str_empty(header_name) ||
        strpbrk(header_value, "\r\n"))
        return err_set(err, -EINVAL, ERR_BUG, "a presigned address needs a header and a time within a week");
    if (!header)
        return err_no_memory(err);
    r = aws_chain_ensure(aws, 0, err);
    if (r == 0)
        r = aws_endpoint_rule(&aws_services[AWS_SERVICE_STS], aws_region(aws), false, false, &endpoint, err);
    if (r == 0)
        r = presign(aws, &endpoint, headers, expires_s, ret, err);
    return r < 0 ? err_wrap(err, r, "GetCallerIdentity, presigned") : 0;
}

/* ---- reads made together ---- */

struct read_job {
    struct aws *aws;
    struct aws_read *read;
};

static void read_run(void *arg)
{
    struct read_job *job = arg;

    job->read->result = aws_call(job->aws, job->read->op, job->read->params, NULL, &job->read->answer,
                                 &job->read->err);
}

int aws_read_all(struct aws *aws, struct aws_read *reads, size_t count, size_t limit)
{
    struct fiber_group group = {.fibers = aws->fibers, .limit = limit ? limit : READS_AT_ONCE};
    struct read_job *jobs CLEANUP_FREE = calloc(count ? count : 1, sizeof *jobs);
    size_t started = 0;
    int waited;
    int r = jobs ? 0 : -ENOMEM;

    for (; r == 0 && started < count; started++) {
        assert(reads[started].op < AWS_OP_MAX && aws_operations[reads[started].op].access == AWS_READ);
        jobs[started] = (struct read_job){.aws = aws, .read = &reads[started]};
        r = fiber_group_spawn(&group, aws_operations[reads[started].op].name, read_run, &jobs[started]);
        if (r < 0)
            break;
    }
    for (size_t i = started; i < count; i++)
        reads[i].result = err_set(&reads[i].err, r, r == -ECANCELED ? ERR_CANCELED : ERR_RETRY,
                                  "%s: not started", aws_operations[reads[i].op].name);
    if (!jobs)
        return r;
    waited = fiber_group_wait(&group);
    return r < 0 ? r : waited;
}

void aws_reads_done(struct aws_read *reads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_object_put(reads[i].params);
        json_object_put(reads[i].answer);
        err_done(&reads[i].err);
        reads[i] = (struct aws_read){0};
    }
}
