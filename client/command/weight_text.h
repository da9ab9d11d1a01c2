// Formats features, weights and contributions as text for people.

#ifndef FRESHET_CLIENT_COMMAND_WEIGHT_TEXT_H_
#define FRESHET_CLIENT_COMMAND_WEIGHT_TEXT_H_

#include <string>

#include "freshet/v1/model.pb.h"
#include "freshet/v1/stats_service.pb.h"

namespace freshet {

// A weight or a contribution, with its sign: "+1.2345", "-3.1e-05", "0".
std::string SignedNumber(double number);

// The text for a feature: its name; several names, separated by slashes, if they share the weight;
// or "#17" for slot 17 if no name is known.
std::string FeatureText(const v1::WeightedFeature& feature);

// A bar that grows from the middle to the right for a positive number, to the left for a negative
// one, and has full length if the number's absolute value is `largest`. All bars take the same
// number of columns.
std::string SignedBar(double number, double largest);

// Each returns a table with lines of explanation before or after it. `model` is the model's id.
std::string WeightsText(const std::string& model, const v1::ListTopWeightsResponse& weights);
std::string ChangesText(const std::string& model, const v1::CompareSnapshotsResponse& changes);
std::string ExplanationText(v1::Loss loss, const v1::ExplainResponse& explanation);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_WEIGHT_TEXT_H_
