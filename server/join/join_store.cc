#include "server/join/join_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/status.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdarg>
#include <filesystem>
#include <fstream>
#include <limits>
#include <system_error>
#include <utility>

#include "core/base/str_cat.h"
#include "server/join/join_entries.h"

namespace freshet {
namespace {

constexpr std::array<const char*, kJoinTables> kTableNames = {
    "default", "events", "records", "rows", "feedback", "queue", "held", "held_order"};
constexpr const char* kDamageMark = "/DAMAGED";
constexpr const char* kNewEventsFile = "/new_events";
constexpr uint64_t kForgetSeconds = uint64_t{24} * 60 * 60;

rocksdb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view FromSlice(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Whether the table is not usable at all, in contrast to a disk that refuses something now.
bool MeansDamage(const rocksdb::Status& status) {
  return status.IsCorruption() || status.IsInvalidArgument() || status.IsNotSupported() ||
         (status.IsIOError() && status.subcode() == rocksdb::Status::kPathNotFound);
}

absl::Status StatusOfTables(const rocksdb::Status& status, const std::string& dir) {
  if (status.ok()) return absl::OkStatus();
  if (!MeansDamage(status)) {
    return absl::UnavailableError(StrCat("the table of events in ", dir, " cannot be used now: ",
                                         status.ToString(), "; it goes on once the cause is gone"));
  }
  return absl::DataLossError(
      StrCat("the table of events in ", dir, " is damaged: ", status.ToString(),
             "; the server makes it anew from the log when it starts, so restart it"));
}

// The same for tables that are open: marks them, so that the next Open() does not take them.
absl::Status StatusAndMark(const rocksdb::Status& status, const std::string& dir) {
  absl::Status result = StatusOfTables(status, dir);
  if (absl::IsDataLoss(result)) std::ofstream(dir + kDamageMark) << status.ToString() << "\n";
  return result;
}

// Leaves out events that are not known any more.
class ForgottenEvents : public rocksdb::CompactionFilter {
 public:
  const char* Name() const override { return "freshet.ForgottenEvents"; }

  bool Filter(int /*level*/, const rocksdb::Slice& /*key*/, const rocksdb::Slice& value,
              std::string* /*new_value*/, bool* /*value_changed*/) const override {
    EventEntry entry;
    if (!entry.Parse(FromSlice(value))) return false;
    return entry.time.record_ms < record_ms_.load(std::memory_order_relaxed) ||
           (entry.time.own_ms.has_value() &&
            *entry.time.own_ms < stream_ms_.load(std::memory_order_relaxed));
  }

  void Raise(int64_t record_ms, int64_t stream_ms) {
    record_ms_.store(record_ms, std::memory_order_relaxed);
    stream_ms_.store(stream_ms, std::memory_order_relaxed);
  }

 private:
  std::atomic<int64_t> record_ms_{std::numeric_limits<int64_t>::min()};
  std::atomic<int64_t> stream_ms_{std::numeric_limits<int64_t>::min()};
};

// RocksDB's messages go nowhere: what matters comes as a status. RocksDB's own file of messages
// must not be used, because the packaged library aborts the process when it writes a message after
// a write of that file failed.
class NoMessages : public rocksdb::Logger {
 public:
  NoMessages() : rocksdb::Logger(rocksdb::FATAL_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

rocksdb::DBOptions DatabaseOptions(const JoinStore::Options& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.db_write_buffer_size = options.write_buffer_bytes;
  db.max_total_wal_size = 2 * options.write_buffer_bytes;
  db.max_open_files = 128;
  db.max_background_jobs = 2;
  db.info_log = std::make_shared<NoMessages>();
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  // A tail of the log of writes that was torn by a loss of power is cut: what is left is the table
  // at an earlier record.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  return db;
}

rocksdb::ColumnFamilyOptions TableOptions(const JoinStore::Options& options,
                                          const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = cache;
  blocks.cache_index_and_filter_blocks = true;
  blocks.pin_l0_filter_and_index_blocks_in_cache = true;
  blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  blocks.format_version = 5;
  rocksdb::ColumnFamilyOptions table;
  table.write_buffer_size = options.write_buffer_bytes / 2;
  table.memtable_whole_key_filtering = true;
  table.memtable_prefix_bloom_size_ratio = 0.05;
  table.level_compaction_dynamic_level_bytes = true;
  table.compression = rocksdb::kLZ4Compression;
  table.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  return table;
}

}  // namespace

struct OpenJoinTables {
  explicit OpenJoinTables(std::string folder) : dir(std::move(folder)) {}
  ~OpenJoinTables() {
    for (rocksdb::ColumnFamilyHandle* const handle : handles) {
      if (handle != nullptr) db->DestroyColumnFamilyHandle(handle);
    }
  }
  OpenJoinTables(const OpenJoinTables&) = delete;
  OpenJoinTables& operator=(const OpenJoinTables&) = delete;

  rocksdb::ColumnFamilyHandle* handle(JoinTable table) const {
    return handles[static_cast<size_t>(table)];
  }

  const std::string dir;
  ForgottenEvents filter;
  std::unique_ptr<rocksdb::DB> db;
  std::array<rocksdb::ColumnFamilyHandle*, kJoinTables> handles{};
};

struct JoinScan::Rep {
  std::shared_ptr<OpenJoinTables> tables;
  std::unique_ptr<rocksdb::Iterator> iterator;  // Ends before `tables`.
};

JoinScan::JoinScan(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
JoinScan::~JoinScan() = default;
JoinScan::JoinScan(JoinScan&&) noexcept = default;
bool JoinScan::valid() const { return rep_->iterator->Valid(); }
std::string_view JoinScan::key() const { return FromSlice(rep_->iterator->key()); }
std::string_view JoinScan::value() const { return FromSlice(rep_->iterator->value()); }
void JoinScan::Next() { rep_->iterator->Next(); }
absl::Status JoinScan::status() const {
  return StatusAndMark(rep_->iterator->status(), rep_->tables->dir);
}

JoinView::JoinView(std::shared_ptr<OpenJoinTables> tables, bool snapshot)
    : tables_(std::move(tables)), snapshot_(snapshot ? tables_->db->GetSnapshot() : nullptr) {}

JoinView::JoinView(JoinView&& other) noexcept
    : tables_(std::move(other.tables_)), snapshot_(std::exchange(other.snapshot_, nullptr)) {}

JoinView::~JoinView() {
  if (snapshot_ != nullptr) {
    tables_->db->ReleaseSnapshot(static_cast<const rocksdb::Snapshot*>(snapshot_));
  }
}

absl::StatusOr<std::optional<std::string>> JoinView::Get(JoinTable table,
                                                         std::string_view key) const {
  rocksdb::ReadOptions options;
  options.snapshot = static_cast<const rocksdb::Snapshot*>(snapshot_);
  std::string value;
  const rocksdb::Status status =
      tables_->db->Get(options, tables_->handle(table), ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return StatusAndMark(status, tables_->dir);
  return value;
}

absl::StatusOr<std::vector<std::optional<std::string>>> JoinView::GetAll(
    JoinTable table, const std::vector<std::string>& keys) const {
  rocksdb::ReadOptions options;
  options.snapshot = static_cast<const rocksdb::Snapshot*>(snapshot_);
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> found(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  tables_->db->MultiGet(options, tables_->handle(table), keys.size(), slices.data(), found.data(),
                        statuses.data());
  std::vector<std::optional<std::string>> values(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].ok()) {
      values[i] = std::string(FromSlice(found[i]));
    } else if (!statuses[i].IsNotFound()) {
      return StatusAndMark(statuses[i], tables_->dir);
    }
  }
  return values;
}

JoinScan JoinView::Scan(JoinTable table, std::string_view begin) const {
  rocksdb::ReadOptions options;
  options.snapshot = static_cast<const rocksdb::Snapshot*>(snapshot_);
  auto rep = std::make_unique<JoinScan::Rep>();
  rep->tables = tables_;
  rep->iterator.reset(tables_->db->NewIterator(options, tables_->handle(table)));
  rep->iterator->Seek(ToSlice(begin));
  return JoinScan(std::move(rep));
}

JoinStore::JoinStore(Options options) : options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<JoinStore>> JoinStore::Open(Options options) {
  std::error_code ignored;
  if (std::filesystem::exists(options.dir + kDamageMark, ignored)) {
    return absl::DataLossError(
        StrCat("the table of events in ", options.dir, " was found to be damaged"));
  }
  std::unique_ptr<JoinStore> store(new JoinStore(std::move(options)));
  if (absl::Status status = store->OpenTables(); !status.ok()) return status;
  return store;
}

absl::Status JoinStore::OpenTables() {
  auto tables = std::make_shared<OpenJoinTables>(options_.dir);
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options_.cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.reserve(kTableNames.size());
  for (const char* const name : kTableNames) {
    descriptors.emplace_back(name, TableOptions(options_, cache));
  }
  rocksdb::ColumnFamilyOptions& events =
      descriptors[static_cast<size_t>(JoinTable::kEvents)].options;
  events.compaction_filter = &tables->filter;
  // Files of ids that rise with time never meet others, so only this lets the filter see them.
  events.periodic_compaction_seconds = kForgetSeconds;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(DatabaseOptions(options_), options_.dir, descriptors, &handles, &db);
  if (status.ok()) {
    tables->db.reset(db);
    std::copy(handles.begin(), handles.end(), tables->handles.begin());
  }
  const absl::MutexLock lock(&mu_);
  fault_ = StatusOfTables(status, options_.dir);
  if (fault_.ok()) tables_ = std::move(tables);
  return fault_;
}

absl::Status JoinStore::Remove(const std::string& dir) {
  std::error_code error;
  std::filesystem::remove_all(dir, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      StrCat("the table of events in ", dir, " cannot be removed: ", error.message(),
             "; remove the folder by hand, it is made anew from the log"));
}

absl::StatusOr<JoinView> JoinStore::MakeView(bool snapshot) const {
  std::shared_ptr<OpenJoinTables> tables;
  {
    const absl::MutexLock lock(&mu_);
    if (tables_ == nullptr) return fault_;
    tables = tables_;
  }
  return JoinView(std::move(tables), snapshot);
}

absl::StatusOr<std::shared_ptr<OpenJoinTables>> JoinStore::TablesToChange() const {
  const absl::MutexLock lock(&mu_);
  if (!fault_.ok()) return fault_;
  return tables_;
}

absl::Status JoinStore::EndChange(const rocksdb::Status& status) {
  absl::Status result = StatusAndMark(status, options_.dir);
  if (!result.ok()) {
    const absl::MutexLock lock(&mu_);
    fault_ = result;
  }
  return result;
}

absl::Status JoinStore::Write(const JoinWrite& write) {
  const auto tables = TablesToChange();
  if (!tables.ok()) return tables.status();
  rocksdb::WriteBatch batch;
  rocksdb::Status status;
  for (const JoinWrite::Change& change : write.changes_) {
    rocksdb::ColumnFamilyHandle* const table = (*tables)->handle(change.table);
    status = change.value.has_value() ? batch.Put(table, change.key, *change.value)
                                      : batch.Delete(table, change.key);
    if (!status.ok()) break;
  }
  if (status.ok()) status = (*tables)->db->Write(rocksdb::WriteOptions(), &batch);
  return EndChange(status);
}

absl::Status JoinStore::AddEvents(
    const std::vector<std::pair<std::string_view, EventEntry>>& events) {
  if (events.empty()) return absl::OkStatus();
  const auto tables = TablesToChange();
  if (!tables.ok()) return tables.status();
  rocksdb::DB& db = *(*tables)->db;
  rocksdb::ColumnFamilyHandle* const table = (*tables)->handle(JoinTable::kEvents);
  const std::string path = options_.dir + kNewEventsFile;
  // What a kill left may be another name of a file of the table, which must not be written over.
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), db.GetOptions(table), table);
  rocksdb::Status status = writer.Open(path);
  for (const auto& [id, event] : events) {
    if (!status.ok()) break;
    status = writer.Put(ToSlice(id), event.Format());
  }
  if (status.ok()) status = writer.Finish();
  if (status.ok()) {
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    options.write_global_seqno = false;  // Another write to the file, for old readers.
    status = db.IngestExternalFile(table, {path}, options);
  }
  return EndChange(status);
}

bool JoinStore::needs_reopen() const {
  const absl::MutexLock lock(&mu_);
  return !fault_.ok();
}

absl::Status JoinStore::Reopen() {
  std::shared_ptr<OpenJoinTables> closed;
  {
    const absl::MutexLock lock(&mu_);
    if (tables_.use_count() > 1) return fault_;
    closed = std::move(tables_);
  }
  closed.reset();
  return OpenTables();
}

absl::Status JoinStore::Sync() {
  const auto tables = TablesToChange();
  if (!tables.ok()) return tables.status();
  return EndChange((*tables)->db->SyncWAL());
}

void JoinStore::DropEvents(int64_t record_ms, int64_t stream_ms) {
  const absl::MutexLock lock(&mu_);
  if (tables_ != nullptr) tables_->filter.Raise(record_ms, stream_ms);
}

}  // namespace freshet
