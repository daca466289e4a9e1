#include "worker/thread_setup.hpp"

#if defined(__linux__) || defined(__APPLE__)
#  include <pthread.h>
#  include <sched.h>
#endif

namespace novasr {

#if defined(__linux__) || defined(__APPLE__)
void set_up_worker_thread(const char* name) noexcept {
#  if defined(__APPLE__)
  pthread_setname_np(name);
#  else
  pthread_setname_np(pthread_self(), name);
#  endif
  const int lowest = sched_get_priority_min(SCHED_RR);
  sched_param priority{};
  priority.sched_priority = lowest + (sched_get_priority_max(SCHED_RR) - lowest) / 4;  // audio servers use 1/2 or more
#  if defined(SCHED_RESET_ON_FORK)
  constexpr int kPolicy = SCHED_RR | SCHED_RESET_ON_FORK;  // threads started by the engine keep normal priority
#  else
  constexpr int kPolicy = SCHED_RR;
#  endif
  (void)pthread_setschedparam(pthread_self(), kPolicy, &priority);
}
#else
void set_up_worker_thread(const char*) noexcept {}
#endif

}  // namespace novasr
