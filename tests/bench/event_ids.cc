#include "tests/bench/event_ids.h"

#include <cstddef>

namespace freshet {
namespace {

// The output function of SplitMix64. Different numbers give different results.
uint64_t Mixed(uint64_t number) {
  uint64_t x = (number + 1) * 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

std::string EventIds::Id(uint64_t number) {
  std::string id(16, '0');
  uint64_t rest = Mixed(number);
  for (char& c : id) {
    c = "0123456789abcdef"[rest & 15];
    rest >>= 4;
  }
  return id;
}

void EventIds::Renew(google::protobuf::RepeatedPtrField<std::string>& ids) {
  uint64_t number = count_.fetch_add(static_cast<uint64_t>(ids.size()));
  for (std::string& id : ids) id = Id(number++);
}

}  // namespace freshet
