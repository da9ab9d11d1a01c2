#include "core/format/missing_words.h"

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// What R, pandas, databases, spreadsheets, SAS, SPSS and C libraries write for a missing value.
constexpr std::array<std::string_view, 35> kUsualWords = {
    "NA",      "N/A",      "n.a.", "#N/A",      "#N/A N/A",  "#NA",    "<NA>",
    "NaN",     "-NaN",     "+NaN", "NaN(ind)",  "-NaN(ind)", "1.#IND", "-1.#IND",
    "1.#QNAN", "-1.#QNAN", "NaT",  "NULL",      "(null)",    "<null>", "[null]",
    "#NULL!",  "None",     "nil",  "undefined", "missing",   "?",      "-",
    "--",      "---",      ".",    "..",        "\\N",       "\u2013", "\u2014"};

}  // namespace

std::span<const std::string_view> MissingWords::UsualWords() { return kUsualWords; }

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
