// Calls every method and every page of a whole server with tokens of every role.

#include <gmock/gmock.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <string>

#include "core/base/str_cat.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "server/access/secret.h"
#include "server/http/api_route.h"
#include "server/http/dashboard.h"
#include "server/server.h"
#include "tests/server/access/all_methods.h"
#include "tests/server/access/call_table.h"
#include "tests/support/file_text.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using google::protobuf::MethodDescriptor;
using ::testing::HasSubstr;
using ::testing::Not;

// Each token is named after its role, and its secret is its name.
const std::map<std::string, v1::Token::Role>& Roles() {
  static const auto* const kRoles =
      new std::map<std::string, v1::Token::Role>{{"read", v1::Token::ROLE_READ},
                                                 {"predict", v1::Token::ROLE_PREDICT},
                                                 {"learn", v1::Token::ROLE_LEARN},
                                                 {"admin", v1::Token::ROLE_ADMIN}};
  return *kRoles;
}

std::string Entry(const std::string& name, v1::Token::Role role, const std::string& rest = "") {
  return StrCat("tokens { name: '", name, "' sha256: '", ToHex(DigestOf(name)),
                "' roles: ", v1::Token::Role_Name(role), " ", rest, "}\n");
}

class EnforcementTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream tokens(folder_ + "/tokens");
    for (const auto& [name, role] : Roles()) tokens << Entry(name, role);
    tokens << Entry("ours-admin", v1::Token::ROLE_ADMIN, "models: 'ours*'");
    tokens.close();
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.http = "127.0.0.1:0";
    options.data_dir = folder_ + "/data";
    options.endpoints_file = folder_ + "/endpoints";
    options.token_file = folder_ + "/tokens";
    auto server = Server::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    ASSERT_TRUE(server_->Recover().ok());
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
    models_ = v1::ModelService::NewStub(channel_);
  }

  void TearDown() override { server_.reset(); }

  std::string http_address() const {
    const std::string json = FileText(folder_ + "/endpoints");
    const size_t begin = json.find(R"("http":")") + 8;
    return json.substr(begin, json.find('"', begin) - begin);
  }

  static void AddToken(const std::string& secret, grpc::ClientContext& context) {
    if (!secret.empty()) context.AddMetadata("authorization", "Bearer " + secret);
  }

  // Makes a call of any kind: sends one message, and reads all answers.
  grpc::Status Call(const MethodDescriptor& method, const std::string& request_text,
                    const std::string& secret) {
    std::unique_ptr<google::protobuf::Message> request(
        google::protobuf::MessageFactory::generated_factory()
            ->GetPrototype(method.input_type())
            ->New());
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(request_text, request.get()));
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    AddToken(secret, context);
    grpc::CompletionQueue queue;
    const std::string path = StrCat("/", method.service()->full_name(), "/", method.name());
    const auto call = stub.PrepareCall(&context, path, &queue);
    const auto await = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    call->StartCall(nullptr);
    await();
    grpc::Slice slice(request->SerializeAsString());
    call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    await();
    call->WritesDone(nullptr);
    await();
    grpc::ByteBuffer answer;
    do {
      call->Read(&answer, nullptr);
    } while (await());
    grpc::Status status;
    call->Finish(&status, nullptr);
    await();
    return status;
  }

  void CreateModel(const std::string& id) {
    v1::CreateModelRequest request;
    request.set_model_id(id);
    v1::LearnerSpec& learner = *request.mutable_model()->add_variants()->mutable_learner();
    learner.set_loss(v1::LOSS_LOGISTIC);
    learner.set_bits(10);
    v1::CreateModelResponse response;
    grpc::ClientContext context;
    AddToken("admin", context);
    const grpc::Status status = models_->CreateModel(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  const TemporaryFolder temporary_folder_;
  const std::string& folder_ = temporary_folder_.path();
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ModelService::Stub> models_;
};

TEST_F(EnforcementTest, ATokenOfOneRoleIsRefusedEverywhereElse) {
  for (const MethodDescriptor* method : AllMethods()) {
    const auto& [needed, text] = CallTable().at(method->full_name());
    if (Call(*method, text, "admin").error_code() == grpc::StatusCode::UNIMPLEMENTED) continue;
    grpc::Status status = Call(*method, text, "");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED)
        << method->full_name() << ": its handler has to ask CallGate::Admit() first";
    EXPECT_THAT(status.error_message(), HasSubstr("FRESHET_TOKEN"));
    status = Call(*method, text, "other");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method->full_name();
    for (const auto& [name, role] : Roles()) {
      status = Call(*method, text, name);
      const bool may = role == needed || role == v1::Token::ROLE_ADMIN;
      EXPECT_EQ(status.error_code() != grpc::StatusCode::PERMISSION_DENIED, may)
          << method->full_name() << " " << name << ": " << status.error_message();
      EXPECT_NE(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method->full_name();
    }
  }
}

TEST_F(EnforcementTest, AScopedTokenIsRefusedEveryOtherModel) {
  for (const MethodDescriptor* method : AllMethods()) {
    const std::string& text = CallTable().at(method->full_name()).request;
    if (Call(*method, text, "admin").error_code() == grpc::StatusCode::UNIMPLEMENTED) continue;
    EXPECT_NE(Call(*method, text, "ours-admin").error_code(), grpc::StatusCode::PERMISSION_DENIED)
        << method->full_name();
    if (text.empty()) continue;
    const std::string other = std::regex_replace(text, std::regex("ours"), "theirs");
    EXPECT_EQ(Call(*method, other, "ours-admin").error_code(), grpc::StatusCode::PERMISSION_DENIED)
        << method->full_name();
  }
}

TEST_F(EnforcementTest, AListShowsTheModelsOfTheTokenAlone) {
  for (const char* id : {"a", "ours", "ours-2", "ours-3", "theirs"}) {
    ASSERT_NO_FATAL_FAILURE(CreateModel(id));
  }
  std::string names;
  v1::ListModelsRequest request;
  request.set_page_size(2);
  do {
    v1::ListModelsResponse response;
    grpc::ClientContext context;
    AddToken("ours-admin", context);
    ASSERT_TRUE(models_->ListModels(&context, request, &response).ok());
    EXPECT_GE(response.models_size(), 1);
    for (const v1::Model& model : response.models()) names += model.name() + " ";
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(names, "models/ours models/ours-2 models/ours-3 ");
}

TEST_F(EnforcementTest, AStreamEndsWhenItsTokenIsWithdrawn) {
  ASSERT_NO_FATAL_FAILURE(CreateModel("ours"));
  grpc::ClientContext context;
  AddToken("learn", context);
  const auto learning = v1::LearningService::NewStub(channel_);
  const auto stream = learning->Learn(&context);
  v1::LearnRequest request;
  request.set_model("models/ours");
  request.set_producer_id("p");
  request.set_sequence(1);
  request.mutable_examples()->add_examples()->set_label(1);
  v1::LearnResponse response;
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  EXPECT_FALSE(response.has_error());
  std::ofstream(folder_ + "/tokens") << Entry("admin", v1::Token::ROLE_ADMIN);
  // Goes on until the server has read the file again.
  do {
    request.set_sequence(request.sequence() + 1);
  } while (stream->Write(request) && stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(status.error_message(), "token \"learn\" was withdrawn");
}

TEST_F(EnforcementTest, EveryPageIsGuarded) {
  httplib::Client http("http://" + http_address());
  std::map<std::string, bool> open = {{"/healthz", true}, {"/readyz", true}, {"/metrics", false}};
  for (const HttpRoute& route : DashboardRoutes()) open[route.path] = true;
  EXPECT_TRUE(open.contains("/"));
  for (const auto& [path, is_open] : open) {
    EXPECT_EQ(http.Get(path)->status, is_open ? 200 : 401) << path;
    for (const char* name : {"read", "predict", "learn", "admin", "ours-admin", "other"}) {
      const std::string token = name;
      const auto answer = http.Get(path, {{"Authorization", "Bearer " + token}});
      const int guarded = token == "other" ? 401 : token == "read" || token == "admin" ? 200 : 403;
      EXPECT_EQ(answer->status, is_open ? 200 : guarded) << path << " " << token;
    }
  }
  const auto refused = http.Get("/metrics");
  EXPECT_EQ(refused->get_header_value("WWW-Authenticate"), "Bearer");
  EXPECT_THAT(refused->body, HasSubstr("authorization: Bearer TOKEN"));
  EXPECT_THAT(refused->body, Not(HasSubstr("freshet_model")));
}

TEST_F(EnforcementTest, EveryJsonRouteTakesTheRoleOfItsCall) {
  httplib::Client http("http://" + http_address());
  // A path for the model `ours`, made from the route's template.
  const auto path_of = [](std::string_view path_template) {
    std::string path =
        std::regex_replace(std::string(path_template), std::regex(R"(\{[^=]*=([^}]*)\})"), "$1");
    return std::regex_replace(path, std::regex(R"(\*)"), "ours");
  };
  for (const ApiRoute& route : ApiRoutes()) {
    const v1::Token::Role needed = CallTable().at(std::string(route.rpc)).role;
    const auto ask = [&](const std::string& secret) {
      httplib::Request request;
      request.method = route.method;
      request.path = path_of(route.path);
      if (request.path.ends_with(":compare")) request.path += "?oldName=models/ours/snapshots/ours";
      if (!secret.empty()) request.set_header("Authorization", "Bearer " + secret);
      request.set_header("Content-Type", "application/json");
      if (!route.body.empty()) {
        request.body = route.body == "*" ? "{}" : R"({"name":"models/ours"})";
      }
      const auto answer = http.send(request);
      EXPECT_TRUE(answer) << request.path;
      return answer ? answer->status : 0;
    };
    if (ask("admin") == 501) continue;
    EXPECT_EQ(ask(""), 401) << route.path;
    EXPECT_EQ(ask("other"), 401) << route.path;
    for (const auto& [name, role] : Roles()) {
      const bool may = role == needed || role == v1::Token::ROLE_ADMIN;
      EXPECT_EQ(ask(name) != 403, may) << route.method << " " << route.path << " " << name;
    }
  }
}

TEST_F(EnforcementTest, HealthIsOpenAndReflectionIsGone) {
  grpc::GenericStub stub(channel_);
  const auto code = [&](const std::string& method, const std::string& secret = "") {
    grpc::ClientContext context;
    if (!secret.empty()) context.AddMetadata("authorization", "Bearer " + secret);
    grpc::CompletionQueue queue;
    const grpc::Slice empty;
    const auto call = stub.PrepareUnaryCall(&context, method, grpc::ByteBuffer(&empty, 1), &queue);
    call->StartCall();
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return status.error_code();
  };
  EXPECT_EQ(code("/grpc.health.v1.Health/Check"), grpc::StatusCode::OK);
  const std::string reflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  EXPECT_EQ(code(reflection), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code(reflection, "admin"), grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace freshet
