// Messages in a queue of Amazon SQS, as a rule of EventBridge puts them there: taken, worked on, and only then removed,
// so that whoever dies in between leaves them to the next. "Amazon SQS API Reference", JSON protocol.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "aws/aws_client.h"

namespace packferry {

struct QueueMessage {
  std::string receipt;  // by which it is removed; good until it is shown to somebody else
  std::string body;

  friend bool operator==(const QueueMessage&, const QueueMessage&) = default;
};

// Belongs to one thread.
class MessageQueue {
 public:
  virtual ~MessageQueue() = default;
  virtual std::string name() const = 0;  // for logs
  // Waits for some, seconds at most; none is no error. Those that are not removed come again.
  virtual Result<std::vector<QueueMessage>> receive(std::stop_token stop) = 0;
  // As many as receive() gives. One that could not be removed comes again, which is an Error that may pass.
  virtual Result<> remove(const std::vector<QueueMessage>& messages, std::stop_token stop) = 0;
};

class SqsQueue final : public MessageQueue {
 public:
  // `url`: as AWS shows it, "https://sqs.eu-central-1.amazonaws.com/123456789012/packferry"; `endpoint` is asked, which
  // is the same host unless somebody says otherwise. `wait`: how long a question may stay unanswered, up to 20 s. What
  // is passed in outlives it.
  SqsQueue(Url url, Url endpoint, std::string region, std::chrono::seconds wait, AwsCaller& caller,
           AwsCredentialSource& credentials);

  std::string name() const override { return url_.text(); }
  Result<std::vector<QueueMessage>> receive(std::stop_token stop) override;
  Result<> remove(const std::vector<QueueMessage>& messages, std::stop_token stop) override;

 private:
  const Url url_;
  const std::chrono::seconds wait_;
  const AwsClient client_;
};

}  // namespace packferry
