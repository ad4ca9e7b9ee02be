#include "backup/repository_name.h"

#include <algorithm>

#include "base/digest.h"
#include "base/printable.h"
#include "io/stream.h"

namespace packferry {
namespace {

constexpr std::size_t kShownBytesMax = 200;
constexpr std::size_t kNumberDigits = 10;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool stands_for_itself(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
}

// Where a '.' must not be seen; npos when there is none.
std::size_t special_dot(std::string_view part) {
  if (part.starts_with('.')) return 0;
  const bool is_numbered = part.size() > kNumberDigits && part[kNumberDigits] == '.' &&
                           std::all_of(part.begin(), part.begin() + kNumberDigits, is_digit);
  return is_numbered ? kNumberDigits : std::string_view::npos;
}

std::string encode(std::string_view name) {
  std::string key;
  for (std::size_t begin = 0, end = 0; end != std::string_view::npos; begin = end + 1) {
    end = name.find('/', begin);
    if (begin > 0) key += '/';
    key += encode_key_part(name.substr(begin, end - begin));
  }
  return key;
}

// Every '%' and its two digits as the byte that they mean; what is not spelt as encode() does it, encode() shows.
std::string decode(std::string_view key) {
  std::string name;
  while (!key.empty()) {
    const auto byte = key.front() == '%' && key.size() >= 3 ? from_hex(key.substr(1, 2)) : std::nullopt;
    name += byte ? as_text(*byte) : key.substr(0, 1);
    key.remove_prefix(byte ? 3 : 1);
  }
  return name;
}

}  // namespace

std::string encode_key_part(std::string_view part) {
  std::string encoded;
  const std::size_t special = special_dot(part);
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (stands_for_itself(part[i]) && i != special)
      encoded += part[i];
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(part[i]));
  }
  return encoded;
}

Result<RepositoryName> RepositoryName::parse(std::string_view text) {
  const auto objection = [&](std::string_view rule) {
    return Error(ErrorKind::Invalid, "repository name '{}' {}", printable(text, kShownBytesMax), rule);
  };
  if (text.size() > kKeyBytesMax) return objection("is too long");
  if (printable(text, std::string::npos) != text) return objection("has control characters, or is not UTF-8");
  for (std::size_t begin = 0, end = 0; end != std::string_view::npos; begin = end + 1) {
    end = text.find('/', begin);
    const std::string_view part = text.substr(begin, end - begin);
    if (part.empty()) return objection("has an empty part");
    if (part == "." || part == "..") return objection("has a part that is '.' or '..'");
    if (encode_key_part(part).size() > kKeyPartBytesMax) return objection("has a part that is too long");
  }
  if (encode(text).size() > kKeyBytesMax) return objection("is too long");
  return RepositoryName(std::string(text));
}

Result<RepositoryName> RepositoryName::from_key(std::string_view key) {
  Result<RepositoryName> name = parse(decode(key));
  if (!name || name->key() != key)
    return Error(ErrorKind::Corrupt, "'{}' is not the key of a repository", printable(key, kShownBytesMax));
  return name;
}

std::string_view RepositoryName::last_part() const {
  return std::string_view(text_).substr(text_.rfind('/') + 1);  // npos + 1 is 0
}

std::string RepositoryName::key() const { return encode(text_); }

}  // namespace packferry
