#include "core/format/missing_words.h"

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// What R, pandas, databases, spreadsheets and SAS write for a missing value.
constexpr std::array<std::string_view, 18> kUsualWords = {
    "NA",   "N/A", "#N/A", "#NA", "<NA>", "NaN", "-NaN", "+NaN",    "NULL",
    "None", "nil", "?",    "-",   "--",   ".",   "\\N",  "missing", "(null)"};

}  // namespace

bool MissingWords::IsAmongGiven(std::string_view text) const {
  return std::find(given_->begin(), given_->end(), text) != given_->end();
}

bool MissingWords::IsUsual(std::string_view text) const {
  return !given_ &&
         std::any_of(kUsualWords.begin(), kUsualWords.end(), [text](std::string_view word) {
           return absl::EqualsIgnoreCase(ToAbsl(text), ToAbsl(word));
         });
}

}  // namespace freshet
