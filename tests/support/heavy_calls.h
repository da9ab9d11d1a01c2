// Calls that are expensive for a server though their caller may only read or predict.

#ifndef FRESHET_TESTS_SUPPORT_HEAVY_CALLS_H_
#define FRESHET_TESTS_SUPPORT_HEAVY_CALLS_H_

#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "core/base/str_cat.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "freshet/v1/stats_service.grpc.pb.h"
#include "tests/support/call_loop.h"

namespace freshet {

// The learner `auto` with interactions of any three features, whatever their namespaces.
inline v1::LearnerSpec CombiningLearner() {
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(18);
  learner.mutable_auto_();
  v1::Interaction& triples = *learner.mutable_features()->add_interactions();
  for (int i = 0; i < 3; ++i) triples.add_namespaces("*");
  return learner;
}

// An example with `count` features in one namespace. A learner that combines features by three
// makes count * (count + 1) * (count + 2) / 6 more of them.
inline v1::Example WideExample(int count) {
  v1::Example example;
  v1::Namespace& group = *example.add_namespaces();
  group.set_name("n");
  for (int i = 0; i < count; ++i) group.add_features()->set_name(StrCat("f", i));
  return example;
}

inline CallLoop::Call ExplainCallOf(const Client& client, const std::string& name,
                                    const v1::Example& example) {
  v1::ExplainRequest request;
  request.set_name(name);
  *request.mutable_example() = example;
  const std::shared_ptr<v1::StatsService::Stub> stub = v1::StatsService::NewStub(client.channel());
  return [stub, request](grpc::ClientContext& context) {
    v1::ExplainResponse response;
    return stub->Explain(&context, request, &response);
  };
}

inline CallLoop::Call DigestCallOf(const Client& client, const std::string& model) {
  v1::ComputeDigestRequest request;
  request.set_name(StrCat("models/", model));
  const std::shared_ptr<v1::ModelService::Stub> stub = v1::ModelService::NewStub(client.channel());
  return [stub, request](grpc::ClientContext& context) {
    v1::ComputeDigestResponse response;
    return stub->ComputeDigest(&context, request, &response);
  };
}

inline CallLoop::Call DescribeCallOf(const Client& client, const std::string& model) {
  v1::GetModelRequest request;
  request.set_name(StrCat("models/", model));
  const std::shared_ptr<v1::ModelService::Stub> stub = v1::ModelService::NewStub(client.channel());
  return [stub, request](grpc::ClientContext& context) {
    v1::GetModelResponse response;
    return stub->GetModel(&context, request, &response);
  };
}

inline CallLoop::Call PredictCallOf(const Client& client, const v1::PredictRequest& request) {
  const std::shared_ptr<v1::LearningService::Stub> stub =
      v1::LearningService::NewStub(client.channel());
  return [stub, request](grpc::ClientContext& context) {
    v1::PredictResponse response;
    return stub->Predict(&context, request, &response);
  };
}

// A prediction of readable rows, of about `bytes` bytes in all.
inline v1::PredictRequest ReadablePrediction(const std::string& model, size_t bytes,
                                             int row_features) {
  v1::PredictRequest request;
  request.set_model(StrCat("models/", model));
  const v1::Example row = WideExample(row_features);
  for (size_t size = 0; size < bytes; size += row.ByteSizeLong() + 4) {
    *request.mutable_examples()->add_examples() = row;
  }
  return request;
}

// A prediction of packed rows with 30 features each.
inline v1::PredictRequest PackedPrediction(const std::string& model, uint32_t rows) {
  constexpr uint32_t kFeatures = 30;
  v1::PredictRequest request;
  request.set_model(StrCat("models/", model));
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.set_row_count(rows);
  packed.add_namespaces("");
  packed.add_segment_sizes(kFeatures);
  for (uint32_t i = 0; i < rows * kFeatures; ++i) packed.add_feature_ids(i * 2654435761U);
  return request;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_HEAVY_CALLS_H_
