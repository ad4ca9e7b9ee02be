// A stream into one object on S3. Up to one part it is a single PUT; more than that is a multipart upload, in which one
// part travels on a thread of its own while the next one fills, so two parts of memory are the most it takes.
//
// Every part goes with its SHA-256, which the server checks, and is tried again while its bytes are in hand. When the
// answer to the last request is lost, the object is asked for: it carries a mark of ours, and is only taken for written
// when the mark and the length agree.
#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "io/stream.h"
#include "store/s3_answer.h"
#include "store/s3_client.h"

namespace packferry {

// Parts grow, so that 10,000 of them, the most there may be, hold 289 GiB.
std::size_t s3_part_bytes(std::size_t part_index, std::size_t first_part_bytes);

class S3Upload final : public Writer {
 public:
  // `mark` is that of no other upload. Nothing is sent before there is a part's worth, or the end.
  S3Upload(S3Client& client, std::string key, std::string mark, std::stop_token stop);
  // Unfinished: the upload is aborted, without waiting long for it.
  ~S3Upload() override;
  S3Upload(const S3Upload&) = delete;
  S3Upload& operator=(const S3Upload&) = delete;

  Result<> write(std::span<const std::byte> bytes) override;
  Result<> finish() override;

 private:
  struct StopAll {
    std::stop_source& source;
    void operator()() const { source.request_stop(); }
  };

  std::size_t part_bytes() const;
  S3Request request(std::string method, S3Query query) const;
  Result<> begin();
  Result<> send_part();
  Result<> carry_part(unsigned number);
  Result<> wait_for_part();
  Result<> put_whole();
  Result<> complete();
  Result<> until_settled(const std::function<Result<>()>& attempt);
  bool is_there();
  void abort();

  S3Client& client_;
  const std::string key_;
  const std::string mark_;
  std::stop_source stop_;  // ours too: giving up ends the part that travels
  const std::stop_callback<StopAll> on_stop_;

  std::string upload_id_;  // empty: nothing was sent yet
  std::uint64_t bytes_ = 0;
  bool over_ = false;
  std::vector<std::byte> filling_;

  std::vector<S3Part> parts_;

  // Of the thread, until it is joined; and so is the last part.
  std::vector<std::byte> travelling_;
  Result<> carried_;
  std::jthread carrier_;
};

}  // namespace packferry
