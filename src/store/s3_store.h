// An ObjectStore in a bucket of S3, or of a server that speaks like it. Keys lie below the prefix of its location;
// objects there whose keys no store would make (a console's "folders") are not listed.
//
// A key that is taken is seen by the server itself (If-None-Match), also at the end of a multipart upload. Servers
// other than AWS are asked for the key first, because some take the condition and ignore it. S3 has no objects below
// others in its way: "a" and "a/b" can both be there.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "store/object_store.h"
#include "store/s3_client.h"

namespace packferry {

class S3Store final : public ObjectStore {
 public:
  // Invalid: options that contradict each other. Nothing is sent yet. What is passed in outlives the store.
  static Result<std::unique_ptr<S3Store>> open(S3Location location, S3Options options, HttpClient& http,
                                               AwsCredentialSource& credentials, Clock& clock);

  std::string name() const override { return client_.location().text(); }
  Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override;
  Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override;
  Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override;
  // The modification time is missing when the server does not tell it. A bucket that is not there has no objects.
  Result<std::optional<ObjectInfo>> find(std::string_view key, std::stop_token stop) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::stop_token stop) override;
  // In a bucket with versions this hides the object; older versions stay as long as the bucket's rules say.
  Result<> remove(std::string_view key, std::stop_token stop) override;
  Result<std::size_t> sweep(Milliseconds age, std::stop_token stop) override;
  Result<StoreFacts> facts(std::stop_token stop) override;

 private:
  S3Store(S3Location location, S3Options options, HttpClient& http, AwsCredentialSource& credentials, Clock& clock)
      : client_(std::move(location), std::move(options), http, credentials, clock) {}

  std::string next_mark(std::string_view key);
  bool is_missing(const Error& error, std::string_view key, std::stop_token stop);
  Result<std::uint64_t> length_of(std::string_view key, std::stop_token stop);

  S3Client client_;
  std::atomic<std::uint64_t> uploads_ = 0;
};

}  // namespace packferry
