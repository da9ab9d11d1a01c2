#include "server/recovery/diagnosis_builder.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_replace.h"
#include "core/base/str_cat.h"
#include "server/file/small_file.h"

namespace freshet {

DiagnosisBuilder::DiagnosisBuilder(const std::string& dir) {
  diagnosis_.dir = dir;
  diagnosis_.name = NameAtEnd(dir);
}

void DiagnosisBuilder::AddStep(RepairStep::Kind kind, std::string path, std::string to,
                               uint64_t offset) {
  diagnosis_.steps.push_back(
      {.kind = kind, .path = std::move(path), .to = std::move(to), .offset = offset});
}

void DiagnosisBuilder::AddFinding(std::string what, bool hinders, std::string advice) {
  diagnosis_.findings.push_back(
      {.what = std::move(what), .hinders = hinders, .advice = std::move(advice)});
}

void DiagnosisBuilder::AddUnneeded(std::string what, std::string path) {
  AddFinding(std::move(what), /*hinders=*/false,
             StrCat("recovery does not need it; ", kRepair, " moves it away"));
  AddStep(RepairStep::Kind::kMoveAway, std::move(path));
}

void DiagnosisBuilder::AddMendable(std::string what, bool hinders, std::string_view how) {
  AddFinding(std::move(what), hinders, StrCat(kRepair, " ", how, "; nothing is lost"));
}

void DiagnosisBuilder::AddLost(std::string what, std::string path) {
  AddFinding(std::move(what), /*hinders=*/true,
             "put the file back from a copy; without one, see the way out");
  if (diagnosis_.wanted_copy.empty()) diagnosis_.wanted_copy = std::move(path);
}

ModelDiagnosis DiagnosisBuilder::Finish() && {
  std::set<std::string> moved_away;
  for (const RepairStep& step : diagnosis_.steps) {
    if (step.kind == RepairStep::Kind::kMoveAway) moved_away.insert(step.path);
  }
  std::erase_if(diagnosis_.steps, [&](const RepairStep& step) {
    return step.kind == RepairStep::Kind::kRename && moved_away.contains(step.path);
  });
  std::stable_sort(diagnosis_.steps.begin(), diagnosis_.steps.end(),
                   [](const RepairStep& a, const RepairStep& b) { return a.kind < b.kind; });
  std::stable_sort(diagnosis_.findings.begin(), diagnosis_.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.hinders && !b.hinders; });
  const std::string command = StrCat("'", diagnosis_.Command(), "'");
  for (Finding& finding : diagnosis_.findings) {
    finding.advice = absl::StrReplaceAll(finding.advice, {{ToAbsl(kRepair), command}});
  }
  return std::move(diagnosis_);
}

}  // namespace freshet
