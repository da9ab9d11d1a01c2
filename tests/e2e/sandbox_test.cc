// A server in a sandbox that denies it the priorities on which its latency depends: it serves, and
// logs that.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <thread>

#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

// How often `part` occurs in `text`.
size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Forbids the calling thread, and the processes that it starts, to set priorities.
bool ForbidPriorities() {
  constexpr uint32_t kRefused = SECCOMP_RET_ERRNO | EPERM;
  std::array<sock_filter, 5> filter = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setpriority, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setattr, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, kRefused),
  }};
  const sock_fprog program = {.len = filter.size(), .filter = filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

std::string LogOfARun(bool in_sandbox) {
  std::string log;
  // A separate thread starts the server, so that only this thread is in the sandbox.
  std::thread([&] {
    if (in_sandbox && !ForbidPriorities()) return;
    const TemporaryFolder folder;
    auto server = ServerProcess::Start(folder.path() + "/data");
    if (!server.ok()) return;
    log = (*server)->Stop().log;
  }).join();
  return log;
}

TEST(SandboxTest, WhatItForbidsIsSaidOnceByName) {
  const std::string log = LogOfARun(true);
  EXPECT_THAT(log, testing::HasSubstr("event=stopped"));
  EXPECT_EQ(CountOf(log, "event=thread_priority_not_set call=setpriority"), 1U) << log;
  EXPECT_EQ(CountOf(log, "event=thread_priority_not_set call=sched_setattr"), 1U) << log;
}

TEST(SandboxTest, WithoutOneNothingIsSaid) {
  const std::string log = LogOfARun(false);
  EXPECT_THAT(log, testing::HasSubstr("event=stopped"));
  EXPECT_EQ(CountOf(log, "event=thread_priority_not_set"), 0U) << log;
}

}  // namespace
}  // namespace freshet
