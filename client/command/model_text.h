// Models as people read them.

#ifndef FRESHET_CLIENT_COMMAND_MODEL_TEXT_H_
#define FRESHET_CLIENT_COMMAND_MODEL_TEXT_H_

#include <string>
#include <vector>

#include "freshet/v1/model.pb.h"

namespace freshet {

// The champion of a model; a default instance where it has none.
const v1::Variant& ChampionOf(const v1::Model& model);

// One line: name, loss, learner, size of the table.
std::string DescribeModelBriefly(const v1::Model& model);

// Everything, aligned, on several lines.
std::string DescribeModel(const v1::Model& model);

// One line a model, with titles.
std::string ModelTable(const std::vector<v1::Model>& models);

// "fsync" for DURABILITY_FSYNC; "" where there is none.
std::string DurabilityName(v1::Durability durability);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_MODEL_TEXT_H_
