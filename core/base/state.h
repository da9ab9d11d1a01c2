// Writing and reading learned state as bytes: what snapshots store and digests are computed over.
//
// Numbers are little-endian and unaligned. Code that saves a state must be canonical: equal states
// give equal bytes.

#ifndef FRESHET_CORE_BASE_STATE_H_
#define FRESHET_CORE_BASE_STATE_H_

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace freshet {

static_assert(std::endian::native == std::endian::little, "state is written as it is in memory");

enum class StateForm {
  kCompact,  // What snapshots store.
  kDigest,   // What digests are computed over; never changes, so that digests stay comparable.
};

// Either an append-only buffer that grows by chunks, so that a large state is never moved, or a
// pass-through to a sink that keeps nothing. Not thread-safe.
class StateWriter {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;

  explicit StateWriter(StateForm form = StateForm::kCompact) : form_(form) {}

  // Hands the bytes to `sink` piece by piece, in order, and keeps none of them.
  StateWriter(StateForm form, Sink sink) : form_(form), sink_(std::move(sink)) {}

  // The form in which to write anything that has several forms. Readers understand them all.
  StateForm form() const { return form_; }

  // Appends `bytes`.
  void Write(std::span<const std::byte> bytes);

  // Appends the bytes of `value`.
  template <typename T>
  requires std::is_trivially_copyable_v<T>
  void WriteValue(const T& value) { Write(std::as_bytes(std::span<const T, 1>(&value, 1))); }

  // The bytes written so far, in order; empty if they went to a sink. The spans are valid until the
  // next Write() or the end of the writer.
  std::vector<std::span<const std::byte>> Chunks() const;

  uint64_t size_bytes() const { return size_bytes_; }

 private:
  static constexpr size_t kChunkBytes = size_t{1} << 20;

  StateForm form_;
  Sink sink_;                                   // Null if chunks_ take the bytes.
  std::vector<std::vector<std::byte>> chunks_;  // All full but the last.
  uint64_t size_bytes_ = 0;
};

// Reads what a StateWriter wrote. Keeps a reference to the bytes. After the first failed read all
// later reads fail too, so a caller may check status() once, at the end. Not thread-safe.
class StateReader {
 public:
  explicit StateReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  // Copies the next out.size() bytes to `out`. If fewer are left, or a read failed before, fills
  // `out` with zeros and returns false.
  bool Read(std::span<std::byte> out);

  // The next value, or zero if the read fails.
  template <typename T>
  requires std::is_trivially_copyable_v<T> T ReadValue() {
    T value{};
    Read(std::as_writable_bytes(std::span<T, 1>(&value, 1)));
    return value;
  }

  // The number of bytes not yet read.
  size_t remaining_bytes() const { return bytes_.size(); }

  // DATA_LOSS if a read went past the end, else OK.
  absl::Status status() const;

  // The DATA_LOSS for bytes that were read and cannot be right, with what to do about it. `what` is
  // for example "the mean norm of the learner is out of range". If a read went past the end, that
  // is the error instead: what such a read gives is zero, and says nothing about the bytes.
  absl::Status Damaged(std::string_view what) const;

 private:
  std::span<const std::byte> bytes_;
  bool failed_ = false;
};

// Whether a saved value can be a sum of losses, weights or other numbers that are finite and not
// negative. Load functions check such sums with it.
inline bool IsSum(double value) { return std::isfinite(value) && value >= 0; }

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_STATE_H_
