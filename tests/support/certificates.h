// Certificates for tests, made by the openssl command.

#ifndef FRESHET_TESTS_SUPPORT_CERTIFICATES_H_
#define FRESHET_TESTS_SUPPORT_CERTIFICATES_H_

#include <string>

namespace freshet {

// The paths of two PEM files.
struct CertificateFiles {
  std::string certificate;
  std::string key;
};

// An authority that issues certificates for 127.0.0.1 and localhost. All files go into one folder,
// which the caller removes. Aborts the test program if openssl fails.
class TestAuthority {
 public:
  // Makes the authority's own certificate, NAME.pem, and its key, NAME.key.
  TestAuthority(std::string folder, const std::string& name);

  // The path of the root certificate.
  const std::string& root() const { return own_.certificate; }

  // Makes SUBJECT.pem and SUBJECT.key, valid for `days` from now; a negative number makes an
  // expired certificate. Replaces files of these names.
  CertificateFiles Issue(const std::string& subject, int days = 1) const;

 private:
  const std::string folder_;
  const CertificateFiles own_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_CERTIFICATES_H_
