// Formats models as text for people.

#ifndef FRESHET_CLIENT_COMMAND_MODEL_TEXT_H_
#define FRESHET_CLIENT_COMMAND_MODEL_TEXT_H_

#include <optional>
#include <string>
#include <vector>

#include "freshet/v1/model.pb.h"

namespace freshet {

// The champion of `model`. Without a champion, its first variant; without variants, a default
// instance. The reference is valid as long as `model`.
const v1::Variant& ChampionOf(const v1::Model& model);

// The decayed loss of the champion; absent if it has learned nothing yet.
std::optional<double> RecentLossOf(const v1::Model& model);

// One line: name, loss, learner, table size and durability.
std::string DescribeModelBriefly(const v1::Model& model);

// All settings and metrics, on several aligned lines.
std::string DescribeModel(const v1::Model& model);

// A table with one line per model and column titles.
std::string ModelTable(const std::vector<v1::Model>& models);

// "fsync" for DURABILITY_FSYNC; "" for DURABILITY_UNSPECIFIED and unknown values.
std::string DurabilityName(v1::Durability durability);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_MODEL_TEXT_H_
