// Page sizes of the List methods.

#ifndef FRESHET_SERVER_SERVICE_PAGE_H_
#define FRESHET_SERVER_SERVICE_PAGE_H_

#include <algorithm>
#include <cstdint>

namespace freshet {

// How many resources a List method returns per page: 50 if the client does not ask for a number, at
// most 1000.
inline int32_t PageSize(int32_t requested) {
  return requested <= 0 ? 50 : std::min(requested, 1000);
}

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_PAGE_H_
