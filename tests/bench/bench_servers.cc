#include "tests/bench/bench_servers.h"

#include <fstream>
#include <utility>

#include "core/base/str_cat.h"
#include "tests/bench/bench_failure.h"

namespace freshet {

BenchServer::BenchServer(const std::string& dir, std::vector<std::string> flags,
                         uint64_t snapshot_log_bytes)
    : flags_(std::move(flags)), folder_(dir) {
  if (folder_.path().empty()) FailBench(StrCat("cannot make a folder in ", dir));
  std::ofstream(data_dir() + "/config")
      << "snapshots { interval_s: 0 keep_count: 1 log_growth_bytes: " << snapshot_log_bytes
      << " }\n"
         "limits { max_streams: 10000 }\n";
  flags_.push_back("--config=" + data_dir() + "/config");
  Start();
}

void BenchServer::Start() {
  process_ = ServerProcess::Start(data_dir() + "/data", flags_).value();
  client_ = Client::Connect({.server = process_->address()}).value();
}

void BenchServer::CreateModel(const std::string& model, v1::Durability durability, int bits) const {
  v1::LearnerSpec learner;
  learner.mutable_adagrad();
  Create(model, durability, learner, bits);
}

void BenchServer::CreateAutoModel(const std::string& model, v1::Durability durability,
                                  int bits) const {
  v1::LearnerSpec learner;
  learner.mutable_auto_();
  Create(model, durability, learner, bits);
}

void BenchServer::Create(const std::string& model, v1::Durability durability,
                         v1::LearnerSpec learner, int bits) const {
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(static_cast<uint32_t>(bits));
  client_->CreateModel(model, learner, durability).value();
}

void BenchServer::KillAndRestart() {
  process_->Kill();
  Start();
}

std::unique_ptr<ServerProcess> StartBareServer() {
  return ServerProcess::StartProgram({BinaryDir() + "/freshet_bench", "--bare-server"}).value();
}

}  // namespace freshet
