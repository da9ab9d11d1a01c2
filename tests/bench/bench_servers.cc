#include "tests/bench/bench_servers.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {

BenchServer::BenchServer(const std::string& dir) {
  std::string pattern = dir + "/freshet-bench-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    std::fprintf(stderr, "e2e_bench: cannot make a folder in %s\n", dir.c_str());
    std::exit(1);
  }
  data_dir_ = pattern;
  std::ofstream(data_dir_ + "/config") << "snapshots { interval_s: 0 }\n";
  Start();
}

BenchServer::~BenchServer() {
  process_->Kill();
  std::error_code ignored;
  std::filesystem::remove_all(data_dir_, ignored);
}

void BenchServer::Start() {
  process_ =
      ServerProcess::Start(data_dir_ + "/data", {"--config=" + data_dir_ + "/config"}).value();
  client_ = Client::Connect({.server = process_->address()}).value();
}

void BenchServer::CreateModel(const std::string& model, v1::Durability durability, int bits) const {
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.mutable_adagrad();
  learner.set_bits(static_cast<uint32_t>(bits));
  client_->CreateModel(model, learner, durability).value();
}

void BenchServer::KillAndRestart() {
  process_->Kill();
  Start();
}

std::unique_ptr<ServerProcess> StartBareServer() {
  return ServerProcess::StartProgram({BinaryDir() + "/e2e_bench", "--bare-server"}).value();
}

}  // namespace freshet
