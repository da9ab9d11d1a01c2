// Features, weights and contributions as people read them.

#ifndef FRESHET_CLIENT_COMMAND_WEIGHT_TEXT_H_
#define FRESHET_CLIENT_COMMAND_WEIGHT_TEXT_H_

#include <string>

#include "freshet/v1/model.pb.h"
#include "freshet/v1/stats_service.pb.h"

namespace freshet {

// A weight or a contribution, with its sign: "+1.2345", "-3.1e-05", "0".
std::string SignedNumber(double number);

// What a feature is called: its names, between slashes where several share the weight, or "#17" for
// slot 17 where none is known.
std::string FeatureText(const v1::WeightedFeature& feature);

// A bar from the middle to the right for a positive number, to the left for a negative one; as long
// as it can be for one of the size `largest`. Always equally wide.
std::string SignedBar(double number, double largest);

// Tables, with what they are of before or after them. `model` is the model's id.
std::string WeightsText(const std::string& model, const v1::ListTopWeightsResponse& weights);
std::string ChangesText(const std::string& model, const v1::CompareSnapshotsResponse& changes);
std::string ExplanationText(v1::Loss loss, const v1::ExplainResponse& explanation);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_WEIGHT_TEXT_H_
