/* What only a running plugin has: its clock, and its last words. They go to standard error, which the failure shows. In
 * tests testing/world.c has both. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runwright.h"

#ifdef __wasm__
#include <wasi/api.h>

static void say(const char *text) {
  __wasi_ciovec_t words = {(const uint8_t *)text, strlen(text)};
  __wasi_size_t written;
  (void)!__wasi_fd_write(2, &words, 1, &written);
}

void rw_panic_at(const char *text, const char *file, int line, const char *function) {
  char place[512];
  snprintf(place, sizeof place, "panic: %s at %s:%d in %s\n", text, file, line, function);
  say(place);
  __builtin_trap();
}

uint64_t rw_now_ms(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
#endif
