#include "server/http/body_reader.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Memory that a request takes besides its body: the connection's buffers and the call.
constexpr size_t kCallBytes = 16 << 10;

// Memory for decompression: zlib's window, and the output of a step.
constexpr size_t kInflaterBytes = (48 << 10) + BodyReader::kMaxStepBytes;

constexpr size_t kFirstBytes = 4096;

}  // namespace

struct BodyReader::Inflater {
  Inflater() { good = inflateInit2(&stream, kAnyHeader) == Z_OK; }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  static constexpr int kAnyHeader = 15 + 32;  // Accepts gzip and zlib headers.

  z_stream stream = {};
  bool good = false;
  bool at_end = false;
  std::array<char, kMaxStepBytes> out;
};

std::optional<BodyReader::Encoding> BodyReader::EncodingOf(std::string_view field) {
  if (field.empty() || absl::EqualsIgnoreCase(ToAbsl(field), "identity")) return Encoding::kNone;
  for (const char* name : {"gzip", "x-gzip", "deflate"}) {
    if (absl::EqualsIgnoreCase(ToAbsl(field), name)) return Encoding::kZlib;
  }
  return std::nullopt;
}

BodyReader::BodyReader(Encoding encoding, size_t max_bytes, size_t announced_bytes)
    : max_bytes_(max_bytes),
      announced_bytes_(std::min(announced_bytes, max_bytes)),
      inflater_(encoding == Encoding::kNone ? nullptr : std::make_unique<Inflater>()) {
  if (inflater_ != nullptr && !inflater_->good) state_ = State::kMalformed;
}

BodyReader::~BodyReader() = default;

void BodyReader::Take(std::string_view& piece) {
  if (inflater_ != nullptr) {
    Inflate(piece);
    return;
  }
  const std::string_view step = piece.substr(0, kMaxStepBytes);
  piece.remove_prefix(step.size());
  raw_bytes_ += step.size();
  Append(step);
}

void BodyReader::Append(std::string_view bytes) {
  const size_t size = body_.size() + bytes.size();
  if (size > max_bytes_) {
    state_ = State::kTooLong;
    return;
  }
  if (size > body_.capacity()) {
    // Doubles the capacity, but not beyond the announced length, since the memory is held until the
    // request ends.
    const size_t most =
        inflater_ == nullptr && announced_bytes_ > 0 ? announced_bytes_ : max_bytes_;
    body_.reserve(std::max(size, std::min(std::max(2 * size, kFirstBytes), most)));
  }
  body_.append(bytes);
  cost_.Add(bytes);
}

void BodyReader::Inflate(std::string_view& piece) {
  Inflater& inflater = *inflater_;
  z_stream& stream = inflater.stream;
  if (inflater.at_end) {  // Another stream follows, as in concatenated gzip files.
    inflater.at_end = false;
    if (inflateReset(&stream) != Z_OK) state_ = State::kMalformed;
  }
  const std::string_view step = piece.substr(0, kMaxStepBytes);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(step.data()));
  stream.avail_in = static_cast<uInt>(step.size());
  stream.next_out = reinterpret_cast<Bytef*>(inflater.out.data());
  stream.avail_out = static_cast<uInt>(inflater.out.size());
  const int result = inflate(&stream, Z_NO_FLUSH);
  const size_t taken = step.size() - stream.avail_in;
  piece.remove_prefix(taken);
  raw_bytes_ += taken;
  inflater.at_end = result == Z_STREAM_END;
  has_pending_ = result == Z_OK && stream.avail_out == 0;
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
    state_ = State::kMalformed;
    return;
  }
  if (raw_bytes_ > max_bytes_) {
    state_ = State::kTooLong;
    return;
  }
  Append(std::string_view(inflater.out.data(), inflater.out.size() - stream.avail_out));
}

bool BodyReader::IsWhole() const {
  return state_ == State::kGood && !has_pending_ && (inflater_ == nullptr || inflater_->at_end);
}

size_t BodyReader::cost_bytes() const {
  return kCallBytes + (inflater_ == nullptr ? 0 : kInflaterBytes) +
         (body_.capacity() - body_.size()) + cost_.bytes();
}

}  // namespace freshet
