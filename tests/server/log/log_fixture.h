// What the tests of the log have in common: records whose content follows from their offset.

#ifndef FRESHET_TESTS_SERVER_LOG_LOG_FIXTURE_H_
#define FRESHET_TESTS_SERVER_LOG_LOG_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "server/log/log.h"

namespace freshet {

// The payload of record `offset`: 0 to about 300 bytes, some of them long runs of zeros.
std::string PayloadOf(uint64_t offset);

// The kind of record `offset`.
RecordKind KindOf(uint64_t offset);

// Appends the record that belongs at the log's next offset, its payload in three pieces.
absl::Status AppendNext(Log& log);

// Appends `count` of them and expects that each succeeds.
void AppendMany(Log& log, uint64_t count);

// Reads all records and expects that they are what AppendNext() appends. Returns how many.
uint64_t ExpectGoodRecords(Log& log);

// Opens a log whose segments hold a handful of these records, and expects that it succeeds.
std::unique_ptr<Log> OpenLog(FileSystem& files, const std::string& dir);

// The options with which OpenLog() opens it.
LogOptions SmallSegments();

}  // namespace freshet

#endif  // FRESHET_TESTS_SERVER_LOG_LOG_FIXTURE_H_
