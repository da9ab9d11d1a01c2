#include "core/base/json_object.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace freshet {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(JsonObjectTest, ShortNumbersReadBackAsTheSame) {
  for (const float value : {0.1f, 1e-30f, 3.4028235e38f, 0.33333334f}) {
    EXPECT_EQ(std::stof(ShortestNumber(value)), value);
  }
  EXPECT_EQ(ShortestNumber(0.1f), "0.1");
  EXPECT_EQ(ShortestNumber(kNaN), "nan");
}

TEST(JsonObjectTest, KeepsTheOrderAndHasNoNaN) {
  JsonObject object;
  object.Add("b", "quote \" and\nline").Add("a", uint64_t{1} << 63);
  object.Add("none", std::optional<double>()).Add("nan", kNaN).Add("half", 0.5f);
  EXPECT_EQ(object.ToString(),
            "{\"b\":\"quote \\\" and\\u000aline\",\"a\":9223372036854775808,"
            "\"none\":null,\"nan\":null,\"half\":0.5}");
}

TEST(JsonObjectTest, IsValidWhateverTheTextIs) {
  JsonObject object;
  object.Add("a", std::string("Zo\xeb \xc3\xab\xff\xc3\" \n\x7f"));
  EXPECT_EQ(object.ToString(),
            "{\"a\":\"Zo\xef\xbf\xbd \xc3\xab\xef\xbf\xbd\xef\xbf\xbd\\\" \\u000a\x7f\"}");
}

TEST(JsonObjectTest, TakesValuesThatAreJson) {
  JsonObject inner;
  inner.Add("b", uint64_t{1});
  JsonObject object;
  object.AddJson("a", inner.ToString()).AddJson("list", "[1,null]");
  EXPECT_EQ(object.ToString(), "{\"a\":{\"b\":1},\"list\":[1,null]}");
}

TEST(JsonObjectTest, AnErrorHasItsCodeItsNameAndItsMessage) {
  EXPECT_EQ(ErrorJson(absl::NotFoundError("no \"ctr\"")).ToString(),
            R"({"code":5,"status":"NOT_FOUND","message":"no \"ctr\""})");
}

}  // namespace
}  // namespace freshet
