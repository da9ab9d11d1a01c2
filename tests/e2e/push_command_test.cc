// The command freshet push, and the file of predictions that it writes.

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/support/server_fixture.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

class PushCommandTest : public ServerFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Start());
    CreateModel("ctr");
  }

  CommandResult Push(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {BinaryDir() + "/freshet", "--server", server_->address(),
                                    "push", "ctr"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return RunCommand(all);
  }
};

// Rows that could not be read used to have no line in the file of predictions, so all later rows
// were on the wrong lines.
TEST_F(PushCommandTest, PredictionsStandInTheLinesOfTheirRowsBesideBadOnes) {
  const std::string path = folder_.path() + "/rows.vw";
  std::ofstream(path) << "0 |n a\nnonsense |n a\n7 |n a\n0 |n a\n0 |n a:x\n\n0 |n a\n1 |n a:inf\n";
  for (const char* batch_size : {"1", "2", "512"}) {
    const std::string out = folder_.path() + "/predictions-" + batch_size;
    const CommandResult pushed =
        Push({path, "--skip-errors", "--predictions", out, "--batch-size", batch_size});
    EXPECT_EQ(pushed.code, 0) << pushed.err;
    std::vector<bool> is_number;
    std::ifstream file(out);
    for (std::string line; std::getline(file, line);) is_number.push_back(line != "nan");
    EXPECT_EQ(is_number, (std::vector<bool>{true, false, false, true, false, true, false}));
  }
}

}  // namespace
}  // namespace freshet
