#include "client/command/push_controls.h"

#include <iostream>
#include <utility>

#include "client/command/exit_code.h"
#include "client/command/stop_signal.h"
#include "client/command/text.h"
#include "core/base/str_cat.h"

namespace freshet {

void AddPushControls(CLI::App& command, PushControls& controls) {
  command.add_flag("--skip-errors", controls.skip_errors,
                   "Skip bad rows instead of stopping at the first");
  command
      .add_option("--max-errors", controls.max_errors,
                  "Skip up to this many bad rows; stop at the next")
      ->type_name("N");
  command.add_option("--batch-size", controls.batch_size, "Most rows in a batch")
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option(
          "--producer-id", controls.producer_id,
          "Name of this stream of rows: a later push of the same rows under the same name goes on "
          "after the last row that was acknowledged. Random by default")
      ->type_name("ID");
  command
      .add_option("--retry", controls.retry_s,
                  "How long to keep trying while the server cannot be reached")
      ->type_name("SECONDS")
      ->capture_default_str();
  command.add_option("--progress", controls.progress, "Progress display: auto, bar, plain or none")
      ->type_name("KIND")
      ->capture_default_str();
}

absl::Status CheckPushControls(const PushControls& controls) {
  if (!(controls.retry_s >= 0 && controls.retry_s <= 1e9)) {
    return absl::InvalidArgumentError("--retry must be 0 or more seconds");
  }
  if (controls.batch_size < 1 || controls.batch_size > 65'536) {
    return absl::InvalidArgumentError("--batch-size must be 1 to 65536");
  }
  return absl::OkStatus();
}

PusherOptions PusherOptionsOf(const PushControls& controls, const KnownRows& known) {
  PusherOptions options;
  options.producer_id = controls.producer_id;
  options.producer_is_known = known.last() > 0;
  options.skip_bad_rows = controls.SkipsErrors();
  options.retry_deadline_ms = static_cast<int64_t>(controls.retry_s * 1000);
  return options;
}

absl::StatusOr<KnownRows> FindKnownRows(const Client& client, const std::string& model,
                                        const std::string& producer_id) {
  if (producer_id.empty()) return KnownRows();
  absl::StatusOr<v1::GetProducerResponse> producer = client.GetProducer(model, producer_id);
  if (absl::IsUnimplemented(producer.status())) {
    return absl::FailedPreconditionError(
        "the server is too old to say where this producer was; update the server, or push without "
        "--producer-id");
  }
  if (!producer.ok()) return producer.status();
  return KnownRows(*std::move(producer));
}

absl::Status InterruptedPush(const PushControls& controls, uint64_t last_row,
                             std::string_view last_place, std::string_view producer_id) {
  return InterruptedError(
      StopSignal(), StrCat("interrupted; go on from row ", GroupedCount(last_row + 1),
                           last_place.empty() ? "" : StrCat(", which is after ", last_place),
                           ", with the same command ",
                           controls.producer_id.empty() ? StrCat("and --producer-id ", producer_id)
                                                        : std::string("once more")));
}

void LinePrinter::Print(std::string_view line) {
  const SteadyLock lock(&mu_);
  if (display_ != nullptr) {
    display_->Print(line);
  } else {
    std::cerr << line << "\n";
  }
}

void LinePrinter::Show(ProgressDisplay* display) {
  const SteadyLock lock(&mu_);
  display_ = display;
}

void SayWhereItGoesOn(const KnownRows& known, std::string_view producer_id, LinePrinter& printer) {
  if (known.last() == 0) return;
  printer.Print(StrCat("freshet: going on after row ", GroupedCount(known.last()),
                       ", where producer ", producer_id, " was"));
}

}  // namespace freshet
