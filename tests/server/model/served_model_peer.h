// What tests look at behind the interface of a model.

#ifndef FRESHET_TESTS_SERVER_MODEL_SERVED_MODEL_PEER_H_
#define FRESHET_TESTS_SERVER_MODEL_SERVED_MODEL_PEER_H_

#include "server/model/served_model.h"

namespace freshet {

class ServedModelPeer {
 public:
  static Pipeline& PipelineOf(ServedModel& model) { return *model.pipeline_; }
  static ModelFiles& FilesOf(ServedModel& model) { return model.files_; }
  static Challenger& ChallengerOf(ServedModel& model) {
    return *model.challengers_.followed_.front().challenger;
  }
};

inline Pipeline& PipelineOf(ServedModel& model) { return ServedModelPeer::PipelineOf(model); }
inline ModelFiles& FilesOf(ServedModel& model) { return ServedModelPeer::FilesOf(model); }
// The first one.
inline Challenger& ChallengerOf(ServedModel& model) { return ServedModelPeer::ChallengerOf(model); }

}  // namespace freshet

#endif  // FRESHET_TESTS_SERVER_MODEL_SERVED_MODEL_PEER_H_
