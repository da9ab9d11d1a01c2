// Every method of the services in proto/freshet/v1, for tests that leave none out.

#ifndef FRESHET_TESTS_SERVER_ACCESS_ALL_METHODS_H_
#define FRESHET_TESTS_SERVER_ACCESS_ALL_METHODS_H_

#include <google/protobuf/descriptor.h>

#include <vector>

#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/learning_service.pb.h"
#include "freshet/v1/model_service.pb.h"
#include "freshet/v1/stats_service.pb.h"

namespace freshet {

inline std::vector<const google::protobuf::MethodDescriptor*> AllMethods() {
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  for (const google::protobuf::FileDescriptor* file :
       {v1::LearnRequest::descriptor()->file(), v1::GetModelRequest::descriptor()->file(),
        v1::ExplainRequest::descriptor()->file(), v1::GetEventRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        methods.push_back(file->service(i)->method(j));
      }
    }
  }
  return methods;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SERVER_ACCESS_ALL_METHODS_H_
