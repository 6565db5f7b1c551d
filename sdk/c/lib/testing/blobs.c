/* Blobs, by the SHA-256 of their contents. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"

enum { MOST = 256 };

static struct { const char *name; plugin_list_u8_t contents; } blobs[MOST];
static size_t count;

void rw_blobs_begin(void) { count = 0; }

/* ---- SHA-256: FIPS 180-4 ---- */

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turned(uint32_t word, int by) { return word >> by | word << (32 - by); }

static void mix(uint32_t state[8], const uint8_t *block) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++) {
    w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) + w[i - 7] + (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
  }
  memcpy(s, state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t one = s[7] + (turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
    uint32_t two = (turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += one;
    s[0] = one + two;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

const char *rw_sha256(const void *data, size_t length) {
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  /* A one, zeros, and the number of bits fill the last block. */
  size_t whole = (length + 9 + 63) / 64 * 64;
  uint8_t *bytes = calloc(1, whole);
  if (!bytes) abort();
  if (length) memcpy(bytes, data, length);
  bytes[length] = 0x80;
  for (int i = 0; i < 8; i++) bytes[whole - 1 - i] = (uint8_t)((uint64_t)length * 8 >> 8 * i);
  for (size_t at = 0; at < whole; at += 64) mix(state, bytes + at);
  free(bytes);
  return rw_say("%08x%08x%08x%08x%08x%08x%08x%08x", state[0], state[1], state[2], state[3], state[4], state[5], state[6],
                state[7]);
}

/* ---- blobs ---- */

static bool put_blob(plugin_list_u8_t *contents, plugin_string_t *ret) {
  if (count == MOST) {
    fprintf(stderr, "the world of tests keeps at most %d blobs\n", MOST);
    exit(1);
  }
  blobs[count].name = rw_say("sha256:%s", rw_sha256(contents->ptr, contents->len));
  blobs[count].contents = (plugin_list_u8_t){rw_keep(contents->ptr, contents->len), contents->len};
  *ret = rw_wire(blobs[count++].name);
  return true;
}

bool runwright_plugin_blobs_put(plugin_list_u8_t *contents, plugin_string_t *ret, rw_wire_error *err) {
  const char *request =
      rw_say("{\"blobs\":{\"put\":{\"contents\":%s}}}", rw_quoted_bytes(contents->ptr, contents->len));
  RW_CALL("blobs.put", request, ret, sizeof *ret, err, put_blob(contents, ret), rw_say("{\"name\":%s}", rw_quoted(*ret)));
}

static bool get_blob(plugin_string_t *name, uint64_t offset, size_t length, plugin_list_u8_t *ret, rw_wire_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(rw_said(*name), blobs[i].name)) continue;
    size_t whole = blobs[i].contents.len, from = offset < whole ? (size_t)offset : whole;
    *ret = (plugin_list_u8_t){blobs[i].contents.ptr + from, length < whole - from ? length : whole - from};
    return true;
  }
  return rw_not_found(err, rw_say("there is no blob `%s`", rw_said(*name)));
}

bool runwright_plugin_blobs_get(plugin_string_t *name, uint64_t offset, uint32_t length, plugin_list_u8_t *ret,
                                rw_wire_error *err) {
  const char *request = rw_say("{\"blobs\":{\"get\":{\"name\":%s,\"offset\":%llu,\"length\":%u}}}", rw_quoted(*name),
                               (unsigned long long)offset, (unsigned)length);
  RW_CALL("blobs.get", request, ret, sizeof *ret, err, get_blob(name, offset, length, ret, err),
          rw_say("{\"contents\":%s}", rw_quoted_bytes(ret->ptr, ret->len)));
}

static bool size_of(plugin_string_t *name, uint64_t *ret, rw_wire_error *err) {
  plugin_list_u8_t whole;
  bool found = get_blob(name, 0, SIZE_MAX, &whole, err);
  if (found) *ret = whole.len;
  return found;
}

bool runwright_plugin_blobs_size(plugin_string_t *name, uint64_t *ret, rw_wire_error *err) {
  const char *request = rw_say("{\"blobs\":{\"size\":{\"name\":%s}}}", rw_quoted(*name));
  RW_CALL("blobs.size", request, ret, sizeof *ret, err, size_of(name, ret, err),
          rw_say("{\"size\":%llu}", (unsigned long long)*ret));
}
