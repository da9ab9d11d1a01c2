// Certificates for tests, made by the openssl command.

#ifndef FRESHET_TESTS_SUPPORT_CERTIFICATES_H_
#define FRESHET_TESTS_SUPPORT_CERTIFICATES_H_

#include <string>

namespace freshet {

// Files in PEM.
struct CertificateFiles {
  std::string certificate;
  std::string key;
};

// An authority that issues certificates for 127.0.0.1 and localhost. Everything stands in one
// folder, which the caller removes.
class TestAuthority {
 public:
  // Makes the authority's own certificate, NAME.pem.
  TestAuthority(std::string folder, const std::string& name);

  // The file of its root.
  const std::string& root() const { return own_.certificate; }

  // Makes SUBJECT.pem and SUBJECT.key, good for `days` from now; expired where that is negative.
  // Replaces files of these names.
  CertificateFiles Issue(const std::string& subject, int days = 1) const;

 private:
  const std::string folder_;
  const CertificateFiles own_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_CERTIFICATES_H_
