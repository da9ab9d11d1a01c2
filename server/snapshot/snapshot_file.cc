#include "server/snapshot/snapshot_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "server/file/checksum.h"
#include "server/file/file_status.h"
#include "server/snapshot/snapshot_format.h"

namespace freshet {
namespace {

namespace format = snapshot_format;

bool HasMagic(const std::array<char, 8>& magic, std::string_view expected) {
  return std::string_view(magic.data(), magic.size()) == expected;
}

std::array<char, 8> ToMagic(std::string_view text) {
  std::array<char, 8> magic{};
  std::copy_n(text.begin(), magic.size(), magic.begin());
  return magic;
}

absl::Status Damaged(const std::string& path, std::string_view reason) {
  return absl::DataLossError(StrCat(path, ": the snapshot is damaged: ", reason));
}

// Cuts a sequence of pieces into pieces of other lengths.
class PieceCutter {
 public:
  explicit PieceCutter(std::span<const ByteSpan> pieces) : pieces_(pieces) {}

  // Appends the next `bytes` bytes to `out`. REQUIRES: there are that many left.
  void Take(uint64_t bytes, std::vector<ByteSpan>& out) {
    while (bytes > 0) {
      const ByteSpan rest = pieces_.front().subspan(used_of_front_);
      const uint64_t count = std::min<uint64_t>(bytes, rest.size());
      if (count > 0) out.push_back(rest.first(count));
      bytes -= count;
      used_of_front_ += count;
      if (used_of_front_ == pieces_.front().size()) {
        pieces_ = pieces_.subspan(1);
        used_of_front_ = 0;
      }
    }
  }

 private:
  std::span<const ByteSpan> pieces_;
  size_t used_of_front_ = 0;
};

absl::Status WriteHeader(AppendFile& file, std::string_view message, Checksummer& file_checksum) {
  format::FixedHeader fixed{.magic = ToMagic(format::kMagic),
                            .version = format::kVersion,
                            .message_bytes = static_cast<uint32_t>(message.size()),
                            .chunk_bytes = format::kWrittenChunkBytes,
                            .zero = 0,
                            .checksum = 0};
  const ByteSpan message_span = std::as_bytes(std::span(message));
  Checksummer checksum;
  checksum.Add(BytesOf(fixed).first(offsetof(format::FixedHeader, checksum)));
  checksum.Add(message_span);
  fixed.checksum = checksum.value();
  const std::array<ByteSpan, 2> pieces = {BytesOf(fixed), message_span};
  for (const ByteSpan& piece : pieces) file_checksum.Add(piece);
  return file.Append(pieces);
}

absl::Status WriteChunks(AppendFile& file, std::span<const ByteSpan> payload, uint64_t state_bytes,
                         Checksummer& file_checksum) {
  PieceCutter cutter(payload);
  Checksummer checksum;
  std::vector<ByteSpan> pieces;
  uint32_t number = 0;
  for (uint64_t left = state_bytes; left > 0; ++number) {
    const uint64_t bytes = std::min<uint64_t>(left, format::kWrittenChunkBytes);
    format::ChunkHeader header{
        .state_bytes = static_cast<uint32_t>(bytes), .number = number, .checksum = 0};
    pieces.assign(1, BytesOf(header));
    cutter.Take(bytes, pieces);
    checksum.Reset();
    checksum.Add(BytesOf(header).first(offsetof(format::ChunkHeader, checksum)));
    for (const ByteSpan& piece : std::span(pieces).subspan(1)) checksum.Add(piece);
    header.checksum = checksum.value();
    file_checksum.Add(BytesOf(header));
    if (absl::Status status = file.Append(pieces); !status.ok()) return status;
    left -= bytes;
  }
  return absl::OkStatus();
}

// Reads parts of an open snapshot file.
class SnapshotFileReader {
 public:
  static absl::StatusOr<SnapshotFileReader> Open(FileSystem& file_system, const std::string& path) {
    absl::StatusOr<std::unique_ptr<ReadFile>> file = file_system.OpenRead(path);
    if (!file.ok()) return file.status();
    const absl::StatusOr<uint64_t> size = (*file)->SizeBytes();
    if (!size.ok()) return size.status();
    return SnapshotFileReader(path, *std::move(file), *size);
  }

  // Reads header, message and footer, and checks that the file's length fits them.
  absl::StatusOr<v1::SnapshotFileHeader> ReadHeader();

  // Reads the state, and verifies the footer's checksum too. REQUIRES: ReadHeader() succeeded.
  absl::StatusOr<std::unique_ptr<std::byte[]>> ReadState();

  uint64_t state_bytes() const { return footer_.state_bytes; }

 private:
  SnapshotFileReader(std::string path, std::unique_ptr<ReadFile> file, uint64_t file_bytes)
      : path_(std::move(path)), file_(std::move(file)), file_bytes_(file_bytes) {}

  absl::Status ReadExactly(uint64_t position, std::span<std::byte> out) const;
  absl::Status ReadFixedHeader();
  absl::Status ReadFooter();
  absl::Status ReadChunk(const format::ChunkHeader& header, uint64_t number,
                         std::span<std::byte> state) const;

  std::string path_;
  std::unique_ptr<ReadFile> file_;
  uint64_t file_bytes_;
  format::FixedHeader fixed_{};
  std::string message_;
  format::Footer footer_{};
};

template <typename T>
std::span<std::byte> WritableBytesOf(T& value) {
  return std::as_writable_bytes(std::span<T, 1>(&value, 1));
}

absl::Status SnapshotFileReader::ReadExactly(uint64_t position, std::span<std::byte> out) const {
  const absl::StatusOr<size_t> count = file_->ReadAt(position, out);
  if (!count.ok()) return count.status();
  if (*count == out.size()) return absl::OkStatus();
  return Damaged(path_, StrCat("it ends at byte ", position + *count));
}

absl::Status SnapshotFileReader::ReadFixedHeader() {
  if (file_bytes_ < sizeof(fixed_) + sizeof(footer_)) {
    return Damaged(path_, StrCat("it has only ", file_bytes_, " bytes"));
  }
  if (absl::Status status = ReadExactly(0, WritableBytesOf(fixed_)); !status.ok()) return status;
  if (!HasMagic(fixed_.magic, format::kMagic)) {
    return Damaged(path_, "it does not begin like a snapshot");
  }
  // Used only after the checksum was checked, which may show that the version field is damaged.
  const auto newer = [&] {
    return absl::FailedPreconditionError(
        StrCat(path_, ": a newer freshet wrote this snapshot (version ", fixed_.version,
               " of the format, this freshet reads up to ", format::kVersion,
               "); load it with that version"));
  };
  const bool claims_newer = fixed_.version > format::kVersion;
  if (fixed_.message_bytes > format::kMaxMessageBytes ||
      fixed_.message_bytes > file_bytes_ - sizeof(fixed_) - sizeof(footer_)) {
    if (claims_newer) return newer();
    return Damaged(path_, StrCat("its header claims ", fixed_.message_bytes, " bytes"));
  }
  message_.resize(fixed_.message_bytes);
  if (absl::Status status =
          ReadExactly(sizeof(fixed_), std::as_writable_bytes(std::span(message_)));
      !status.ok()) {
    return status;
  }
  format::FixedHeader checked = fixed_;
  if (claims_newer) checked.version = format::kVersion;
  Checksummer checksum;
  checksum.Add(BytesOf(checked).first(offsetof(format::FixedHeader, checksum)));
  checksum.Add(std::as_bytes(std::span(message_)));
  const bool holds = checksum.value() == fixed_.checksum;
  if (claims_newer && !holds) return newer();
  if (claims_newer || !holds) return Damaged(path_, "the checksum of its header does not match");
  if (fixed_.version == 0 || fixed_.chunk_bytes == 0 ||
      fixed_.chunk_bytes > format::kMaxChunkBytes) {
    return Damaged(path_, "its header has impossible numbers");
  }
  return absl::OkStatus();
}

absl::Status SnapshotFileReader::ReadFooter() {
  if (absl::Status status = ReadExactly(file_bytes_ - sizeof(footer_), WritableBytesOf(footer_));
      !status.ok()) {
    return status;
  }
  if (!HasMagic(footer_.magic, format::kEndMagic) || footer_.file_bytes != file_bytes_) {
    return Damaged(path_, "its end is missing");
  }
  const uint64_t room = file_bytes_ - sizeof(fixed_) - message_.size() - sizeof(footer_);
  // Checked first, so that the sum below cannot overflow.
  const bool fits = footer_.state_bytes <= room;
  const uint64_t chunks = fits ? footer_.state_bytes / fixed_.chunk_bytes +
                                     (footer_.state_bytes % fixed_.chunk_bytes == 0 ? 0 : 1)
                               : 0;
  if (!fits || footer_.state_bytes + chunks * sizeof(format::ChunkHeader) != room) {
    return Damaged(path_, "its length does not fit its state");
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::SnapshotFileHeader> SnapshotFileReader::ReadHeader() {
  if (absl::Status status = ReadFixedHeader(); !status.ok()) return status;
  if (absl::Status status = ReadFooter(); !status.ok()) return status;
  v1::SnapshotFileHeader header;
  if (!header.ParseFromString(message_)) return Damaged(path_, "its header cannot be parsed");
  header.mutable_snapshot()->set_size_bytes(file_bytes_);
  header.set_file_checksum(footer_.checksum);
  return header;
}

absl::Status SnapshotFileReader::ReadChunk(const format::ChunkHeader& header, uint64_t number,
                                           std::span<std::byte> state) const {
  Checksummer checksum;
  checksum.Add(BytesOf(header).first(offsetof(format::ChunkHeader, checksum)));
  checksum.Add(state);
  if (header.state_bytes != state.size() || header.number != static_cast<uint32_t>(number) ||
      checksum.value() != header.checksum) {
    return Damaged(path_, StrCat("the checksum of chunk ", number, " does not match"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<std::byte[]>> SnapshotFileReader::ReadState() {
  std::unique_ptr<std::byte[]> state(new (std::nothrow) std::byte[footer_.state_bytes]);
  if (state == nullptr) {
    return absl::ResourceExhaustedError(
        StrCat(path_, ": no memory for ", footer_.state_bytes, " bytes of state"));
  }
  Checksummer file_checksum;
  file_checksum.Add(BytesOf(fixed_));
  file_checksum.Add(std::as_bytes(std::span(message_)));
  uint64_t position = sizeof(fixed_) + message_.size();
  uint64_t number = 0;
  for (uint64_t done = 0; done < footer_.state_bytes; ++number) {
    const uint64_t bytes = std::min<uint64_t>(footer_.state_bytes - done, fixed_.chunk_bytes);
    const std::span<std::byte> chunk(state.get() + done, bytes);
    format::ChunkHeader header{};
    absl::Status status = ReadExactly(position, WritableBytesOf(header));
    if (status.ok()) status = ReadExactly(position + sizeof(header), chunk);
    if (status.ok()) status = ReadChunk(header, number, chunk);
    if (!status.ok()) return status;
    file_checksum.Add(BytesOf(header));
    position += sizeof(header) + bytes;
    done += bytes;
  }
  file_checksum.Add(BytesOf(footer_).first(offsetof(format::Footer, checksum)));
  if (file_checksum.value() != footer_.checksum) {
    return Damaged(path_, "the checksum of the whole file does not match");
  }
  return state;
}

}  // namespace

absl::StatusOr<v1::SnapshotFileHeader> WriteSnapshotFile(FileSystem& file_system,
                                                         const std::string& path,
                                                         v1::SnapshotFileHeader header,
                                                         std::span<const ByteSpan> payload) {
  header.mutable_snapshot()->clear_size_bytes();
  header.clear_file_checksum();
  const std::string message = header.SerializeAsString();
  if (message.size() > format::kMaxMessageBytes) {
    return absl::InvalidArgumentError(StrCat(path, ": the description of the model has ",
                                             message.size(), " bytes; at most ",
                                             format::kMaxMessageBytes, " are allowed"));
  }
  uint64_t state_bytes = 0;
  for (const ByteSpan& piece : payload) state_bytes += piece.size();

  absl::StatusOr<std::unique_ptr<AppendFile>> file =
      file_system.OpenAppend(path, AppendMode::kCreate);
  if (!file.ok()) return file.status();
  Checksummer file_checksum;
  absl::Status status = WriteHeader(**file, message, file_checksum);
  if (status.ok()) status = WriteChunks(**file, payload, state_bytes, file_checksum);
  if (!status.ok()) return status;

  format::Footer footer{.magic = ToMagic(format::kEndMagic),
                        .state_bytes = state_bytes,
                        .file_bytes = (*file)->size_bytes() + sizeof(format::Footer),
                        .checksum = 0};
  file_checksum.Add(BytesOf(footer).first(offsetof(format::Footer, checksum)));
  footer.checksum = file_checksum.value();
  const std::array<ByteSpan, 1> pieces = {BytesOf(footer)};
  status = (*file)->Append(pieces);
  if (status.ok()) status = (*file)->Sync();
  if (!status.ok()) return status;
  header.mutable_snapshot()->set_size_bytes(footer.file_bytes);
  header.set_file_checksum(footer.checksum);
  return header;
}

absl::StatusOr<v1::SnapshotFileHeader> ReadSnapshotFileHeader(FileSystem& file_system,
                                                              const std::string& path) {
  absl::StatusOr<SnapshotFileReader> reader = SnapshotFileReader::Open(file_system, path);
  if (!reader.ok()) return reader.status();
  return reader->ReadHeader();
}

absl::StatusOr<LoadedSnapshot> ReadSnapshotFile(FileSystem& file_system, const std::string& path) {
  absl::StatusOr<SnapshotFileReader> reader = SnapshotFileReader::Open(file_system, path);
  if (!reader.ok()) return reader.status();
  absl::StatusOr<v1::SnapshotFileHeader> header = reader->ReadHeader();
  if (!header.ok()) return header.status();
  absl::StatusOr<std::unique_ptr<std::byte[]>> state = reader->ReadState();
  if (!state.ok()) return state.status();
  return LoadedSnapshot(*std::move(header), *std::move(state), reader->state_bytes());
}

}  // namespace freshet
