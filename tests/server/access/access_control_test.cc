#include "server/access/access_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "core/base/str_cat.h"
#include "server/access/secret.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Token(const std::string& name, const std::string& secret, const std::string& rest) {
  return StrCat("tokens { name: '", name, "' sha256: '", ToHex(DigestOf(secret)), "' ", rest,
                " }\n");
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

// A token file that can be changed.
class TokenFile {
 public:
  explicit TokenFile(const std::string& text) { Write(text); }
  ~TokenFile() { std::remove(path_.c_str()); }
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;

  void Write(const std::string& text) const { std::ofstream(path_) << text; }
  const std::string& path() const { return path_; }

 private:
  const std::string path_ =
      StrCat(testing::TempDir(), "/tokens-",
             testing::UnitTest::GetInstance()->current_test_info()->name(), ".textproto");
};

TEST(SecretTest, SecretsDifferAndTheirDigestIsSha256) {
  const std::string secret = NewSecret().value();
  EXPECT_THAT(secret, StartsWith("freshet_"));
  EXPECT_GE(secret.size(), 50U);  // 256 bits.
  EXPECT_NE(secret, NewSecret().value());
  // The example from FIPS 180-2.
  EXPECT_EQ(ToHex(DigestOf("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const SecretDigest digest = DigestOf(secret);
  EXPECT_TRUE(EqualInConstantTime(digest, *DigestFromHex(ToHex(digest))));
  EXPECT_FALSE(EqualInConstantTime(digest, DigestOf("abc")));
}

TEST(SecretTest, OnlySixtyFourDigitsAreADigest) {
  const std::string good = ToHex(DigestOf("abc"));
  EXPECT_FALSE(DigestFromHex(""));
  EXPECT_FALSE(DigestFromHex(good + "0"));
  EXPECT_FALSE(DigestFromHex(good.substr(1)));
  EXPECT_FALSE(DigestFromHex("g" + good.substr(1)));
}

TEST(CallerTest, RolesAreApartAndAdminHasThemAll) {
  for (const v1::Token::Role own : {v1::Token::ROLE_READ, v1::Token::ROLE_PREDICT,
                                    v1::Token::ROLE_LEARN, v1::Token::ROLE_ADMIN}) {
    const Caller caller(std::make_shared<Grant>(Grant{"t", {}, {own}, {}}));
    for (const v1::Token::Role asked : {v1::Token::ROLE_READ, v1::Token::ROLE_PREDICT,
                                        v1::Token::ROLE_LEARN, v1::Token::ROLE_ADMIN}) {
      EXPECT_EQ(caller.CheckRole(asked).ok(), own == asked || own == v1::Token::ROLE_ADMIN)
          << RoleName(own) << " " << RoleName(asked);
    }
  }
}

TEST(CallerTest, ModelsAreIdsOrBeginnings) {
  const auto covers = [](std::vector<std::string> models, std::string_view id) {
    return Caller(std::make_shared<Grant>(Grant{"t", {}, {}, std::move(models)})).Covers(id);
  };
  EXPECT_TRUE(covers({}, "clicks"));
  EXPECT_TRUE(covers({"clicks"}, "clicks"));
  EXPECT_FALSE(covers({"clicks"}, "clicks-2"));
  EXPECT_FALSE(covers({"clicks"}, "click"));
  EXPECT_TRUE(covers({"clicks*"}, "clicks"));
  EXPECT_TRUE(covers({"clicks*"}, "clicks-2"));
  EXPECT_FALSE(covers({"clicks*"}, "click"));
  EXPECT_TRUE(covers({"a", "b*"}, "bb"));
  EXPECT_TRUE(covers({"*"}, "anything"));
  EXPECT_FALSE(covers({"clicks*"}, ""));
}

TEST(CallerTest, SaysWhatTheTokenLacks) {
  const Caller caller(std::make_shared<Grant>(
      Grant{"ads", {}, {v1::Token::ROLE_READ, v1::Token::ROLE_PREDICT}, {"clicks*", "likes"}}));
  EXPECT_EQ(Message(caller.CheckRole(v1::Token::ROLE_LEARN)),
            "token \"ads\" may not do this: it requires the role learn, and the token has read, "
            "predict");
  EXPECT_EQ(Message(caller.CheckModel("views")),
            "token \"ads\" is not for model \"views\"; its models are clicks*, likes");
  EXPECT_THAT(Message(caller.CheckAllModels()), HasSubstr("clicks*, likes"));
}

TEST(AccessControlTest, WithoutTokensEveryoneMayDoEverything) {
  const AccessControl access;
  const Caller caller = access.Identify("").value();
  EXPECT_TRUE(caller.CheckRole(v1::Token::ROLE_ADMIN).ok());
  EXPECT_TRUE(caller.CheckAllModels().ok());
  EXPECT_EQ(caller.name(), "");
}

TEST(AccessControlTest, KnowsBearersByTheirSecrets) {
  const TokenFile file(Token("a", "secret-a", "roles: ROLE_READ") +
                       Token("b", "secret-b", "roles: [ROLE_LEARN, ROLE_PREDICT] models: 'x'"));
  const auto access = AccessControl::Load(file.path()).value();
  EXPECT_EQ(access->Identify("Bearer secret-a")->name(), "a");
  EXPECT_EQ(access->Identify("bearer secret-b")->name(), "b");
  for (const char* header : {"", "secret-a", "Bearer", "Bearer ", "Bearer secret-c",
                             "Basic secret-a", "Bearer  secret-a", "Bearer secret-a "}) {
    const absl::Status status = access->Identify(header).status();
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << header;
    EXPECT_THAT(Message(status), Not(HasSubstr("secret-"))) << header;
  }
  EXPECT_THAT(Message(access->Identify("").status()), HasSubstr("FRESHET_TOKEN"));
}

TEST(AccessControlTest, WhatIsWrongWithAFileIsSaidWithoutItsSecrets) {
  const std::string good = Token("a", "s", "roles: ROLE_READ");
  const auto wrong = [](const std::string& text) {
    const absl::Status status = ParseTokens(text, "tokens.textproto").status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(Message(status), StartsWith("tokens.textproto:")) << text;
    return Message(status);
  };
  EXPECT_THAT(wrong(""), HasSubstr("it has no tokens"));
  EXPECT_THAT(wrong(good + "tokens {"), HasSubstr(":2:"));
  EXPECT_THAT(wrong(good + Token("", "x", "roles: ROLE_READ")), HasSubstr("token 2: its name"));
  EXPECT_THAT(wrong(Token("a b", "x", "roles: ROLE_READ")), HasSubstr("its name"));
  EXPECT_THAT(wrong(Token("a", "x", "")), HasSubstr("it has no roles"));
  EXPECT_THAT(wrong(Token("a", "x", "roles: ROLE_UNSPECIFIED")), HasSubstr("its roles"));
  EXPECT_THAT(wrong(Token("a", "x", "roles: ROLE_READ models: 'A'")), HasSubstr("its models"));
  EXPECT_THAT(wrong(Token("a", "x", "roles: ROLE_READ models: ''")), HasSubstr("its models"));
  EXPECT_THAT(wrong(Token("a", "x", "roles: ROLE_READ models: '*a'")), HasSubstr("its models"));
  EXPECT_THAT(wrong(good + Token("b", "s", "roles: ROLE_LEARN")), HasSubstr("another token"));
  const std::string pasted = wrong("tokens { name: 'a' sha256: 'freshet_abc' roles: ROLE_READ }");
  EXPECT_THAT(pasted, HasSubstr("its sha256 must be"));
  EXPECT_THAT(pasted, Not(HasSubstr("freshet_abc")));
}

TEST(AccessControlTest, AMissingFileIsNamed) {
  EXPECT_THAT(Message(AccessControl::Load("/nowhere/tokens").status()),
              HasSubstr("/nowhere/tokens"));
}

TEST(AccessControlTest, AChangedFileCountsAfterAReload) {
  const TokenFile file(Token("a", "old", "roles: ROLE_READ"));
  const auto access = AccessControl::Load(file.path()).value();
  EXPECT_FALSE(*access->Reload());
  const Caller before = access->Identify("Bearer old").value();
  file.Write(Token("a", "new", "roles: ROLE_LEARN") + Token("b", "old", "roles: ROLE_ADMIN"));
  EXPECT_TRUE(*access->Reload());
  EXPECT_EQ(access->Identify("Bearer new")->name(), "a");
  const Caller renewed = access->Renew(before).value();
  EXPECT_EQ(renewed.name(), "b");
  EXPECT_TRUE(renewed.CheckRole(v1::Token::ROLE_ADMIN).ok());
  file.Write(Token("a", "new", "roles: ROLE_LEARN"));
  EXPECT_TRUE(*access->Reload());
  EXPECT_TRUE(absl::IsUnauthenticated(access->Renew(before).status()));
  EXPECT_TRUE(absl::IsUnauthenticated(access->Identify("Bearer old").status()));
}

TEST(AccessControlTest, ABadFileChangesNothingAndIsReportedOnce) {
  const TokenFile file(Token("a", "s", "roles: ROLE_READ"));
  const auto access = AccessControl::Load(file.path()).value();
  for (const char* bad : {"", "tokens {", "tokens { name: 'a' }"}) {
    file.Write(bad);
    EXPECT_FALSE(access->Reload().ok()) << bad;
    EXPECT_TRUE(access->Reload().ok()) << bad;
    EXPECT_EQ(access->Identify("Bearer s")->name(), "a") << bad;
  }
  std::remove(file.path().c_str());
  EXPECT_FALSE(access->Reload().ok());
  EXPECT_TRUE(access->Identify("Bearer s").ok());
  file.Write(Token("a", "s", "roles: ROLE_READ"));
  EXPECT_TRUE(*access->Reload());
}

}  // namespace
}  // namespace freshet
