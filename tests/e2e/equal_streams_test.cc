// Equal streams give equal digests, whoever sends them and however they are split into batches.

#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "client/client.h"
#include "core/base/str_cat.h"
#include "tests/support/server_fixture.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

class EqualStreamsCommandTest : public ServerFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Start());
    WriteStream();
  }

  std::string VwPath() const { return folder_.path() + "/stream.vw"; }

  // Writes the same rows as VW text and as JSON lines. Each row has its namespaces in a different
  // order, some of them twice; some values are 0.
  void WriteStream() {
    std::ofstream vw(VwPath());
    std::mt19937 random(3);
    for (int i = 0; i < 1500; ++i) {
      const std::string label = StrCat(random() % 2);
      const std::string weight = StrCat(1 + random() % 3);
      vw << label << " " << weight;
      std::string json =
          StrCat(R"({"label":)", label, R"(,"weight":)", weight, R"(,"namespaces":[)");
      for (uint32_t k = 1 + random() % 4; k > 0; --k) {
        const std::string name = StrCat("ns", random() % 4);
        const std::string feature = StrCat("f", random() % 30);
        const std::string value = StrCat(random() % 3, random() % 2 == 0 ? ".0" : ".375");
        vw << " |" << name << " " << feature << ":" << value;
        if (json.back() == '}') json += ",";
        json += StrCat(R"({"name":")", name, R"(","features":[{"name":")", feature, R"(","value":)",
                       value, "}]}");
      }
      vw << "\n";
      json_lines_.push_back(json + "]}\n");
    }
  }

  CommandResult Freshet(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {BinaryDir() + "/freshet", "--server", server_->address()});
    return RunCommand(arguments);
  }

  // Creates a model. Its interactions and standardized numbers amplify any difference.
  void Create(const std::string& model) const {
    const CommandResult created = Freshet({"models", "create", model, "--bits", "12", "--interact",
                                           "ns0*ns1", "--numeric-transform", "ns2=standardize"});
    ASSERT_EQ(created.code, 0) << created.err;
  }

  std::string DigestOfPushed(const std::string& model, const std::string& batch_size) const {
    Create(model);
    const CommandResult pushed = Freshet({"push", model, VwPath(), "--batch-size", batch_size});
    EXPECT_EQ(pushed.code, 0) << pushed.err;
    return client_->ComputeDigest(model).value().digest;
  }

  std::vector<std::string> json_lines_;
};

// One file used to give three digests, because sums were taken in the order in which a batch first
// met its namespaces.
TEST_F(EqualStreamsCommandTest, OneFileHasOneDigestInAnyBatches) {
  const std::string digest = DigestOfPushed("all", "512");
  EXPECT_EQ(DigestOfPushed("sevens", "7"), digest);
  EXPECT_EQ(DigestOfPushed("ones", "1"), digest);
}

TEST_F(EqualStreamsCommandTest, ReadableRowsHaveTheDigestOfPackedOnes) {
  const std::string digest = DigestOfPushed("packed", "100");
  httplib::Client http("http://" + server_->http_address());
  for (const size_t batch_rows : {1, 7, 512}) {
    const std::string model = StrCat("readable-", batch_rows);
    Create(model);
    for (size_t begin = 0; begin < json_lines_.size(); begin += batch_rows) {
      std::string body;
      const size_t end = std::min(begin + batch_rows, json_lines_.size());
      for (size_t i = begin; i < end; ++i) body += json_lines_[i];
      const auto answer = http.Post("/v1/models/" + model + ":learn", body, "application/x-ndjson");
      ASSERT_TRUE(answer);
      ASSERT_EQ(answer->status, 200) << answer->body;
    }
    EXPECT_EQ(client_->ComputeDigest(model)->digest, digest) << batch_rows;
  }
  // After a restart, the log replays in the order in which it was learned.
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("readable-7")->digest, digest);
  EXPECT_EQ(client_->ComputeDigest("packed")->digest, digest);
}

}  // namespace
}  // namespace freshet
