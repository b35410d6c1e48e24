/*
 * cluster.c: what the client keeps of each cluster: whom to trust, how to say who we are, how many ask at once.
 *
 * A record stands for one address with one certificate authority. A cluster that was rebuilt under its old name has
 * others, and gets a record of its own; the old one is dropped when no call uses it and others were used since.
 *
 * The token is a presigned identity: made here, without the network, good for 15 minutes.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "cloud/kubernetes/kubernetes-internal.h"
#include "common/encode.h"

#define TOKEN_PREFIX     "k8s-aws-v1."
#define TOKEN_MAX        4096u /* the authenticator's own bound */
#define TOKEN_EXPIRES_S  60u   /* what everybody writes; the server goes by the date */
#define AUTHORITY_MARK   "-----BEGIN CERTIFICATE-----"
#define CLUSTER_NAME_MAX 100u

/* ---- records ---- */

static void cluster_free(struct kube_cluster *cluster)
{
    kube_discovery_forget(cluster);
    secret_free(cluster->token);
    free(cluster->name);
    free(cluster->endpoint);
    free(cluster->authority);
    free(cluster->pem);
    free(cluster);
}

/* "https://host", perhaps with a port, and nothing behind: what a token may be sent to. */
static bool is_address(const char *url)
{
    return str_starts(url, "https://") && url[8] != '\0' && !strpbrk(url + 8, "/?#@ ");
}

static int check_cluster(const struct kubernetes_cluster *which, struct err *err)
{
    size_t size = which->name ? strlen(which->name) : 0;

    if (size == 0 || size > CLUSTER_NAME_MAX ||
        strspn(which->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != size)
        return err_set(err, -EINVAL, ERR_INVALID, "\"%.80s\" is no name of an EKS cluster",
                       which->name ? which->name : "");
    if (!which->endpoint || !is_address(which->endpoint))
        return err_set(err, -EINVAL, ERR_INVALID,
                       "cluster %s: \"%.200s\" is no https:// address of an API server", which->name,
                       which->endpoint ? which->endpoint : "");
    return 0;
}

static int decode_authority(struct kube_cluster *cluster, struct err *err)
{
    unsigned char *pem = NULL;
    int r = decode_base64(cluster->authority, &pem, &cluster->pem_size);

    cluster->pem = (char *)pem;
    if (r == -ENOMEM)
        return err_no_memory(err);
    if (r < 0 || !strstr(cluster->pem, AUTHORITY_MARK))
        return err_set(err, -EINVAL, ERR_INVALID,
                       "cluster %s: its certificate authority is not base64 of a PEM certificate",
                       cluster->name);
    return 0;
}

static int cluster_new(const struct kubernetes_cluster *which, struct kube_cluster **ret, struct err *err)
{
    const char *authority = which->certificate_authority ? which->certificate_authority : "";
    struct kube_cluster *cluster;
    int r;

    r = check_cluster(which, err);
    if (r < 0)
        return r;
    cluster = calloc(1, sizeof(*cluster));
    if (!cluster)
        return err_no_memory(err);
    if (str_set(&cluster->name, which->name) < 0 || str_set(&cluster->endpoint, which->endpoint) < 0 ||
        str_set(&cluster->authority, authority) < 0)
        r = err_no_memory(err);
    if (r == 0)
        r = decode_authority(cluster, err);
    if (r < 0) {
        cluster_free(cluster);
        return r;
    }
    *ret = cluster;
    return 0;
}

static bool is_same(const struct kube_cluster *cluster, const struct kubernetes_cluster *which)
{
    return str_equal(cluster->name, which->name) && str_equal(cluster->endpoint, which->endpoint) &&
           str_equal(cluster->authority, which->certificate_authority);
}

/* Take the record of @which out of the list; NULL when there is none. */
static struct kube_cluster *take_out(struct kubernetes *kubernetes, const struct kubernetes_cluster *which)
{
    for (struct kube_cluster **p = &kubernetes->clusters; *p; p = &(*p)->next) {
        struct kube_cluster *cluster = *p;

        if (is_same(cluster, which)) {
            *p = cluster->next;
            return cluster;
        }
    }
    return NULL;
}

/* Of those that nobody uses, keep the last used ones. */
static void drop_old(struct kubernetes *kubernetes)
{
    struct kube_cluster **p = &kubernetes->clusters;
    size_t count = 0;

    while (*p) {
        struct kube_cluster *cluster = *p;

        if (++count <= KUBE_CLUSTERS_KEPT || cluster->users > 0) {
            p = &cluster->next;
            continue;
        }
        *p = cluster->next;
        cluster_free(cluster);
    }
}

int kube_cluster_enter(struct kubernetes *kubernetes, const struct kubernetes_cluster *which,
                       struct kube_cluster **ret, struct err *err)
{
    struct kube_cluster *cluster = take_out(kubernetes, which);
    int r = 0;

    if (!cluster)
        r = cluster_new(which, &cluster, err);
    if (r < 0)
        return r;
    cluster->next = kubernetes->clusters;
    kubernetes->clusters = cluster;
    cluster->users++;
    drop_old(kubernetes);
    *ret = cluster;
    return 0;
}

void kube_cluster_leave(struct kube_cluster *cluster)
{
    assert(cluster->users > 0);
    cluster->users--;
}

void kube_clusters_free(struct kubernetes *kubernetes)
{
    while (kubernetes->clusters) {
        struct kube_cluster *cluster = kubernetes->clusters;

        assert(cluster->users == 0 && cluster->slots.taken == 0);
        kubernetes->clusters = cluster->next;
        cluster_free(cluster);
    }
}

/* ---- tokens ---- */

static struct secret *token_of(const struct secret *url)
{
    struct buf text CLEANUP(buf_wipe) = BUF_INIT(1u << 17);
    char *encoded = encode_base64url(secret_text(url), secret_size(url));

    if (!encoded)
        return NULL;
    (void)buf_add_text(&text, TOKEN_PREFIX); /* a failed buffer stays failed */
    (void)buf_add_text(&text, encoded);
    sodium_memzero(encoded, strlen(encoded));
    free(encoded);
    return text.failed ? NULL : secret_new(text.data, text.size);
}

static int token_make(struct kubernetes *kubernetes, struct kube_cluster *cluster, struct err *err)
{
    struct secret *url CLEANUP_SECRET = NULL;
    struct secret *token;
    int r;

    r = aws_presign_identity(kubernetes->aws, "x-k8s-aws-id", cluster->name, TOKEN_EXPIRES_S, &url, err);
    if (r < 0)
        return err_wrap(err, r, "token for cluster %s", cluster->name);
    token = token_of(url);
    if (!token)
        return err_no_memory(err);
    if (secret_size(token) > TOKEN_MAX) {
        secret_free(token);
        return err_set(
            err, -EMSGSIZE, ERR_CREDENTIALS,
            "token for cluster %s: longer than a cluster takes (%u bytes): the AWS session token is "
            "too long, use a role with fewer session tags",
            cluster->name, TOKEN_MAX);
    }
    secret_free(cluster->token);
    cluster->token = token;
    cluster->token_made_ms = clock_monotonic_ms(kubernetes->clock);
    cluster->token_number++;
    return 0;
}

int kube_token_write(struct kubernetes *kubernetes, struct kube_cluster *cluster, struct buf *buf,
                     uint64_t *ret_number, struct err *err)
{
    uint64_t now_ms = clock_monotonic_ms(kubernetes->clock);
    int r = 0;

    if (!cluster->token || now_ms - cluster->token_made_ms >= KUBE_TOKEN_AGE_MS)
        r = token_make(kubernetes, cluster, err);
    if (r < 0)
        return r;
    *ret_number = cluster->token_number;
    (void)buf_add_text(buf, "Authorization: Bearer ");
    if (buf_add(buf, secret_text(cluster->token), secret_size(cluster->token)) < 0)
        return err_no_memory(err);
    return 0;
}

void kube_token_drop(struct kube_cluster *cluster, uint64_t number)
{
    if (cluster->token_number == number)
        cluster->token = secret_free(cluster->token);
}
