/*
 * test_crypto.c: digests, random bytes, secrets, seals, sealed boxes.
 *
 * OpenSSL's memory goes through a switch here, so that digests can be asked
 * for while it has none. Expected seal names and fingerprints were computed
 * with another implementation of BLAKE2b; check_common.py repeats that for
 * random keys.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crypto.h"
#include "common/encode.h"
#include "common/str.h"

DEFINE_CLEANUP(struct seal_key *, seal_key_free)
#define CLEANUP_KEY CLEANUP(seal_key_freep)

static bool openssl_has_memory = true;

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return openssl_has_memory ? malloc(size) : NULL;
}

static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return openssl_has_memory ? realloc(old, size) : NULL;
}

static void openssl_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    free(old);
}

static struct seal_key *counting_key(void)
{
    unsigned char bytes[SEAL_KEY_SIZE];
    struct seal_key *key;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)i;
    key = seal_key_new(bytes);
    assert_non_null(key);
    return key;
}

static void assert_digest(const unsigned char digest[DIGEST_SIZE], const char *expected)
{
    char *hex CLEANUP_FREE = encode_hex(digest, DIGEST_SIZE);

    assert_string_equal(hex, expected);
}

static void check_sha256(void)
{
    unsigned char digest[DIGEST_SIZE];
    char *million = malloc(1000000);

    assert_non_null(million);
    digest_sha256("", 0, digest);
    assert_digest(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_sha256("abc", 3, digest);
    assert_digest(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    memset(million, 'a', 1000000);
    digest_sha256(million, 1000000, digest);
    assert_digest(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

/* RFC 4231, cases 1, 2 and 6; an empty key; a long one; a key that stands where the digest goes. */
static void check_hmac(void)
{
    unsigned char digest[DIGEST_SIZE], key[5000];

    memset(key, 0x0b, 20);
    digest_hmac_sha256(key, 20, "Hi There", 8, digest);
    assert_digest(digest, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    digest_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, digest);
    assert_digest(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, 131);
    digest_hmac_sha256(key, 131, "Test Using Larger Than Block-Size Key - Hash Key First", 54, digest);
    assert_digest(digest, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    digest_hmac_sha256(NULL, 0, "", 0, digest);
    assert_digest(digest, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    memset(key, 'k', sizeof(key));
    digest_hmac_sha256(key, sizeof(key), "data", 4, digest);
    assert_digest(digest, "f1a6de59936415a63595274d328e57a68f7ce3940a9fec367d720ed2dffd8389");
    digest_hmac_sha256(digest, sizeof(digest), "more", 4, digest);
    assert_digest(digest, "b25aea105610f52653564f6d88b3225f9382055a93c07fbc4a1c79376dbee521");
}

static void digests_match_published_vectors(void **state)
{
    char *text CLEANUP_FREE = digest_text("abc");

    (void)state;
    check_sha256();
    check_hmac();
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void digests_need_no_memory(void **state)
{
    (void)state;
    openssl_has_memory = false;
    assert_null(CRYPTO_malloc(1, "", 0));
    check_sha256();
    check_hmac();
    openssl_has_memory = true;
}

static void random_bytes_fill_and_differ(void **state)
{
    unsigned char a[64] = {0}, b[64] = {0};

    (void)state;
    random_fill(a, sizeof(a));
    random_fill(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    random_fill(a, 0);
}

static void random_hex_has_the_length_asked_for(void **state)
{
    unsigned seen[16] = {0};

    (void)state;
    for (size_t length = 0; length < 70; length++) {
        char *text CLEANUP_FREE = random_hex(length);

        assert_int_equal(strlen(text), length);
        assert_int_equal(strspn(text, "0123456789abcdef"), length);
        for (size_t i = 0; i < length; i++)
            seen[strchr("0123456789abcdef", text[i]) - "0123456789abcdef"]++;
    }
    for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
        assert_true(seen[i] > 60); /* 151 on average */
}

static void random_below_stays_below_and_reaches_all(void **state)
{
    unsigned seen[7] = {0};

    (void)state;
    for (int i = 0; i < 7000; i++) {
        uint32_t number = random_below(7);

        assert_true(number < 7);
        seen[number]++;
    }
    for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
        assert_true(seen[i] > 700);
    assert_int_equal(random_below(1), 0);
}

static void secrets_hold_bytes_and_a_nul(void **state)
{
    struct secret *text CLEANUP_SECRET = secret_new_text("pass\xc3\xa4");
    struct secret *bytes CLEANUP_SECRET = secret_new("a\0b", 3);
    struct secret *empty CLEANUP_SECRET = secret_new(NULL, 0);

    (void)state;
    assert_int_equal(secret_size(text), 6);
    assert_string_equal(secret_text(text), "pass\xc3\xa4");
    assert_int_equal(secret_size(bytes), 3);
    assert_memory_equal(secret_text(bytes), "a\0b", 4);
    assert_int_equal(secret_size(empty), 0);
    assert_string_equal(secret_text(empty), "");
    assert_null(secret_new("x", SIZE_MAX));
    assert_null(secret_free(NULL));
}

static void secrets_of_every_small_size_fit(void **state)
{
    char plain[130];

    (void)state;
    memset(plain, 's', sizeof(plain));
    for (size_t size = 0; size <= sizeof(plain); size++) {
        struct secret *secret CLEANUP_SECRET = secret_new(plain, size);

        assert_memory_equal(secret_text(secret), plain, size);
        assert_int_equal(secret_text(secret)[size], 0);
        assert_int_equal((uintptr_t)secret % _Alignof(size_t), 0);
    }
}

static void secrets_are_compared_by_content(void **state)
{
    struct secret *a CLEANUP_SECRET = secret_new_text("one");
    struct secret *b CLEANUP_SECRET = secret_copy(a);
    struct secret *other CLEANUP_SECRET = secret_new_text("onf");
    struct secret *longer CLEANUP_SECRET = secret_new_text("one ");

    (void)state;
    assert_ptr_not_equal(a, b);
    assert_true(secret_equal(a, b));
    assert_false(secret_equal(a, other));
    assert_false(secret_equal(a, longer));
    assert_false(secret_equal(a, NULL));
    assert_true(secret_equal(NULL, NULL));
}

/* In a child: touching @at must end it by a signal. */
static void assert_touching_kills(volatile char *at, bool write_it)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would print */
        (void)signal(SIGBUS, SIG_DFL);
        if (write_it)
            *at = 'x';
        _exit(*at == 'x' ? 1 : 2);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void secrets_are_read_only_and_fenced(void **state)
{
    struct secret *secret CLEANUP_SECRET = secret_new_text("pass");
    char *text = (char *)(uintptr_t)secret_text(secret);

    (void)state;
    assert_touching_kills(text, true);
    assert_touching_kills(text + 16, false);
}

/* A block is used again: nothing of the last secret shows, and the fences stand. */
static void secrets_leave_nothing_for_the_next(void **state)
{
    struct secret *first = secret_new_text("a password of 24 letters"), *second, *others[40];
    const char *place = secret_text(first);
    char *text;

    (void)state;
    secret_free(first);
    for (size_t i = 0; i < sizeof("a password of 24 letters"); i++)
        assert_int_equal(place[i], 0); /* wiped, and still ours */
    second = secret_new_text("another, of 24 letters..");
    assert_ptr_equal(secret_text(second), place);
    text = (char *)(uintptr_t)secret_text(second);
    assert_string_equal(text, "another, of 24 letters..");
    assert_touching_kills(text, true);
    assert_touching_kills(text + 32, false);
    for (size_t i = 0; i < 40; i++) /* more than are kept */
        others[i] = secret_new_text("a password of 24 letters");
    for (size_t i = 0; i < 40; i++) {
        assert_string_equal(secret_text(others[i]), "a password of 24 letters");
        secret_free(others[i]);
    }
    secret_free(second);
}

static void sealed_records_open_again(void **state)
{
    struct seal_key *key CLEANUP_KEY = counting_key();
    char plain[300];

    (void)state;
    memset(plain, 'p', sizeof(plain));
    for (size_t size = 0; size <= sizeof(plain); size += 50) {
        struct secret *secret CLEANUP_SECRET = NULL;
        unsigned char *sealed CLEANUP_FREE = NULL;
        size_t sealed_size = 0;

        assert_int_equal(seal(key, "secrets/7/value", plain, size, &sealed, &sealed_size), 0);
        assert_int_equal(sealed_size, size + SEAL_OVERHEAD);
        assert_int_equal(unseal(key, "secrets/7/value", sealed, sealed_size, &secret, NULL), 0);
        assert_int_equal(secret_size(secret), size);
        assert_memory_equal(secret_text(secret), plain, size);
    }
}

static void seals_of_one_text_differ(void **state)
{
    struct seal_key *key CLEANUP_KEY = counting_key();
    unsigned char *a CLEANUP_FREE = NULL, *b CLEANUP_FREE = NULL;
    size_t size;

    (void)state;
    assert_int_equal(seal(key, "p", "text", 4, &a, &size), 0);
    assert_int_equal(seal(key, "p", "text", 4, &b, &size), 0);
    assert_memory_not_equal(a, b, 24);
    assert_memory_not_equal(a + 24, b + 24, size - 24);
}

static void assert_does_not_open(const struct seal_key *key, const char *place, const void *sealed,
                                 size_t size)
{
    struct secret *secret = NULL;
    struct err err CLEANUP_ERR = {0};

    assert_int_equal(unseal(key, place, sealed, size, &secret, &err), -EBADMSG);
    assert_int_equal(err.class, ERR_BUG);
    assert_non_null(strstr(err.text, place));
    assert_null(strstr(err.text, "password"));
    assert_null(secret);
}

static void a_seal_binds_key_place_and_every_byte(void **state)
{
    unsigned char other_bytes[SEAL_KEY_SIZE] = {1};
    struct seal_key *key CLEANUP_KEY = counting_key();
    struct seal_key *other CLEANUP_KEY = seal_key_new(other_bytes);
    unsigned char *sealed CLEANUP_FREE = NULL;
    size_t size;

    (void)state;
    assert_int_equal(seal(key, "t/1/v", "password", 8, &sealed, &size), 0);
    assert_does_not_open(other, "t/1/v", sealed, size);
    assert_does_not_open(key, "t/2/v", sealed, size);
    assert_does_not_open(key, "t/1/v ", sealed, size);
    for (size_t cut = 0; cut < size; cut++)
        assert_does_not_open(key, "t/1/v", sealed, cut);
    for (size_t bit = 0; bit < size * 8; bit++) {
        sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_does_not_open(key, "t/1/v", sealed, size);
        sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

static void keys_have_names_that_do_not_tell_them(void **state)
{
    struct seal_key *key CLEANUP_KEY = counting_key();

    (void)state;
    assert_string_equal(seal_key_id(key), "968c5c5c822c34fb");
    assert_null(seal_key_free(NULL));
}

static void fingerprints_tell_equal_from_different(void **state)
{
    unsigned char other_bytes[SEAL_KEY_SIZE] = {1};
    struct seal_key *key CLEANUP_KEY = counting_key();
    struct seal_key *other CLEANUP_KEY = seal_key_new(other_bytes);
    char *print CLEANUP_FREE = seal_fingerprint(key, "github_actions_secret", "value", 5);
    char *by_other CLEANUP_FREE = seal_fingerprint(other, "github_actions_secret", "value", 5);
    char *shifted CLEANUP_FREE = seal_fingerprint(key, "github_actions_secretv", "alue", 4);
    char *empty CLEANUP_FREE = seal_fingerprint(key, "", NULL, 0);

    (void)state;
    assert_string_equal(print, "66a8c69de2b2c3aab05734cb19ac576a");
    assert_string_not_equal(print, by_other);
    assert_string_not_equal(print, shifted);
    assert_int_equal(strlen(empty), 32);
}

static void sealed_boxes_open_with_the_private_key(void **state)
{
    unsigned char public_key[crypto_box_PUBLICKEYBYTES], private_key[crypto_box_SECRETKEYBYTES];
    unsigned char *box CLEANUP_FREE = NULL;
    unsigned char plain[8];
    size_t size;

    (void)state;
    crypto_box_keypair(public_key, private_key);
    assert_int_equal(sealed_box(public_key, "password", 8, &box, &size), 0);
    assert_int_equal(size, 8 + 48);
    assert_int_equal(crypto_box_seal_open(plain, box, size, public_key, private_key), 0);
    assert_memory_equal(plain, "password", 8);
    box[0] ^= 1;
    assert_int_not_equal(crypto_box_seal_open(plain, box, size, public_key, private_key), 0);
}

static void sealed_boxes_may_be_empty(void **state)
{
    unsigned char public_key[crypto_box_PUBLICKEYBYTES], private_key[crypto_box_SECRETKEYBYTES];
    unsigned char *box CLEANUP_FREE = NULL;
    unsigned char plain[1];
    size_t size;

    (void)state;
    crypto_box_keypair(public_key, private_key);
    assert_int_equal(sealed_box(public_key, NULL, 0, &box, &size), 0);
    assert_int_equal(crypto_box_seal_open(plain, box, size, public_key, private_key), 0);
}

static void sealed_boxes_refuse_a_public_key_of_zeros(void **state)
{
    unsigned char zeros[crypto_box_PUBLICKEYBYTES] = {0};
    unsigned char *box = NULL;
    size_t size = 42;

    (void)state;
    assert_int_equal(sealed_box(zeros, "x", 1, &box, &size), -EINVAL);
    assert_null(box);
    assert_int_equal(size, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_match_published_vectors),
        cmocka_unit_test(digests_need_no_memory),
        cmocka_unit_test(random_bytes_fill_and_differ),
        cmocka_unit_test(random_hex_has_the_length_asked_for),
        cmocka_unit_test(random_below_stays_below_and_reaches_all),
        cmocka_unit_test(secrets_hold_bytes_and_a_nul),
        cmocka_unit_test(secrets_of_every_small_size_fit),
        cmocka_unit_test(secrets_are_compared_by_content),
        cmocka_unit_test(secrets_are_read_only_and_fenced),
        cmocka_unit_test(secrets_leave_nothing_for_the_next),
        cmocka_unit_test(sealed_records_open_again),
        cmocka_unit_test(seals_of_one_text_differ),
        cmocka_unit_test(a_seal_binds_key_place_and_every_byte),
        cmocka_unit_test(keys_have_names_that_do_not_tell_them),
        cmocka_unit_test(fingerprints_tell_equal_from_different),
        cmocka_unit_test(sealed_boxes_open_with_the_private_key),
        cmocka_unit_test(sealed_boxes_may_be_empty),
        cmocka_unit_test(sealed_boxes_refuse_a_public_key_of_zeros),
    };

    /* Only before OpenSSL's first allocation. */
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1 || crypto_setup() < 0)
        return EXIT_FAILURE;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
