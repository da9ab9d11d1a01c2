// The role that each method requires and a request for it. Written independently of the table in
// the server, so that tests can compare the two.

#ifndef FRESHET_TESTS_SERVER_ACCESS_CALL_TABLE_H_
#define FRESHET_TESTS_SERVER_ACCESS_CALL_TABLE_H_

#include <map>
#include <string>

#include "freshet/v1/server_config.pb.h"

namespace freshet {

struct CallCase {
  v1::Token::Role role = v1::Token::ROLE_UNSPECIFIED;
  std::string request;  // On the model `ours`, in text format.
};

// By the full name of the method. A new method needs a row here, and one in
// server/access/permissions.cc.
inline const std::map<std::string, CallCase>& CallTable() {
  using v1::Token;
  static const auto* const kTable = new std::map<std::string, CallCase>{
      {"freshet.v1.LearningService.Learn",
       {Token::ROLE_LEARN, "model: 'models/ours' producer_id: 'p' sequence: 1 examples {}"}},
      {"freshet.v1.LearningService.Predict",
       {Token::ROLE_PREDICT, "model: 'models/ours' examples {}"}},
      {"freshet.v1.LearningService.GetProducer",
       {Token::ROLE_LEARN, "model: 'models/ours' producer_id: 'p'"}},
      {"freshet.v1.LearningService.Feedback",
       {Token::ROLE_LEARN, "model: 'models/ours' producer_id: 'p' sequence: 1 items {}"}},
      {"freshet.v1.EventService.GetEvent",
       {Token::ROLE_READ, "parent: 'models/ours' event_id: 'e'"}},
      {"freshet.v1.EventService.ListEvents", {Token::ROLE_READ, "parent: 'models/ours'"}},
      {"freshet.v1.ModelService.CreateModel",
       {Token::ROLE_ADMIN, "model_id: 'ours' source_snapshot: 'models/ours/snapshots/s'"}},
      {"freshet.v1.ModelService.GetModel", {Token::ROLE_READ, "name: 'models/ours'"}},
      {"freshet.v1.ModelService.ListModels", {Token::ROLE_READ, ""}},
      {"freshet.v1.ModelService.UpdateModel", {Token::ROLE_ADMIN, "model { name: 'models/ours' }"}},
      {"freshet.v1.ModelService.DeleteModel", {Token::ROLE_ADMIN, "name: 'models/ours'"}},
      {"freshet.v1.ModelService.CreateSnapshot", {Token::ROLE_ADMIN, "parent: 'models/ours'"}},
      {"freshet.v1.ModelService.GetSnapshot",
       {Token::ROLE_READ, "name: 'models/ours/snapshots/s'"}},
      {"freshet.v1.ModelService.ListSnapshots", {Token::ROLE_READ, "parent: 'models/ours'"}},
      {"freshet.v1.ModelService.DeleteSnapshot",
       {Token::ROLE_ADMIN, "name: 'models/ours/snapshots/s'"}},
      {"freshet.v1.ModelService.RestoreSnapshot",
       {Token::ROLE_ADMIN, "name: 'models/ours/snapshots/s'"}},
      {"freshet.v1.ModelService.ExportSnapshot",
       {Token::ROLE_ADMIN, "name: 'models/ours/snapshots/s'"}},
      {"freshet.v1.ModelService.ImportSnapshot",
       {Token::ROLE_ADMIN, "parent: 'models/ours' data: 'x'"}},
      {"freshet.v1.ModelService.ComputeDigest", {Token::ROLE_READ, "name: 'models/ours'"}},
      {"freshet.v1.StatsService.ListTopWeights",
       {Token::ROLE_READ, "name: 'models/ours/variants/main'"}},
      {"freshet.v1.StatsService.Explain", {Token::ROLE_READ, "name: 'models/ours' example {}"}},
      {"freshet.v1.StatsService.CompareSnapshots",
       {Token::ROLE_READ,
        "old_name: 'models/ours/snapshots/a' new_name: 'models/ours/snapshots/b'"}},
  };
  return *kTable;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SERVER_ACCESS_CALL_TABLE_H_
