// Tells ThreadSanitizer what absl::Mutex and absl::CondVar synchronize.
//
// The packaged Abseil is not built for ThreadSanitizer, which therefore does not see that they
// synchronize anything, and reports all the data they guard as racy. The linker's --wrap routes our
// calls through this file (see the top-level CMakeLists.txt).

#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

// The linker dictates these names, whatever our naming rules say.
// NOLINTBEGIN(bugprone-reserved-identifier)

namespace {

// A condition that absl::Mutex evaluates during a wait, with the mutex held.
struct OrderedCondition {
  absl::Mutex* mutex;
  const absl::Condition* condition;
};

bool Evaluate(OrderedCondition* ordered) {
  __tsan_acquire(ordered->mutex);
  const bool value = ordered->condition->Eval();
  __tsan_release(ordered->mutex);
  return value;
}

}  // namespace

#define FRESHET_REAL(name) __real__ZN4absl7debian3##name
#define FRESHET_WRAP(name) __wrap__ZN4absl7debian3##name

extern "C" {

#define FRESHET_WRAP_LOCK(name)                  \
  void FRESHET_REAL(name)(absl::Mutex * mutex);  \
  void FRESHET_WRAP(name)(absl::Mutex * mutex) { \
    FRESHET_REAL(name)(mutex);                   \
    __tsan_acquire(mutex);                       \
  }

#define FRESHET_WRAP_UNLOCK(name)                \
  void FRESHET_REAL(name)(absl::Mutex * mutex);  \
  void FRESHET_WRAP(name)(absl::Mutex * mutex) { \
    __tsan_release(mutex);                       \
    FRESHET_REAL(name)(mutex);                   \
  }

FRESHET_WRAP_LOCK(5Mutex4LockEv)
FRESHET_WRAP_LOCK(5Mutex10ReaderLockEv)
FRESHET_WRAP_UNLOCK(5Mutex6UnlockEv)
FRESHET_WRAP_UNLOCK(5Mutex12ReaderUnlockEv)

bool FRESHET_REAL(5Mutex7TryLockEv)(absl::Mutex* mutex);
bool FRESHET_WRAP(5Mutex7TryLockEv)(absl::Mutex* mutex) {
  const bool locked = FRESHET_REAL(5Mutex7TryLockEv)(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}

void FRESHET_REAL(5Mutex8LockWhenERKNS0_9ConditionE)(absl::Mutex* mutex,
                                                     const absl::Condition& condition);
void FRESHET_WRAP(5Mutex8LockWhenERKNS0_9ConditionE)(absl::Mutex* mutex,
                                                     const absl::Condition& condition) {
  OrderedCondition ordered{mutex, &condition};
  FRESHET_REAL(5Mutex8LockWhenERKNS0_9ConditionE)(mutex, absl::Condition(&Evaluate, &ordered));
  __tsan_acquire(mutex);
}

void FRESHET_REAL(5Mutex5AwaitERKNS0_9ConditionE)(absl::Mutex* mutex,
                                                  const absl::Condition& condition);
void FRESHET_WRAP(5Mutex5AwaitERKNS0_9ConditionE)(absl::Mutex* mutex,
                                                  const absl::Condition& condition) {
  OrderedCondition ordered{mutex, &condition};
  __tsan_release(mutex);
  FRESHET_REAL(5Mutex5AwaitERKNS0_9ConditionE)(mutex, absl::Condition(&Evaluate, &ordered));
  __tsan_acquire(mutex);
}

bool FRESHET_REAL(5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE)(
    absl::Mutex* mutex, const absl::Condition& condition, absl::Duration timeout);
bool FRESHET_WRAP(5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE)(
    absl::Mutex* mutex, const absl::Condition& condition, absl::Duration timeout) {
  OrderedCondition ordered{mutex, &condition};
  __tsan_release(mutex);
  const bool value = FRESHET_REAL(5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE)(
      mutex, absl::Condition(&Evaluate, &ordered), timeout);
  __tsan_acquire(mutex);
  return value;
}

void FRESHET_REAL(7CondVar4WaitEPNS0_5MutexE)(absl::CondVar* variable, absl::Mutex* mutex);
void FRESHET_WRAP(7CondVar4WaitEPNS0_5MutexE)(absl::CondVar* variable, absl::Mutex* mutex) {
  __tsan_release(mutex);
  FRESHET_REAL(7CondVar4WaitEPNS0_5MutexE)(variable, mutex);
  __tsan_acquire(mutex);
}

bool FRESHET_REAL(7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE)(absl::CondVar* variable,
                                                                        absl::Mutex* mutex,
                                                                        absl::Duration timeout);
bool FRESHET_WRAP(7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE)(absl::CondVar* variable,
                                                                        absl::Mutex* mutex,
                                                                        absl::Duration timeout) {
  __tsan_release(mutex);
  const bool timed_out =
      FRESHET_REAL(7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE)(variable, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}

}  // extern "C"

// NOLINTEND(bugprone-reserved-identifier)
