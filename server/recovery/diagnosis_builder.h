// Collects the findings and the steps of a diagnosis.

#ifndef FRESHET_SERVER_RECOVERY_DIAGNOSIS_BUILDER_H_
#define FRESHET_SERVER_RECOVERY_DIAGNOSIS_BUILDER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "server/recovery/model_diagnosis.h"

namespace freshet {

// What is wrong may be added in any order: Finish() sorts it. Not thread-safe.
//
//   DiagnosisBuilder builder("data/models/ctr-00c0ffee00c0ffee");
//   builder.AddUnneeded(StrCat(path, ": it is a copy"), path);
//   return std::move(builder).Finish();
class DiagnosisBuilder {
 public:
  // In an advice, stands for the command that carries out the steps. Finish() puts the command
  // there, since it depends on all steps.
  static constexpr std::string_view kRepair = "{repair}";

  // `dir` is the model's folder. Its name is taken for the model's until that is known.
  explicit DiagnosisBuilder(const std::string& dir);

  // What has been collected so far. The caller sets everything but findings and steps here.
  ModelDiagnosis& diagnosis() { return diagnosis_; }

  void AddStep(RepairStep::Kind kind, std::string path, std::string to = "", uint64_t offset = 0);
  void AddFinding(std::string what, bool hinders, std::string advice);
  // A file that nobody needs, and the step that moves it away.
  void AddUnneeded(std::string what, std::string path);
  // Damage that a step of the caller's can repair without giving anything up: `how` follows the
  // command, as in "moves it away".
  void AddMendable(std::string what, bool hinders, std::string_view how);
  // Damage that only a copy of the file `path` can undo.
  void AddLost(std::string what, std::string path);

  // The diagnosis, with findings and steps in their order and the command in each advice.
  ModelDiagnosis Finish() &&;

 private:
  ModelDiagnosis diagnosis_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RECOVERY_DIAGNOSIS_BUILDER_H_
