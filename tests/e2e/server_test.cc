// freshetd as a process: start, stop, options, and the messages when it cannot start.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Freshetd() { return BinaryDir() + "/freshetd"; }

TEST(ServerTest, ServesAtOnceAndStopsCleanly) {
  const TemporaryFolder folder;
  auto server = ServerProcess::Start(folder.path() + "/data");
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT((*server)->address(), StartsWith("127.0.0.1:"));
  struct stat info = {};
  ASSERT_EQ(stat((folder.path() + "/data").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  const ExitState state = (*server)->Stop();
  EXPECT_EQ(state.code, 0) << state.log;
  EXPECT_THAT(state.log, HasSubstr("event=serving"));
  EXPECT_THAT(state.log, HasSubstr("event=stopped"));
}

TEST(ServerTest, ASecondServerOnTheSameFolderIsRefused) {
  const TemporaryFolder folder;
  auto first = ServerProcess::Start(folder.path());
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = ServerProcess::Start(folder.path());
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(folder.path()));
}

TEST(ServerTest, ATakenPortIsOneClearLine) {
  const TemporaryFolder folder;
  auto first = ServerProcess::Start(folder.path() + "/a");
  ASSERT_TRUE(first.ok()) << first.status();
  const CommandResult second = RunCommand({Freshetd(), "--listen=" + (*first)->address(),
                                           "--http=off", "--data-dir=" + folder.path() + "/b"});
  EXPECT_EQ(second.code, 69);
  EXPECT_EQ(
      second.err,
      "freshetd: cannot listen on " + (*first)->address() +
          ": Address already in use; is another server running there? choose another address with "
          "--listen\n");
}

TEST(ServerTest, ATakenHttpPortIsOneClearLine) {
  const TemporaryFolder folder;
  auto first = ServerProcess::Start(folder.path() + "/a");
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string taken = (*first)->http_address();
  ASSERT_THAT(taken, StartsWith("127.0.0.1:"));
  const CommandResult second = RunCommand({Freshetd(), "--listen=127.0.0.1:0", "--http=" + taken,
                                           "--data-dir=" + folder.path() + "/b"});
  EXPECT_EQ(second.code, 69);
  EXPECT_EQ(second.err, "freshetd: cannot listen on " + taken +
                            " for HTTP (Address already in use); is another server running there? "
                            "choose another address with --http, or --http=off\n");
}

TEST(ServerTest, HttpCanBeTurnedOff) {
  const TemporaryFolder folder;
  auto server = ServerProcess::Start(folder.path(), {"--http=off"});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ((*server)->http_address(), "");
  EXPECT_THAT((*server)->Log(), HasSubstr("http=off"));
}

TEST(ServerTest, BadConfigAndFlagsAreRefusedByName) {
  const TemporaryFolder folder;
  const std::string config = folder.path() + "/config.textproto";
  std::ofstream(config) << "snapshots { keep_count: 0 }";
  CommandResult result = RunCommand({Freshetd(), "--config=" + config});
  EXPECT_EQ(result.code, 78);
  EXPECT_THAT(result.err, HasSubstr("snapshots.keep_count is 0"));
  result = RunCommand({Freshetd(), "--log-level=loud"});
  EXPECT_EQ(result.code, 78);
  EXPECT_THAT(result.err, HasSubstr("loud"));
  result = RunCommand({Freshetd(), "--http=loopback", "--data-dir=" + folder.path()});
  EXPECT_EQ(result.code, 78);
  EXPECT_THAT(result.err,
              HasSubstr("http is \"loopback\": the port is missing; it must be host:port"));
  result = RunCommand({Freshetd(), "--listne=x"});
  EXPECT_EQ(result.code, 64);
  EXPECT_THAT(result.err, HasSubstr("--listne"));
}

TEST(ServerTest, AnUnwritableFolderIsRefusedByName) {
  const CommandResult result =
      RunCommand({Freshetd(), "--listen=127.0.0.1:0", "--data-dir=/proc/nowhere"});
  EXPECT_NE(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("/proc/nowhere"));
}

TEST(ServerTest, HelpAndVersionSucceed) {
  const CommandResult help = RunCommand({Freshetd(), "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, HasSubstr("--data-dir"));
  const CommandResult version = RunCommand({Freshetd(), "--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, StartsWith("freshetd "));
}

}  // namespace
}  // namespace freshet
