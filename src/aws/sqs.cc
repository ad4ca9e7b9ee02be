#include "aws/sqs.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/printable.h"

namespace packferry {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMessagesInABatch = 10;
constexpr std::chrono::seconds kWaitMax{20};

constexpr KnownAwsCode kCodes[] = {
    {"QueueDoesNotExist", ErrorKind::NotFound, "see that the queue is there, in this account and region"},
    {"AWS.SimpleQueueService.NonExistentQueue", ErrorKind::NotFound,
     "see that the queue is there, in this account and region"},
    {"OverLimit", ErrorKind::Throttled},
    {"ReceiptHandleIsInvalid", ErrorKind::Conflict},
};

std::string text_of(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

SqsQueue::SqsQueue(Url url, Url endpoint, std::string region, std::chrono::seconds wait, AwsCaller& caller,
                   AwsCredentialSource& credentials)
    : url_(std::move(url)),
      wait_(std::clamp(wait, std::chrono::seconds(0), kWaitMax)),
      client_({.name = "sqs",
               .target = "AmazonSQS",
               .region = std::move(region),
               .endpoint = std::move(endpoint),
               .json_version = "1.0",
               .known = kCodes},
              caller, credentials) {}

Result<std::vector<QueueMessage>> SqsQueue::receive(std::stop_token stop) {
  const Json question = {
      {"QueueUrl", url_.text()}, {"MaxNumberOfMessages", kMessagesInABatch}, {"WaitTimeSeconds", wait_.count()}};
  const std::string answer = TRY(client_.call("ReceiveMessage", question.dump(), std::move(stop)));
  const Json document = Json::parse(answer, nullptr, false);
  if (!document.is_object()) return Error(ErrorKind::Corrupt, "{}: answers with no JSON object", name());
  std::vector<QueueMessage> messages;
  const auto found = document.find("Messages");
  if (found == document.end() || found->is_null()) return messages;
  if (!found->is_array() || found->size() > kMessagesInABatch)
    return Error(ErrorKind::Corrupt, "{}: answers with messages that were not asked for", name());
  for (const Json& message : *found) {
    messages.push_back({.receipt = text_of(message, "ReceiptHandle"), .body = text_of(message, "Body")});
    if (messages.back().receipt.empty()) return Error(ErrorKind::Corrupt, "{}: a message without a receipt", name());
  }
  return messages;
}

Result<> SqsQueue::remove(const std::vector<QueueMessage>& messages, std::stop_token stop) {
  if (messages.empty()) return {};
  Json question = {{"QueueUrl", url_.text()}, {"Entries", Json::array()}};
  for (std::size_t i = 0; i < messages.size(); ++i)
    question["Entries"].push_back({{"Id", fmt::format("{}", i)}, {"ReceiptHandle", messages[i].receipt}});
  const std::string answer = TRY(client_.call("DeleteMessageBatch", question.dump(), std::move(stop)));
  const Json document = Json::parse(answer, nullptr, false);
  const auto failed = document.is_object() ? document.find("Failed") : document.end();
  if (failed == document.end() || !failed->is_array() || failed->empty()) return {};
  return Error(ErrorKind::Unavailable, "{}: {} of {} messages were not removed: {}", name(), failed->size(),
               messages.size(), printable(text_of(failed->front(), "Code"), 100));
}

}  // namespace packferry
