#include <httplib.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/bench_failure.h"
#include "tests/bench/bench_servers.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/learn_load.h"

namespace freshet {
namespace {

constexpr auto kScrapeInterval = std::chrono::seconds(1);

// Fetches /metrics once a second, from construction until destruction.
class Scraper {
 public:
  explicit Scraper(const std::string& http_address)
      : http_("http://" + http_address), thread_([this] { Run(); }) {}

  ~Scraper() {
    {
      const std::lock_guard lock(mu_);
      stopping_ = true;
    }
    stop_.notify_all();
    thread_.join();
  }

 private:
  void Run() {
    std::unique_lock lock(mu_);
    do {
      Scrape();
    } while (!stop_.wait_for(lock, kScrapeInterval, [this] { return stopping_; }));
  }

  void Scrape() {
    const auto answer = http_.Get("/metrics");
    if (!answer || answer->status != 200) FailBench("the server does not answer /metrics");
  }

  httplib::Client http_;
  std::mutex mu_;
  std::condition_variable stop_;
  bool stopping_ = false;  // Guarded by mu_.
  std::thread thread_;
};

}  // namespace

void BenchScrape(const BenchOptions& options, BenchReport& report) {
  const BenchServer silent(options.dir, {"--http=off"});
  const BenchServer scraped(options.dir);
  std::vector<v1::LearnRequest> requests = MakeLearnRequests(512);
  // Without durability, because the disk's variation would hide so small an effect.
  for (const BenchServer* const server : {&silent, &scraped}) {
    server->CreateModel("ctr", v1::DURABILITY_NONE);
    PushExamples(StartRawLoad(server->address(), "ctr", 1, requests), 1'000'000);
  }
  const Scraper scraper(scraped.process().http_address());
  std::vector<LoadRates> rates[2];
  for (int i = 0; i < options.scrape_pairs; ++i) {
    // Takes turns in which server is measured first.
    for (const int which : {i % 2, 1 - i % 2}) {
      const BenchServer& server = which == 0 ? silent : scraped;
      rates[which].push_back(MeasureLoad(StartRawLoad(server.address(), "ctr", 1, requests),
                                         server.pid(), options.warm_up_s, options.measure_s));
    }
  }
  const auto column = [](const std::vector<LoadRates>& all, double LoadRates::*member) {
    std::vector<double> numbers;
    numbers.reserve(all.size());
    for (const LoadRates& one : all) numbers.push_back(one.*member);
    return numbers;
  };
  report.Add("scrape/learn", "examples/s", column(rates[1], &LoadRates::examples_per_s),
             column(rates[0], &LoadRates::examples_per_s));
  report.Add("scrape/learn/server_cpu", "s/M examples", column(rates[1], &LoadRates::server_cpu_s),
             column(rates[0], &LoadRates::server_cpu_s));
}

}  // namespace freshet
