#include "server/tls/tls_identity.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string_view>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "server/file/file_system.h"
#include "server/file/small_file.h"

namespace freshet {
namespace {

constexpr uint64_t kMaxPemBytes = uint64_t{1} << 20;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

absl::Status Wrong(std::string_view path, std::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(StrCat(path, ": ", what));
}

Bio ReaderOf(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// The certificates of a PEM file; an error if there are none.
absl::StatusOr<std::vector<Certificate>> ReadCertificates(const std::string& pem,
                                                          const std::string& path) {
  const Bio bio = ReaderOf(pem);
  std::vector<Certificate> certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (certificates.empty() || !at_end) {
    return Wrong(path, "this is not a file of certificates in PEM");
  }
  ERR_clear_error();
  return certificates;
}

absl::StatusOr<Key> ReadKey(const std::string& pem, const std::string& path) {
  const Bio bio = ReaderOf(pem);
  const auto no_password = [](char*, int, int, void*) { return -1; };  // Otherwise OpenSSL asks on
                                                                       // the terminal.
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key == nullptr) return Wrong(path, "this is not a private key in PEM without a password");
  return key;
}

absl::Status UseRoots(SSL_CTX* context, const std::string& pem, const std::string& path) {
  absl::StatusOr<std::vector<Certificate>> roots = ReadCertificates(pem, path);
  if (!roots.ok()) return roots.status();
  for (const Certificate& root : *roots) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.get()) != 1 ||
        SSL_CTX_add_client_CA(context, root.get()) != 1) {
      return Wrong(path, "one of the root certificates cannot be used");
    }
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return absl::OkStatus();
}

// Makes material.context from the other members. An error if they do not fit together.
absl::Status MakeContext(const TlsFiles& files, TlsMaterial& material) {
  absl::StatusOr<std::vector<Certificate>> certificates =
      ReadCertificates(material.certificates, files.certificate);
  if (!certificates.ok()) return certificates.status();
  absl::StatusOr<Key> key = ReadKey(material.key, files.key);
  if (!key.ok()) return key.status();
  material.context.reset(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX* context = material.context.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  if (SSL_CTX_use_certificate(context, certificates->front().get()) != 1) {
    return Wrong(files.certificate, "the certificate cannot be used");
  }
  for (size_t i = 1; i < certificates->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, (*certificates)[i].get()) != 1) {
      return Wrong(files.certificate, "the certificate's chain cannot be used");
    }
  }
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return Wrong(files.key,
                 StrCat("the key is not that of the certificate in ", files.certificate));
  }
  if (material.client_roots.empty()) return absl::OkStatus();
  // Without a session id context, sessions with client certificates cannot be resumed.
  constexpr unsigned char kSessionName[] = "freshetd";
  SSL_CTX_set_session_id_context(context, kSessionName, sizeof(kSessionName) - 1);
  return UseRoots(context, material.client_roots, files.client_ca);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsIdentity>> TlsIdentity::Load(TlsFiles files) {
  std::unique_ptr<TlsIdentity> identity(new TlsIdentity(std::move(files)));
  const absl::StatusOr<bool> loaded = identity->Reload();
  if (!loaded.ok()) return loaded.status();
  return identity;
}

absl::StatusOr<bool> TlsIdentity::Reload() {
  absl::MutexLock lock(&reload_mu_);
  auto material = std::make_shared<TlsMaterial>();
  absl::Status status = absl::OkStatus();
  for (const auto& [path, text] : {std::pair(&files_.certificate, &material->certificates),
                                   std::pair(&files_.key, &material->key),
                                   std::pair(&files_.client_ca, &material->client_roots)}) {
    if (path->empty()) continue;
    absl::StatusOr<std::string> content = ReadSmallFile(PosixFileSystem(), *path, kMaxPemBytes);
    if (content.ok()) {
      *text = *std::move(content);
      if (text->empty()) status.Update(Wrong(*path, "the file is empty"));
    } else {
      status.Update(content.status());
    }
  }
  std::string seen = StrCat(status.ToString(), "\n", material->certificates, "\n", material->key,
                            "\n", material->client_roots);
  if (seen == last_seen_) return false;
  last_seen_ = std::move(seen);
  if (status.ok()) status = MakeContext(files_, *material);
  if (!status.ok()) return status;
  material_.Store(std::move(material));
  return true;
}

}  // namespace freshet
