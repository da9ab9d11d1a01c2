// The only bridge between std::string_view, which our interfaces use, and absl::string_view, which
// is a different type in the packaged Abseil and does not convert from std::string_view.

#ifndef FRESHET_CORE_BASE_STR_CAT_H_
#define FRESHET_CORE_BASE_STR_CAT_H_

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace freshet {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }

namespace internal {

template <typename T>
const T& AlphaNumArgument(const T& value) {
  return value;
}

inline absl::string_view AlphaNumArgument(std::string_view text) { return ToAbsl(text); }

}  // namespace internal

// absl::StrCat that also takes std::string_view.
template <typename... Args>
std::string StrCat(const Args&... args) {
  return absl::StrCat(internal::AlphaNumArgument(args)...);
}

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_STR_CAT_H_
