#include "server/tls/tls_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/certificates.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class TlsIdentityTest : public testing::Test {
 protected:
  static std::string ErrorOf(const TlsFiles& files) {
    const absl::Status status = TlsIdentity::Load(files).status();
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  }

  const TemporaryFolder temporary_folder_;
  const std::string& folder_ = temporary_folder_.path();
  const TestAuthority authority_{folder_, "ca"};
};

TEST_F(TlsIdentityTest, TakesACertificateWithItsKey) {
  const CertificateFiles server = authority_.Issue("server");
  const auto plain = TlsIdentity::Load({server.certificate, server.key, ""});
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_FALSE((*plain)->asks_for_client_certificates());
  const auto mutual = TlsIdentity::Load({server.certificate, server.key, authority_.root()});
  ASSERT_TRUE(mutual.ok()) << mutual.status();
  EXPECT_TRUE((*mutual)->asks_for_client_certificates());
}

TEST_F(TlsIdentityTest, SaysWhichFileIsWrongAndWhy) {
  const CertificateFiles server = authority_.Issue("server");
  const CertificateFiles other = authority_.Issue("other");
  EXPECT_THAT(ErrorOf({server.certificate, other.key, ""}),
              HasSubstr(other.key + ": the key is not that of the certificate in "));
  EXPECT_THAT(ErrorOf({server.key, server.key, ""}),
              HasSubstr(server.key + ": this is not a file of certificates"));
  EXPECT_THAT(ErrorOf({server.certificate, server.certificate, ""}),
              HasSubstr(server.certificate + ": this is not a private key"));
  EXPECT_THAT(ErrorOf({server.certificate, server.key, server.key}),
              HasSubstr(server.key + ": this is not a file of certificates"));
  EXPECT_THAT(ErrorOf({server.certificate, server.key, folder_ + "/missing"}),
              HasSubstr(folder_ + "/missing"));
  const std::string empty = folder_ + "/empty";
  std::ofstream(empty).close();
  EXPECT_THAT(ErrorOf({server.certificate, server.key, empty}),
              HasSubstr(empty + ": the file is empty"));
  // A truncated certificate after a complete one.
  std::ofstream(server.certificate, std::ios::app) << "-----BEGIN CERTIFICATE-----\nMIIB\n";
  EXPECT_THAT(ErrorOf({server.certificate, server.key, ""}), HasSubstr("this is not a file of"));
}

TEST_F(TlsIdentityTest, AKeyWithAPasswordIsRefusedAndNobodyIsAskedForIt) {
  const CertificateFiles server = authority_.Issue("server");
  const std::string locked = folder_ + "/locked.key";
  ASSERT_EQ(std::system(("openssl pkey -in " + server.key + " -aes128 -passout pass:secret -out " +
                         locked + " 2> /dev/null")
                            .c_str()),
            0);
  EXPECT_THAT(ErrorOf({server.certificate, locked, ""}), HasSubstr("without a password"));
}

TEST_F(TlsIdentityTest, ChangedFilesCountOnceTheyFitTogether) {
  const CertificateFiles server = authority_.Issue("server");
  const auto identity = TlsIdentity::Load({server.certificate, server.key, ""}).value();
  EXPECT_FALSE(*identity->Reload());
  const auto before = identity->material();
  const CertificateFiles next = authority_.Issue("next");
  std::filesystem::rename(next.certificate, server.certificate);
  EXPECT_FALSE(identity->Reload().ok());  // Only one of the files is replaced.
  EXPECT_FALSE(*identity->Reload());      // Reported once.
  EXPECT_EQ(identity->material(), before);
  std::filesystem::rename(next.key, server.key);
  EXPECT_TRUE(*identity->Reload());
  EXPECT_NE(identity->material(), before);
  EXPECT_NE(identity->material()->certificates, before->certificates);
}

}  // namespace
}  // namespace freshet
