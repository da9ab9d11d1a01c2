// What a view of a model's log is.

#ifndef FRESHET_SERVER_VIEW_VIEW_H_
#define FRESHET_SERVER_VIEW_VIEW_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "server/record/record.h"
#include "server/view/snapshot_parts.h"

namespace freshet {

// A deterministic function of the records of a model's log up to an offset: a variant, the table of
// producers, the names of features. A view consults no clock and draws no random numbers, so that
// it comes out the same on every replay.
//
// Not thread-safe: one thread at a time applies records and saves. What a view lets readers see
// meanwhile, it says itself.
class View {
 public:
  virtual ~View() = default;
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  // The name of the view's part in a snapshot, such as "producers" or "variants/main": unique among
  // the views of a model, and never changed.
  const std::string& id() const { return id_; }

  // The number of records that the view has applied: it includes all below this offset.
  uint64_t offset() const { return offset_; }

  // Applies the record at offset(). For a restore, `restored` is this view as the snapshot has it,
  // and may be taken apart; else null.
  void Apply(const Record& record, View* restored) {
    ApplyNext(record, restored);
    ++offset_;
  }

  // The layout of what Save() writes; Load() reads all versions up to this one.
  virtual uint32_t version() const = 0;

  // Appends the state. Equal states give equal bytes.
  virtual void Save(StateWriter& writer) const = 0;

  // The view's part of a snapshot: a copy of the state.
  SavedPart SavePart() const {
    SavedPart part;
    part.id = id_;
    part.version = version();
    part.offset = offset_;
    Save(part.bytes);
    return part;
  }

  // Replaces the state by one that was saved when the view stood at `offset`. DATA_LOSS where the
  // bytes do not fit; the view is then to be thrown away.
  absl::Status Load(StateReader& reader, uint32_t version, uint64_t offset) {
    offset_ = offset;
    return LoadVersion(reader, version);
  }

  // Makes a new view one that knows nothing of the records below `offset`: the snapshot has no part
  // of it.
  void BeginAt(uint64_t offset) { offset_ = offset; }

 protected:
  explicit View(std::string id) : id_(std::move(id)) {}

 private:
  // The same as Apply(), while offset() is still that of the record. `restored` is of the same
  // class.
  virtual void ApplyNext(const Record& record, View* restored) = 0;
  virtual absl::Status LoadVersion(StateReader& reader, uint32_t version) = 0;

  const std::string id_;
  uint64_t offset_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_VIEW_H_
