// Gives the records of one model their order.

#ifndef FRESHET_SERVER_MODEL_SEQUENCER_H_
#define FRESHET_SERVER_MODEL_SEQUENCER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "freshet/v1/learning_service.pb.h"
#include "server/record/record.h"
#include "server/view/model_state.h"
#include "server/view/producer_id_set.h"
#include "server/view/producer_table.h"

namespace freshet {

// Decides whether a batch is new, and gives each record that is accepted the next offset and the
// time. It knows the producers of all records that were accepted, while the model's own view of
// them has those that were learned. It neither stores records nor applies them.
//
// Not thread-safe; the owner's lock guards it.
class Sequencer {
 public:
  struct Options {
    // Whether accepted records survive a crash. Without a log a crash loses producers together with
    // what they sent, so that a producer which is not known may begin with any sequence.
    bool is_logged = true;
    // Producers that are remembered from the next batch on, >= 1; see ProducerTable.
    uint32_t max_producers = ProducerTable::kDefaultCapacity;
    std::function<absl::Time()> clock;
  };

  // Goes on behind the state.
  Sequencer(const ModelState& state, Options options);

  // What a batch is.
  struct Verdict {
    ProducerVerdict kind = ProducerVerdict::kNew;
    uint64_t offset =
        0;  // Of a duplicate: the model's offset after the last batch of its producer.
    absl::Status refusal;  // Of one that is neither new nor a duplicate: why it is refused.
  };
  // `request` is a LearnRequest or a FeedbackRequest; `sender` is the name of the token that sent
  // it; empty: anyone. Events of Predict have no producer, and are always new.
  template <typename Request>
  Verdict Judge(const Request& request, std::string_view sender) const;
  // The same of a decision about labels: new if it has the next number. Another one was made
  // without knowledge of a decision that was accepted since.
  Verdict Judge(const LabelsRecord& labels) const;

  // What was accepted of a producer; an empty entry if it is not known. FAILED_PRECONDITION if it
  // was forgotten, PERMISSION_DENIED if it belongs to another sender.
  absl::StatusOr<ProducerTable::Entry> FindProducer(std::string_view producer_id,
                                                    std::string_view sender) const;

  // Puts a record next, and notes in its envelope what was decided. REQUIRES: Judge() finds it new.
  Record Accept(std::unique_ptr<BatchRecord> batch, std::string_view sender);
  Record Accept(std::unique_ptr<BatchRecord> rows, v1::EventsNote note, std::string_view sender);
  Record Accept(FeedbackRecord feedback, std::string_view sender);
  Record Accept(LabelsRecord labels);
  // Puts a record next that is always new.
  Record Accept(SettingsRecord settings) { return Next(std::move(settings)); }
  Record Accept(RestoreRecord restore) { return Next(std::move(restore)); }

  // Events that are accepted and not settled.
  uint64_t pending_rows() const { return pending_rows_; }

  // Takes note of a batch that was rejected for what it holds. Where it was the first of its
  // producer, that producer goes on with the next sequence, of which the model would otherwise not
  // know that it is the first.
  template <typename Request>
  void NoteRejected(const Request& request);

  // The number of records accepted: the offset that the next one gets.
  uint64_t next_offset() const { return next_offset_; }

  uint64_t producer_count() const { return producers_.size(); }
  // Producers that were forgotten since the model was created.
  uint64_t forgotten_producer_count() const { return producers_.forgotten_count(); }

 private:
  template <typename Request>
  ProducerBatch ProducerBatchOf(const Request& request, std::string_view sender) const;
  template <typename Request>
  BatchEnvelope AcceptFrom(const Request& request, std::string_view sender);
  Record Next(RecordBody body);

  const Options options_;
  uint64_t next_offset_;
  int64_t last_time_ms_;
  uint64_t labels_number_;
  uint64_t pending_rows_;
  ProducerTable producers_;
  ProducerIdSet rejected_producers_;  // See NoteRejected().
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_SEQUENCER_H_
