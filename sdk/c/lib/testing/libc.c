/* The C library's clock and random numbers as the engine gives them to a plugin: the clock is the world's, and every run
 * draws the same numbers. The linker takes these functions before those of the system. */
#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"

static uint64_t drawn;

void rw_libc_begin(void) { drawn = 0; }

time_t time(time_t *into) {
  time_t now = (time_t)(rw_world.now_ms / 1000);
  if (into) *into = now;
  return now;
}

int clock_gettime(clockid_t clock, struct timespec *into) {
  (void)clock;
  *into = (struct timespec){(time_t)(rw_world.now_ms / 1000), (long)(rw_world.now_ms % 1000) * 1000000};
  return 0;
}

int gettimeofday(struct timeval *restrict into, void *restrict zone) {
  (void)zone;
  *into = (struct timeval){(time_t)(rw_world.now_ms / 1000), (long)(rw_world.now_ms % 1000) * 1000};
  return 0;
}

int getentropy(void *buffer, size_t length) {
  if (length > 256) {
    errno = EIO;
    return -1;
  }
  /* SplitMix64: not secret, only mixed. */
  for (size_t i = 0; i < length; i++) {
    uint64_t bits = (drawn += 0x9e3779b97f4a7c15);
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    ((uint8_t *)buffer)[i] = (uint8_t)(bits ^ bits >> 31);
  }
  return 0;
}
