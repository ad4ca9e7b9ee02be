#include "host/forge_answer.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/printable.h"
#include "git/ref.h"
#include "host/repository_list.h"

namespace packferry {
namespace {

constexpr std::size_t kIdBytesMax = 100;
constexpr std::size_t kMomentBytesMax = 64;
constexpr std::size_t kShownBytesMax = 200;

bool is_plain(std::string_view text, std::size_t bytes_max) {
  return text.size() <= bytes_max && printable(text, text.size() + 1) == text;
}

}  // namespace

Result<Json> parse_answer(std::string_view body) {
  Json answer = Json::parse(body, nullptr, false);
  if (answer.is_discarded()) return Error(ErrorKind::Corrupt, "the answer is no JSON");
  return answer;
}

Result<Json> parse_list(std::string_view body) {
  Json answer = TRY(parse_answer(body));
  if (!answer.is_array()) return Error(ErrorKind::Corrupt, "the answer is something else than a list");
  return answer;
}

Result<Json> parse_list(const Json& answer, const char* name) {
  Json list = member(answer, name);
  if (!list.is_array()) return Error(ErrorKind::Corrupt, "the answer has no list '{}'", name);
  return list;
}

const Json& member(const Json& object, const char* name) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(name);
  return found == object.end() ? kNone : *found;
}

std::string text_of(const Json& object, const char* name) {
  const Json& found = member(object, name);
  return found.is_string() ? found.get<std::string>() : std::string();
}

bool flag_of(const Json& object, const char* name) {
  const Json& found = member(object, name);
  return found.is_boolean() && found.get<bool>();
}

std::optional<std::uint64_t> count_of(const Json& object, const char* name) {
  const Json& found = member(object, name);
  return found.is_number_unsigned() ? std::optional(found.get<std::uint64_t>()) : std::nullopt;
}

std::string to_text(const Json& request) { return request.dump(-1, ' ', false, Json::error_handler_t::replace); }

Result<std::string> id_of(const Json& object, const char* name) {
  if (const std::optional<std::uint64_t> number = count_of(object, name)) return std::to_string(*number);
  std::string text = text_of(object, name);
  if (text.empty() || !is_plain(text, kIdBytesMax))
    return Error(ErrorKind::Corrupt, "a repository without a sound '{}'", name);
  return text;
}

Result<std::string> branch_of(const Json& object, const char* name) {
  std::string branch = text_of(object, name);
  if (branch.empty() || RefName::parse("refs/heads/" + branch)) return branch;
  return Error(ErrorKind::Corrupt, "a default branch '{}', which no branch can be called",
               printable(branch, kShownBytesMax));
}

Result<std::string> moment_of(const Json& object, const char* name) {
  std::string text = text_of(object, name);
  if (!is_plain(text, kMomentBytesMax)) return Error(ErrorKind::Corrupt, "a '{}' that is no time", name);
  return text;
}

Result<std::string> name_of(const Json& object, const char* name, std::size_t parts_min, std::size_t parts_max) {
  std::string found = text_of(object, name);
  if (const Result<> checked = check_hosted_name(found, parts_min, parts_max); !checked)
    return Error(ErrorKind::Corrupt, "the name of a repository: {}", checked.error().message());
  return found;
}

std::optional<Visibility> visibility_of(std::string_view text) {
  for (const Visibility each : {Visibility::Private, Visibility::Internal, Visibility::Public})
    if (text == to_string(each)) return each;
  return std::nullopt;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

Result<HostedRepository> one_of_name(HostedRepository found, std::string_view name) {
  if (same_name(found.name, name)) return found;
  return Error(ErrorKind::Corrupt, "the answer is about '{}'", found.name);
}

Result<HostedRepository> ask_for_repository(ForgeApi& api, const ForgeQuestion& question, std::string_view name,
                                            ReadRepository read, const Url& web, std::stop_token stop) {
  const HttpAnswer answer = TRY(api.ask(question, std::move(stop)));
  const auto understand = [&]() -> Result<HostedRepository> {
    const Json described = TRY(parse_answer(answer.body));
    return one_of_name(TRY(read(described, web)), name);
  };
  return understand().context("{}: {}", api.name(), question.doing);
}

Result<> check_new_repository(const NewRepository& wanted, bool has_sha256, std::size_t description_max) {
  if (!is_plain(wanted.description, description_max))
    return Error(ErrorKind::Invalid, "the description has control characters, no UTF-8, or more than {} bytes",
                 description_max);
  if (!wanted.tags.empty()) return Error(ErrorKind::Unsupported, "this host has no tags for repositories");
  if (wanted.format != ObjectFormat::Sha1 && !has_sha256)
    return Error(ErrorKind::Unsupported, "this host makes no repositories of {}", to_string(wanted.format));
  return {};
}

}  // namespace packferry
