#include "tests/support/certificates.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

void Run(const std::string& command) {
  if (std::system((command + " > /dev/null 2>&1").c_str()) == 0) return;
  std::fprintf(stderr, "failed: %s (is openssl installed?)\n", command.c_str());
  std::abort();
}

const char* const kNewKey = " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";

}  // namespace

TestAuthority::TestAuthority(std::string folder, const std::string& name)
    : folder_(std::move(folder)),
      own_{StrCat(folder_, "/", name, ".pem"), StrCat(folder_, "/", name, ".key")} {
  Run(StrCat("openssl req -x509", kNewKey, "-keyout ", own_.key, " -out ", own_.certificate,
             " -days 2 -subj /CN=", name));
}

CertificateFiles TestAuthority::Issue(const std::string& subject, int days) const {
  const std::string path = StrCat(folder_, "/", subject);
  CertificateFiles files = {path + ".pem", path + ".key"};
  std::ofstream(path + ".ext") << "subjectAltName=IP:127.0.0.1,DNS:localhost\n";
  Run(StrCat("openssl req", kNewKey, "-keyout ", files.key, " -out ", path,
             ".csr -subj /CN=", subject));
  Run(StrCat("openssl x509 -req -in ", path, ".csr -CA ", own_.certificate, " -CAkey ", own_.key,
             " -CAcreateserial -days ", days, " -extfile ", path, ".ext -out ", files.certificate));
  return files;
}

}  // namespace freshet
