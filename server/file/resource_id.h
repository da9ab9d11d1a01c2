// The ids of models, variants and snapshots, which also name their files.

#ifndef FRESHET_SERVER_FILE_RESOURCE_ID_H_
#define FRESHET_SERVER_FILE_RESOURCE_ID_H_

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace freshet {

inline constexpr size_t kMaxResourceIdSize = 63;

// Whether `id` matches [a-z]([a-z0-9-]{0,61}[a-z0-9])?.
inline bool IsResourceId(std::string_view id) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_inner = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !id.empty() && id.size() <= kMaxResourceIdSize && is_letter(id.front()) &&
         id.back() != '-' && std::all_of(id.begin(), id.end(), is_inner);
}

// The id at the end of a resource name: `s1` of `models/ctr/snapshots/s1`.
inline std::string_view LastId(std::string_view resource_name) {
  return resource_name.substr(resource_name.rfind('/') + 1);
}

}  // namespace freshet

#endif  // FRESHET_SERVER_FILE_RESOURCE_ID_H_
