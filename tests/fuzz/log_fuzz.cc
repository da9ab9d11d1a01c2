// Feeds bytes to the log as its only segment file, and checks what the log guarantees: it never
// crashes; it opens if and only if the check finds no problem; what it opens, it can read, append
// to and open again; what it refuses, it opens once truncated where the check says.
//
// The first byte of the input says whether to correct the checksums first, so that the fuzzer gets
// past them.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/file/checksum.h"
#include "server/file/removed_files.h"
#include "server/log/log.h"
#include "server/log/log_check.h"
#include "server/log/segment.h"
#include "tests/fuzz/require.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

constexpr const char* kDir = "/log";

// The little-endian number of type T at byte `at`.
template <typename T>
T LoadAt(const std::string& content, size_t at) {
  T value{};
  std::memcpy(&value, content.data() + at, sizeof(value));
  return value;
}

template <typename T>
void StoreAt(std::string& content, size_t at, T value) {
  std::memcpy(content.data() + at, &value, sizeof(value));
}

uint64_t ChecksumOf(const std::string& content, size_t begin, size_t end, uint64_t seed) {
  return Checksum(std::as_bytes(std::span(content).subspan(begin, end - begin)), seed);
}

// Corrects the checksums of the header and of one record after another, as far as their lengths
// lead; a record's only if its bit in `choice` is set.
void MendChecksums(std::string& content, uint8_t choice) {
  if (content.size() < kSegmentHeaderBytes) return;
  StoreAt<uint64_t>(content, 56, ChecksumOf(content, 0, 56, 0));
  const auto seed = LoadAt<uint64_t>(content, 24);
  size_t at = kSegmentHeaderBytes;
  for (int record = 0; at + kRecordHeaderBytes <= content.size(); ++record) {
    const uint64_t bytes = RecordBytes(LoadAt<uint32_t>(content, at + 24));
    const bool mend = record >= 8 || (choice >> record & 1) != 0;
    if (mend) {
      const uint64_t check = ChecksumOf(content, at + 8, at + 30, seed);
      StoreAt<uint16_t>(content, at + 30, static_cast<uint16_t>(check));
    }
    if (bytes > content.size() - at) return;
    if (mend) StoreAt<uint64_t>(content, at, ChecksumOf(content, at + 8, at + bytes, seed));
    at += bytes;
  }
}

uint64_t ReadAllRecords(Log& log) {
  const std::unique_ptr<LogReader> reader = log.NewReader(log.first_offset()).value();
  uint64_t count = 0;
  while (true) {
    const absl::StatusOr<std::optional<LogRecord>> record = reader->Next();
    Require(record.ok(), "an open log of one segment can be read");
    if (!record->has_value()) break;
    Require((*record)->offset == log.first_offset() + count, "offsets have no gaps");
    ++count;
  }
  Require(reader->offset() == log.next_offset(), "all records are read");
  return count;
}

void Feed(const uint8_t* data, size_t size) {
  if (size < 2) return;
  std::string content(reinterpret_cast<const char*>(data) + 2, size - 2);
  if ((data[0] & 1) != 0) MendChecksums(content, data[1]);
  FaultFileSystem files;
  Require(files.CreateDir(kDir).ok(), "a folder can be made");
  const uint64_t first_offset = content.size() >= 24 ? LoadAt<uint64_t>(content, 16) : 0;
  files.WriteAll(std::string(kDir) + "/" + SegmentFileName(first_offset), content);

  const absl::StatusOr<LogCheckReport> report =
      CheckLog(files, kDir, {.needed_from = first_offset});
  if (!report.ok()) {
    Require(absl::IsFailedPrecondition(report.status()), "only a newer version cannot be checked");
    Require(!Log::Open(files, kDir, {.needed_from = first_offset}).ok(),
            "a newer version cannot be opened");
    return;
  }
  absl::StatusOr<std::unique_ptr<Log>> log = Log::Open(files, kDir, {.needed_from = first_offset});
  const LogDamage* damage = report->FirstHindering(first_offset);
  // The log opens even if a segment does not belong to it: it moves such a segment away, or skips
  // it.
  if (!log.ok()) {
    Require(damage != nullptr || !report->damages.empty() || !report->strays.empty(),
            "a log without damage opens");
    if (damage == nullptr || damage->from == kNoEnd) return;
    Require(files.CreateDir("/kept").ok(), "a folder can be made");
    RemovedFiles removed(files, "/kept", absl::UnixEpoch());
    if (!TruncateLog(files, kDir, 0, first_offset, damage->from, removed).ok()) {
      Require(damage->position == 0, "a log with a good header can be truncated");
      return;
    }
    const uint64_t end = damage->from;
    log = Log::Open(files, kDir, {.needed_from = first_offset});
    Require(log.ok() && (*log)->next_offset() == end, "a truncated log opens");
  }
  const uint64_t count = ReadAllRecords(**log);
  if ((*log)->next_offset() > UINT64_MAX - 2) return;
  const std::array<ByteSpan, 1> pieces = {ByteSpan()};
  Require((*log)->Append(RecordKind::kBatch, pieces).ok(), "an open log can be appended to");
  log->reset();
  log = Log::Open(files, kDir, {.needed_from = first_offset});
  Require(log.ok() && ReadAllRecords(**log) == count + 1, "an appended record can be read");
}

}  // namespace
}  // namespace freshet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  freshet::Feed(data, size);
  return 0;
}
