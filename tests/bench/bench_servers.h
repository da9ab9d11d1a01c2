// The servers that the benchmarks measure.

#ifndef FRESHET_TESTS_BENCH_BENCH_SERVERS_H_
#define FRESHET_TESTS_BENCH_BENCH_SERVERS_H_

#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "freshet/v1/model.pb.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {

// A freshetd with its own data folder, which the destructor removes. It accepts any number of
// streams, and takes no snapshots unless told to. Any failure ends the process with a message.
class BenchServer {
 public:
  // Makes the data folder in `dir` and starts the server with `flags`. The server takes a snapshot
  // whenever a log has grown by `snapshot_log_bytes`; 0 means never.
  explicit BenchServer(const std::string& dir, std::vector<std::string> flags = {},
                       uint64_t snapshot_log_bytes = 0);

  // Creates a model that learns with AdaGrad in a table of 2^bits slots.
  void CreateModel(const std::string& model, v1::Durability durability, int bits = 22) const;

  // The same with the default learner of new models.
  void CreateAutoModel(const std::string& model, v1::Durability durability, int bits = 22) const;

  // Kills the server and starts it again on the same folder.
  void KillAndRestart();

  const ServerProcess& process() const { return *process_; }
  const Client& client() const { return *client_; }
  const std::string& address() const { return process_->address(); }
  pid_t pid() const { return process_->pid(); }
  const std::string& data_dir() const { return folder_.path(); }

 private:
  void Start();
  void Create(const std::string& model, v1::Durability durability, v1::LearnerSpec learner,
              int bits) const;

  std::vector<std::string> flags_;
  TemporaryFolder folder_;
  std::unique_ptr<ServerProcess> process_;
  std::unique_ptr<Client> client_;
};

// Starts a server that does nothing (see bare_server.h) in its own process.
std::unique_ptr<ServerProcess> StartBareServer();

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BENCH_SERVERS_H_
