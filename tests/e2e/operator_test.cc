// Operators' mistakes, and attacks by other users of their machine: nothing is let in, overwritten,
// blocked or lost silently.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "client/client.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "tests/support/file_text.h"
#include "tests/support/model_dir.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string ServerProgram() { return BinaryDir() + "/freshetd"; }

CommandResult Shell(const std::string& line) { return RunCommand({"/bin/sh", "-c", line}); }

class OperatorTest : public ServerFixture {
 protected:
  // Runs another server on the same folder, which must fail.
  CommandResult StartAnother(const std::string& data_dir) const {
    return RunCommand({"/usr/bin/timeout", "20", ServerProgram(), "--listen=127.0.0.1:0",
                       "--http=off", "--data-dir=" + data_dir});
  }

  // Adds a token to a file and returns its secret.
  std::string AddToken(const std::string& path, const std::string& role) const {
    const CommandResult made =
        RunCommand({ServerProgram(), "token", role, "--role", role, "--file", path});
    EXPECT_EQ(made.code, 0) << made.err;
    return made.out.substr(0, made.out.size() - 1);
  }

  // Waits until `count` Learn streams are open.
  void AwaitOpenStreams(const std::string& admin, int count) const {
    httplib::Client http("http://" + server_->http_address());
    http.set_bearer_token_auth(admin);
    const std::string line = "freshet_learn_streams " + std::to_string(count) + "\n";
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    for (auto page = http.Get("/metrics"); !page || page->body.find(line) == std::string::npos;
         page = http.Get("/metrics")) {
      ASSERT_LT(absl::Now(), deadline) << (page ? page->body : "no answer");
      absl::SleepFor(absl::Milliseconds(5));
    }
  }

  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
};

TEST_F(OperatorTest, RemovingTheLockFileLetsNobodyIn) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  std::filesystem::remove(data_dir_ + "/LOCK");
  const CommandResult second = StartAnother(data_dir_);
  EXPECT_EQ(second.code, 69) << second.err;
  EXPECT_THAT(second.err, HasSubstr("is in use"));
  const CommandResult repair =
      RunCommand({ServerProgram(), "repair", ModelDirOf(data_dir_, "ctr"), "--truncate-at=0"});
  EXPECT_NE(repair.code, 0);
  EXPECT_THAT(repair.err, HasSubstr("is in use"));
}

TEST_F(OperatorTest, ALockThatLeadsElsewhereIsRefusedAndNothingIsWrittenThere) {
  std::ofstream(Path("precious")) << "precious";
  std::filesystem::create_directory(data_dir_);
  std::filesystem::permissions(data_dir_, std::filesystem::perms::owner_all);
  std::filesystem::create_symlink(Path("precious"), data_dir_ + "/LOCK");
  const CommandResult linked = StartAnother(data_dir_);
  EXPECT_NE(linked.code, 0);
  EXPECT_THAT(linked.err, HasSubstr("LOCK is a symbolic link"));
  std::filesystem::remove(data_dir_ + "/LOCK");
  std::filesystem::create_hard_link(Path("precious"), data_dir_ + "/LOCK");
  EXPECT_NE(StartAnother(data_dir_).code, 0);
  std::filesystem::remove(data_dir_ + "/LOCK");
  ASSERT_EQ(mkfifo((data_dir_ + "/LOCK").c_str(), 0600), 0);
  EXPECT_NE(StartAnother(data_dir_).code, 0);
  EXPECT_EQ(FileText(Path("precious")), "precious");
}

TEST_F(OperatorTest, AFolderThatEveryoneMayWriteToIsRefused) {
  std::filesystem::create_directory(data_dir_);
  ASSERT_EQ(chmod(data_dir_.c_str(), 0777), 0);
  const CommandResult open = StartAnother(data_dir_);
  EXPECT_EQ(open.code, 78) << open.err;
  EXPECT_THAT(open.err, HasSubstr("chmod o-w"));
  ASSERT_EQ(chmod(data_dir_.c_str(), 0755), 0);
  ASSERT_NO_FATAL_FAILURE(Start());
  struct stat info = {};
  for (const std::string folder : {"/models", "/uploads"}) {
    ASSERT_EQ(stat((data_dir_ + folder).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700U) << folder;
  }
  server_->Stop();
  ASSERT_EQ(chmod((data_dir_ + "/models").c_str(), 0777), 0);
  EXPECT_EQ(StartAnother(data_dir_).code, 78);
}

TEST_F(OperatorTest, WhatIsNoRegularFileIsRefusedAtTheStart) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  std::filesystem::create_directory(Path("folder"));
  std::ofstream(Path("huge")).close();
  std::filesystem::resize_file(Path("huge"), uint64_t{1} << 40);
  for (const std::string& path : {Path("pipe"), Path("folder"), std::string("/dev/zero"),
                                  std::string("/dev/full"), Path("huge")}) {
    for (const std::string flag : {"--config=", "--token-file=", "--tls-cert="}) {
      std::vector<std::string> command = {
          "/usr/bin/timeout",     "20",         ServerProgram(),          flag + path,
          "--listen=127.0.0.1:0", "--http=off", "--data-dir=" + data_dir_};
      if (flag == "--tls-cert=") command.push_back("--tls-key=" + path);
      const CommandResult refused = RunCommand(command);
      EXPECT_TRUE(refused.code == 78 || refused.code == 69) << flag << path << refused.code;
      EXPECT_THAT(refused.err, HasSubstr(path));
    }
  }
}

TEST_F(OperatorTest, APipeInPlaceOfAFileHoldsUpNothing) {
  const std::string admin = AddToken(Path("tokens"), "admin");
  const std::string learn = AddToken(Path("tokens"), "learn");
  const std::string text = "auth { token_file: '" + Path("tokens") + "' }";
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(text));
  const auto works = [&](const std::string& token) {
    const auto client = Client::Connect({.server = server_->address(), .token = token});
    return client.ok() && (*client)->ListModels().ok();
  };
  EXPECT_TRUE(works(admin));
  std::filesystem::rename(Path("tokens"), Path("old"));
  ASSERT_EQ(mkfifo(Path("tokens").c_str(), 0600), 0);
  AwaitLog("event=tokens_not_reloaded");
  EXPECT_THAT(server_->Log(), HasSubstr("is a pipe; name a regular file"));
  EXPECT_TRUE(works(admin));  // The tokens read before stay valid.

  std::filesystem::remove(Path("tokens"));  // Withdrawing tokens still works.
  AddToken(Path("new"), "admin");
  std::filesystem::rename(Path("new"), Path("tokens"));
  AwaitLog("event=tokens_reloaded");
  EXPECT_FALSE(works(admin));
  EXPECT_FALSE(works(learn));

  std::filesystem::remove(Path("config"));
  ASSERT_EQ(mkfifo(Path("config").c_str(), 0600), 0);
  server_->Signal(SIGHUP);
  AwaitLog("event=config_not_reloaded");
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait(absl::Seconds(20)).code, 0);
}

TEST_F(OperatorTest, TheIdleStreamOfAWithdrawnTokenEnds) {
  const std::string admin = AddToken(Path("tokens"), "admin");
  const std::string kept = FileText(Path("tokens"));
  const std::string learn = AddToken(Path("tokens"), "learn");
  ASSERT_NO_FATAL_FAILURE(StartWithConfig("auth { token_file: '" + Path("tokens") + "' }"));
  const auto stub = v1::LearningService::NewStub(
      grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  context.AddMetadata("authorization", "Bearer " + learn);
  const auto stream = stub->Learn(&context);
  // The stream is open but nothing was sent on it.
  AwaitOpenStreams(admin, 1);
  std::ofstream(Path("tokens")) << kept;
  v1::LearnResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << status.error_message();
  EXPECT_EQ(status.error_message(), "token \"learn\" was withdrawn");
}

TEST_F(OperatorTest, TheDigestOfNoSecretIsNoToken) {
  const char* const digests[] = {
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",   // Of nothing.
      "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b"};  // Of a line feed.
  for (const char* digest : digests) {
    std::ofstream(Path("tokens")) << "tokens { name: 'a' roles: ROLE_ADMIN sha256: '" << digest
                                  << "' }";
    const CommandResult refused =
        RunCommand({ServerProgram(), "--listen=127.0.0.1:0", "--http=off",
                    "--data-dir=" + data_dir_, "--token-file=" + Path("tokens")});
    EXPECT_EQ(refused.code, 78);
    EXPECT_THAT(refused.err, HasSubstr("is that of an empty secret"));
  }
}

TEST_F(OperatorTest, AnExportReplacesOnlyRegularFiles) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "s").ok());
  std::ofstream(Path("precious")) << "precious";
  std::filesystem::create_symlink(Path("precious"), Path("link"));
  std::filesystem::create_symlink(Path("nowhere"), Path("dangling"));
  std::filesystem::create_directory(Path("folder"));
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/null", Path("null"));
  const auto export_to = [&](const std::string& path, const std::string& flags) {
    return Shell(BinaryDir() + "/freshet --server " + server_->address() +
                 " snapshots export ctr s --output " + path + " " + flags);
  };
  for (const std::string name : {"link", "dangling", "folder", "pipe", "null"}) {
    for (const std::string flags : {"", "--force"}) {
      const auto before = std::filesystem::symlink_status(Path(name)).type();
      const CommandResult refused = export_to(Path(name), flags);
      EXPECT_EQ(refused.code, 73) << name << flags << refused.err;
      EXPECT_THAT(refused.err, HasSubstr("exists and is not a regular file"));
      EXPECT_EQ(std::filesystem::symlink_status(Path(name)).type(), before) << name;
    }
  }
  EXPECT_EQ(export_to("/dev/full", "--force").code, 73);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  EXPECT_EQ(FileText(Path("precious")), "precious");
  EXPECT_EQ(export_to(Path("precious"), "").code, 73);
  EXPECT_EQ(FileText(Path("precious")), "precious");
  EXPECT_EQ(export_to(Path("precious"), "--force").code, 0);
  EXPECT_GT(std::filesystem::file_size(Path("precious")), 8U);
  // A symbolic link under the name of the temporary file is not followed either.
  std::filesystem::create_symlink(Path("other"), Path("new.tmp"));
  EXPECT_EQ(export_to(Path("new"), "").code, 0);
  EXPECT_FALSE(std::filesystem::exists(Path("other")));
}

TEST_F(OperatorTest, TheEndpointsFileReplacesOnlyARegularFile) {
  std::filesystem::create_symlink("/dev/null", Path("endpoints"));
  const CommandResult refused =
      RunCommand({"/usr/bin/timeout", "20", ServerProgram(), "--listen=127.0.0.1:0", "--http=off",
                  "--data-dir=" + data_dir_, "--endpoints-file=" + Path("endpoints")});
  EXPECT_EQ(refused.code, 78) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("endpoints"));
  EXPECT_TRUE(std::filesystem::is_symlink(Path("endpoints")));
}

TEST_F(OperatorTest, WhatCannotBePrintedIsAnError) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "s").ok());
  std::filesystem::copy(data_dir_, Path("copy"), std::filesystem::copy_options::recursive);
  const std::string freshet = BinaryDir() + "/freshet --server " + server_->address() + " ";
  const std::vector<std::string> lines = {
      ServerProgram() + " --help",
      ServerProgram() + " --version",
      ServerProgram() + " token a --role admin",
      ServerProgram() + " token a --role admin --file " + Path("tokens"),
      ServerProgram() + " check " + Path("copy"),
      freshet + "--help",
      freshet + "--version",
      freshet + "models --help",
      freshet + "models list",
      freshet + "--json models list",
      freshet + "models describe ctr",
      freshet + "snapshots list ctr",
      freshet + "snapshots create ctr t",
      freshet + "snapshots export ctr s --output -",
      freshet + "digest ctr",
      freshet + "--json weights ctr",
      freshet + "completion bash",
      freshet + "generate clicks --rows 10",
      "echo '|a b' | " + freshet + "predict ctr - --format vw",
  };
  for (const std::string& line : lines) {
    const CommandResult result = Shell(line + " > /dev/full");
    EXPECT_NE(result.code, 0) << line;
    EXPECT_NE(result.err, "") << line;
  }
  EXPECT_FALSE(std::filesystem::exists(Path("tokens")));
}

}  // namespace
}  // namespace freshet
